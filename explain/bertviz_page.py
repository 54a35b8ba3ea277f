"""AttentionMaps -> one self-contained page with BertViz's head view, model view or neuron view. It asks no host for anything.

BertViz's scripts, D3 and jQuery come from the installed packages, as they are; what they are given and how the page looks is
ours (`assets/bertviz*`). BertViz: Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model".
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.neurons import Neurons
from explain.results import CROSS, DECODER, ENCODER, SELF, AttentionMap, AttentionMaps
from explain.shades import MOST_LINES, MOST_OF_ONE_HEAD, Shades, least_level, shades
from narrative.errors import ExplainError, require_choice, require_whole

VIEWS = ("head", "model", "neuron")
_ASSETS = Path(__file__).parent / "assets"
_LIBRARIES = (("mpld3", "mpld3/js/d3.v5.min.js"), ("xstatic-jquery", "xstatic/pkg/jquery/data/jquery.slim.min.js"))
_SHORT = {SELF: "the text", ENCODER: "encoder", DECODER: "decoder", CROSS: "cross"}
_SHOWS = {
    "head": "Lines go from those who look (left) to what they look at (right), a colour for each head: the stronger a line, the more "
    "attention.",
    "model": "Each small picture is one head: a row for each layer, a column for each head. Lines go from those who look (left) to what "
    "they look at (right): the stronger a line, the more attention.",
    "neuron": "How a head decides where to look: the query of the token that looks (left) is multiplied, number by number, with the key of "
    "each token that it may look at (right); the larger the sum, the more attention. Blue is above zero, orange below.",
}
_HINTS = {
    "head": "Point at a word to see where it looks. Click a numbered box to hide or show that head, double-click to see it alone.",
    "model": "Click a picture to open it, click it again to close it.",
    "neuron": "Point at a token on the left, then click its plus sign to see queries and keys.",
}


@dataclass(frozen=True)
class Page:
    """`html` stands by itself, in a file or in a frame; `sentence` says what is drawn and what is not."""

    html: str
    sentence: str


@dataclass(frozen=True)
class Cut:
    """What one picture leaves out: lines under `least` (a level), and of those at it all but the share `keep`."""

    least: int
    keep: float
    note: str


def bertviz_page(
    maps: AttentionMaps, *, view: str, name: str | None = None, layer: int = 0, head: int | None = None,
    neurons: Neurons | None = None, title: str = "", dark: bool = False, led: bool = False,
) -> Page:  # fmt: skip
    """The page of one of `VIEWS`; `name`, `layer` and `head` (from 0) are what it shows first, all others can be chosen in it:
    in a frame from outside only when it is `led`, for then its own choices of layer, head and map are not shown there.

    A neuron view holds the one layer of `neurons`. Raises `SettingsError` for a view, map, layer or head that isn't there,
    and `ExplainError` for a neuron view without queries and keys.
    """
    require_choice("view", view, VIEWS)
    first = maps.map(name)
    require_whole("the layer", layer + 1, low=1, high=first.layers)
    if head is not None:
        require_whole("the head", head + 1, low=1, high=first.heads)
    if view == "neuron":
        told, blocks = _neuron_page(maps, first, layer, neurons)
    else:
        shown = (first, *(one for one in maps.maps if one.name != first.name))
        described = [_described(one, view) for one in shown]
        told = {"maps": [entry for entry, _ in described]}
        blocks = {f"weights-{place}": data for place, (_, data) in enumerate(described)}
    note = _note(told["maps"][0], view, layer, head or 0)
    faint = f"Attention under {100 * shades(first).least_weight(1):.1g} % is not drawn."
    sentence = " ".join(part for part in (_SHOWS[view], _limit(view), note, faint, first.left_out) if part)
    told |= {
        "view": view, "layer": layer, "head": head, "title": title or "Attention", "dark": dark, "led": led, "shows": _SHOWS[view],
        "hint": _HINTS[view], "limit": f"{_limit(view)} {faint} {first.left_out}".strip(),
    }  # fmt: skip
    return Page(_html(view, told, blocks), sentence)


def _neuron_page(maps: AttentionMaps, one: AttentionMap, layer: int, neurons: Neurons | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """One layer: its weights, queries and keys."""
    if neurons is None or one.name == CROSS:
        raise ExplainError("The neuron view needs queries and keys that make the attention; this model's attention has more to it.")
    if maps.unit != "pieces":
        raise ExplainError(
            "The neuron view shows the pieces that the model reads: words have no queries and keys of their own. Choose pieces."
        )
    if neurons.layer != layer or neurons.queries.shape[:2] != one.weights.shape[1:3]:
        raise ExplainError(
            f"The queries and keys given are those of layer {neurons.layer + 1}, for another picture than layer {layer + 1}."
        )
    whole = shades(one)
    alone = replace(one, weights=one.weights[layer : layer + 1])
    told, weights = _described(alone, "neuron", Shades(whole.levels[layer : layer + 1], whole.gain))
    scaled = {side: _whole_numbers(getattr(neurons, side)) for side in ("queries", "keys")}
    vectors = {
        side: {"scales": [float(scale) for scale in scales], "width": numbers.shape[-1]} for side, (numbers, scales) in scaled.items()
    }
    return {"maps": [told], "vectors": vectors}, {"weights-0": weights} | {side: data.tobytes() for side, (data, _) in scaled.items()}


def _whole_numbers(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """(head, token, width) as two bytes a number, and what a head's are to be multiplied with."""
    scales = np.maximum(np.abs(vectors).max(axis=(1, 2)), np.float32(1e-30)) / np.float32(32_767)
    return np.rint(vectors / scales[:, None, None]).astype("<i2"), scales


def _described(one: AttentionMap, view: str, drawn: Shades | None = None) -> tuple[dict[str, Any], bytes]:
    """What the page is told about a map, and its weights."""
    drawn = drawn or shades(one)
    left, right = one.labels()
    pictures, closer = _cuts(drawn, view)
    told = {
        "name": _SHORT[one.name], "title": one.title, "causal": one.causal, "left": left, "right": right,
        "borders": [one.query_border, one.key_border], "layers": one.layers, "heads": one.heads,
        "cuts": [[cut.least, cut.keep, cut.note] for cut in pictures], "closer": [[cut.least, cut.keep, cut.note] for cut in closer],
    }  # fmt: skip
    return told, b"".join(_rows(drawn.levels, causal=one.causal))


def _rows(levels: NDArray[np.uint8], *, causal: bool) -> Iterator[bytes]:
    """By query, then layer and head: rows of equal length, and alike in their values, stand together, which packs them smaller."""
    for query in range(levels.shape[2]):
        yield levels[:, :, query, : query + 1 if causal else None].tobytes()


def _cuts(drawn: Shades, view: str) -> tuple[list[Cut], list[Cut]]:
    """For each picture that the page draws (a layer; all heads; a head), and for each head opened from among all."""
    by_head = [_cut(drawn, levels, MOST_OF_ONE_HEAD) for layer in drawn.levels for levels in layer] if view != "head" else []
    if view == "neuron":
        return by_head, []
    if view == "model":
        return [_cut(drawn, drawn.levels, MOST_LINES - MOST_OF_ONE_HEAD)], by_head
    return [_cut(drawn, levels, MOST_LINES) for levels in drawn.levels], []


def _cut(drawn: Shades, levels: NDArray[np.uint8], most: int) -> Cut:
    least = least_level(levels, most)
    reaching = int(np.count_nonzero(levels >= least))
    if reaching > most:
        return Cut(least, most / reaching, f"{reaching:,} lines are equally strong: {most:,} of them, evenly chosen, are drawn.")
    note = f"Lines under {100 * drawn.least_weight(least):.2g} % are not drawn: only the {most:,} strongest are."
    return Cut(least, 1, note if least > 1 else "")


def _note(told: dict[str, Any], view: str, layer: int, head: int) -> str:
    """What the picture shown first leaves out."""
    return str(told["cuts"][{"head": layer, "model": 0, "neuron": head}[view]][2])


def _limit(view: str) -> str:
    if view == "model":
        return f"At most {MOST_LINES:,} lines are drawn, {MOST_OF_ONE_HEAD:,} of them for the head that is opened."
    return f"At most {MOST_LINES if view == 'head' else MOST_OF_ONE_HEAD:,} lines are drawn at once{' for a head' * (view == 'neuron')}."


def _html(view: str, told: dict[str, Any], blocks: dict[str, bytes]) -> str:
    """The page. What comes from texts is JSON without a "<", or packed: nothing of it can end a script or begin a tag."""
    scripts = "\n".join(_asset(f"bertviz_{part}.js") for part in ("weights", "lines", "figure", "page"))
    packed = _libraries(view) + "".join(_block(name, data) for name, data in blocks.items())
    data = json.dumps(told, separators=(",", ":")).replace("<", "\\u003c")
    parts = {"style": _asset("bertviz.css"), "told": data, "packed": packed, "scripts": scripts}
    pieces = _asset("bertviz.html").split("%%")  # text, name, text, name, ... text
    return "".join(piece if place % 2 == 0 else parts[piece] for place, piece in enumerate(pieces))


def _block(name: str, data: bytes) -> str:
    squeezed = min((_gzipped(data, way) for way in (zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)), key=len)  # weights repeat nothing but zeros
    return _packed(name, squeezed)


def _packed(name: str, data: bytes) -> str:
    return f'<script type="text/plain" id="{name}" data-bytes="{len(data)}">{as_text(data)}</script>\n'


def _gzipped(data: bytes, way: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    packer = zlib.compressobj(9 if way == zlib.Z_DEFAULT_STRATEGY else 1, zlib.DEFLATED, 31, 9, way)
    return packer.compress(data) + packer.flush()


ALPHABET = bytes(sign for sign in range(33, 127) if sign not in b'"&<')  # 91 signs that mean nothing to HTML


def as_text(data: bytes) -> str:
    """13 bits as two of 91 signs: a tenth smaller than base64, which is what keeps 256 tokens under two megabytes."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    groups = np.pad(bits, (0, -len(bits) % 13)).reshape(-1, 13).astype(np.uint16)
    values = groups @ (1 << np.arange(12, -1, -1, dtype=np.uint16))
    signs = np.frombuffer(ALPHABET, np.uint8)
    return bytes(signs[np.stack((values // 91, values % 91), axis=1)].ravel()).decode("ascii")


@cache
def _libraries(view: str) -> str:
    """D3, jQuery and BertViz's script of this view, which finds its parameters under the name that its Python puts them in for."""
    d3, jquery = (_installed(package, path) for package, path in _LIBRARIES)
    script = _installed("bertviz", f"bertviz/{view}_view.js")
    code = f"{d3}\n;{jquery}\n;function bertviz(require, requirejs, PYTHON_PARAMS) {{\n{script}\n}}\n"
    return _packed("libraries", _gzipped(code.encode()))


def _installed(package: str, path: str) -> str:
    """A file of an installed package; importing the package would load matplotlib, or models."""
    return Path(str(distribution(package).locate_file(path))).read_text(encoding="utf-8")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
