"""Results as CSV text: what a view draws, number by number. Nothing is measured here.

UTF-8 text with a header row. Layers, heads and words count from 1. Numbers have six significant digits; in `attention_csv`, `drawn` is
the value that the view draws. Words stand as they are, but for one rule: a spreadsheet would run a cell that begins with =, +, - or @
as a formula, so such a word of more than one character gets an apostrophe in front (`-ing` becomes `'-ing`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explain.results import AttentionMap, AttentionMaps
from explain.shades import FULL, MOST_LINES, MOST_OF_ONE_HEAD, Shades, least_level, shades
from narrative.errors import require_choice, require_whole
from narrative.text import writable

if TYPE_CHECKING:  # types only: writing a table needs no torch
    from explain.ablation import AblationMap
    from explain.compare import AttentionDifference
    from explain.lens import Lens, LensLayer
    from explain.roles import HeadRoles

FORMULA = ("=", "+", "-", "@")
_MAP = ("map", "layer", "head", "query", "query_text", "key", "key_text")

Rows = Iterator[tuple[Any, ...]]


def attention_csv(maps: AttentionMaps, *, view: str, name: str | None = None, layer: int = 0, head: int | None = None) -> str:
    """One line a weight that `view` draws: map, layer, head, query, query_text, key, key_text, weight, drawn.

    Head view: the layer's heads, or the one given. Model view: all layers and heads, only what is strong enough to be drawn there.
    Elsewhere `drawn` is empty where a weight is too faint for a line.
    Neuron view and heat map: one head. Of maps that look back only, nothing ahead of the query. Raises `SettingsError`.
    """
    one = maps.map(name)
    require_choice("view", view, _VIEWS)
    _check_place(one, layer, head)
    return table((*_MAP, "weight", "drawn"), _VIEWS[view](one, layer, head))


def overview_csv(roles: HeadRoles) -> str:
    """layer, head, role, strength (0 to 1)."""
    rows = (
        (layer + 1, head + 1, role, six_digits(roles.strength[layer, head]))
        for layer, names in enumerate(roles.names)
        for head, role in enumerate(names)
    )
    return table(("layer", "head", "role", "strength"), rows)


def difference_csv(diff: AttentionDifference, layer: int, head: int) -> str:
    """One head: map, layer, head, query, query_text, key, key_text, difference (tuned - base), drawn (as the figure shows it)."""
    one = diff.map
    _check_place(one, layer, head)
    return table((*_MAP, "difference", "drawn"), _rounded(one, layer, head))


def distance_csv(diff: AttentionDifference) -> str:
    """layer, head, distance: the share of the head's attention (0 to 1) that went elsewhere."""
    return table(("layer", "head", "distance"), _cells(diff.distance))


def ablation_csv(result: AblationMap) -> str:
    """layer, head, effect: log-probability without the head minus with it, in nats. Heads that are not worked out are left out."""
    return table(("layer", "head", "effect"), (row for row in _cells(result.effects) if row[-1] != "nan"))


def lens_csv(told: Lens) -> str:
    """layer (0: the embedding), place (1: the likeliest), token, text, probability; and of the token that stands there its own two columns.

    `actual_probability` and `actual_rank` are empty where nothing stands yet.
    """
    rows = (
        (one.layer, place, guess.id, cell_text(guess.label), six_digits(guess.probability), *_actual(one))
        for one in told.layers
        for place, guess in enumerate(one.guesses, 1)
    )
    return table(("layer", "place", "token", "text", "probability", "actual_probability", "actual_rank"), rows)


def _head_view(one: AttentionMap, layer: int, head: int | None) -> Rows:
    drawn = shades(one)
    least = least_level(drawn.levels[layer], MOST_LINES)
    for chosen in range(one.heads) if head is None else (head,):
        yield from _shaded(one, drawn, layer, chosen, blank=least)


def _model_view(one: AttentionMap, _layer: int, _head: int | None) -> Rows:
    drawn = shades(one)
    least = least_level(drawn.levels, MOST_LINES - MOST_OF_ONE_HEAD)
    for layer in range(one.layers):
        for head in range(one.heads):
            yield from _shaded(one, drawn, layer, head, least=least)


def _neuron_view(one: AttentionMap, layer: int, head: int | None) -> Rows:
    drawn = shades(one)
    return _shaded(one, drawn, layer, head or 0, blank=least_level(drawn.levels[layer, head or 0], MOST_OF_ONE_HEAD))


def _heat_map(one: AttentionMap, layer: int, head: int | None) -> Rows:
    return _rounded(one, layer, head or 0)


_VIEWS: dict[str, Callable[[AttentionMap, int, int | None], Rows]] = {
    "head": _head_view, "model": _model_view, "neuron": _neuron_view, "heatmap": _heat_map,
}  # fmt: skip


def _shaded(one: AttentionMap, drawn: Shades, layer: int, head: int, *, least: int = 0, blank: int = 0) -> Rows:
    """Weights from level `least` on; `drawn` is what the levels of the lines stand for, to four decimals, from level `blank` on."""
    levels = drawn.levels[layer, head]
    values = ["" if level < blank else six_digits(round(level / FULL / drawn.gain, 4)) for level in range(FULL + 1)]
    return _lines(one, layer, head, kept=levels >= least, drawn=[[values[level] for level in row] for row in levels.tolist()])


def _rounded(one: AttentionMap, layer: int, head: int) -> Rows:
    """`drawn` has four decimals, as the figures have them."""
    rounded = np.rint(np.asarray(one.weights[layer, head], dtype=np.float64) * 10_000) / 10_000
    drawn = [[six_digits(value) for value in row] for row in rounded.tolist()]
    return _lines(one, layer, head, kept=np.ones(rounded.shape, dtype=bool), drawn=drawn)


def _lines(one: AttentionMap, layer: int, head: int, *, kept: NDArray[np.bool_], drawn: list[list[str]]) -> Rows:
    """(query, key) that are `kept`, by query; of causal maps those that look back, and no key that is left out."""
    queries, keys = ([cell_text(label) for label in side] for side in one.labels())
    weights = one.weights[layer, head].tolist()
    if one.hidden is not None:
        kept = kept & (np.arange(kept.shape[1]) > 0)
    for query, key in np.argwhere(np.tril(kept) if one.causal else kept).tolist():
        place = (query + 1, queries[query], key + 1, keys[key])
        yield one.name, layer + 1, head + 1, *place, six_digits(weights[query][key]), drawn[query][key]


def _cells(values: NDArray[np.float32]) -> Rows:
    for (layer, head), value in np.ndenumerate(values):
        yield layer + 1, head + 1, six_digits(value)


def _check_place(one: AttentionMap, layer: int, head: int | None) -> None:
    require_whole("layer", layer + 1, low=1, high=one.layers)
    if head is not None:
        require_whole("head", head + 1, low=1, high=one.heads)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(header)
    lines.writerows(rows)
    return written.getvalue()


def six_digits(value: float | np.floating[Any]) -> str:
    return f"{value:.6g}"


def _actual(one: LensLayer) -> tuple[str, str]:
    return "" if one.probability is None else six_digits(one.probability), "" if one.rank is None else str(one.rank)


def cell_text(label: str) -> str:
    """A word for a cell; see the rule at the top."""
    whole = writable(label)
    return f"'{whole}" if len(whole) > 1 and whole.startswith(FORMULA) else whole
