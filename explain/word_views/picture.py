"""A shaded text as an SVG picture: one file without script, font or link, for papers and slides."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from explain.word_views.sentences import method_title, question_line, sentence_of
from explain.word_views.shading import Shaded, Strip, shade
from narrative.text import writable

if TYPE_CHECKING:
    from explain.importance import WordImportance

WIDTH, MARGIN = 900, 36  # pixels
_SIZE, _LINE, _PLAIN, _PLAIN_LINE, _BAR = 21, 38, 15, 23, 170
_SERIF, _SANS = "Literata, Palatino, Georgia, serif", "Inter, system-ui, Helvetica, Arial, sans-serif"
_SANS_WIDER = 1.24  # than the serif, of the widest sans that a reader may have
_WIDTHS = {  # of a usual serif, in shares of its size
    sign: share
    for share, signs in (
        (0.28, "iljt.,;:'|![] \N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"), (0.37, 'rsfI()-"'), (0.45, "aceszvxy?“”"),
        (0.73, "wOQGDHNAKVUXYCR"), (0.82, "mM%@"), (0.96, "W—…"),
    )
    for sign in signs
}  # fmt: skip


@dataclass(frozen=True)
class Tones:
    paper: str
    ink: str
    soft: str
    line: str
    accent: str


LIGHT = Tones("#fbfaf6", "#22252a", "#5f636a", "#e6e1d6", "#2b4c7e")
DARK = Tones("#15171b", "#e9e4da", "#a0a6ae", "#2e3238", "#9dbce8")


def word_picture(importance: WordImportance, *, dark: bool = False, limit: float | None = None, sentence: str = "") -> str:
    """One SVG document: question and method, the shaded text, its legend, and the plain sentence. `limit` as in `shade`.

    Widths are estimated and each word is fitted into its own, so that colours lie behind their words in any font. Lines run from left
    to right: in writing that runs from right to left each word is right, their order is not.
    """
    tones, strip = DARK if dark else LIGHT, shade(importance, limit=limit)
    parts = [_lines(f"{question_line(importance)} · {method_title(importance)}", 40, tones.soft, bold=True)]
    drawn, below = _strip(strip, tones, top=40 + 20 * parts[0].count("<text") + 30)
    parts += [drawn, _legend(strip, tones, below + 2)]
    plain = sentence or sentence_of(importance)
    parts.append(_lines(plain, below + 44, tones.ink))
    height = below + 44 + _PLAIN_LINE * len(_wrapped(plain)) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">'
        f'<title>{_safe(question_line(importance))}</title><rect width="100%" height="100%" fill="{tones.paper}"/>{"".join(parts)}</svg>'
    )


def _strip(strip: Strip, tones: Tones, *, top: int) -> tuple[str, int]:
    """The words on their lines, and the height below them."""
    parts, across, line = [], float(MARGIN), top
    for word in strip.words:
        if not word.text and not word.counts:
            continue
        lines = word.text.count("\n", 0, len(word.text) - len(word.text.lstrip()))
        gap = _width(" ") if word.text[:1].isspace() and across > MARGIN else 0
        shown = _words_of(word)
        wide = min(_width(shown), WIDTH - 2 * MARGIN)
        if lines or across + gap + wide > WIDTH - MARGIN:
            across, line, gap = float(MARGIN), line + _LINE * max(lines, 1), 0
        across += gap
        parts.append(_placed(word, shown, across, line, wide, tones, boxed=strip.boxed))
        across += wide
    return "".join(parts), line + _LINE


def _words_of(word: Shaded) -> str:
    """On one line and not longer than it: a sentence or a marked passage is cut, its colour stays."""
    shown, most = " ".join(word.text.split()) or word.label * bool(word.text), WIDTH - 2 * MARGIN
    if _width(shown) <= most:
        return shown
    ends = list(accumulate(map(_em, shown)))
    kept = sum(end * _SIZE <= most - _SIZE for end in ends)
    return f"{shown[:kept].rstrip()}…"


def _placed(word: Shaded, shown: str, across: float, line: int, wide: float, tones: Tones, *, boxed: bool) -> str:
    wide = wide or 8.0  # a part of a character, or a line end, with nothing to be read
    box = f'x="{across:.1f}" y="{line - _SIZE}" width="{wide:.1f}" height="{_SIZE + 8}" rx="3"'
    told = f"<title>{_safe(word.told)}</title>"
    fill = f"<rect {box} {_paint(word.colour)}>{told}</rect>" if word.colour else ""
    edge = f'<rect {box} fill="none" stroke="{tones.accent}" stroke-width="2"/>' if word.target else ""
    if word.target and not boxed:  # boxes around many words are a fence
        edge = f'<rect x="{across:.1f}" y="{line + 9}" width="{wide:.1f}" height="2" fill="{tones.accent}"/>'
    fitted = f'textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs"' if len(shown) > 1 else ""
    font = f'font-family="{_SERIF}" font-size="{_SIZE}" fill="{tones.ink}"'
    text = f'<text x="{across:.1f}" y="{line}" {font} {fitted}>{told}{_safe(shown)}</text>' if shown else ""
    return fill + edge + text


def _legend(strip: Strip, tones: Tones, line: int) -> str:
    left = MARGIN + _width(strip.low) * 13 / _SIZE * _SANS_WIDER + 10
    stops = "".join(
        f'<stop offset="{place / (len(strip.colours) - 1):.4f}" {_paint(tone, "stop-color", "stop-opacity")}/>'
        for place, tone in enumerate(strip.colours)
    )
    return (
        f'<defs><linearGradient id="scale">{stops}</linearGradient></defs>{_line(strip.low, MARGIN, line, tones.soft, 13)}'
        f'<rect x="{left:.1f}" y="{line - 11}" width="{_BAR}" height="12" rx="5" fill="url(#scale)" stroke="{tones.line}"/>'
        f"{_line(strip.high, left + _BAR + 12, line, tones.soft, 13)}"
    )


def _lines(text: str, line: int, tone: str, *, bold: bool = False) -> str:
    return "".join(_line(part, MARGIN, line + place * _PLAIN_LINE, tone, _PLAIN, bold=bold) for place, part in enumerate(_wrapped(text)))


def _line(text: str, across: float, line: int, tone: str, size: int, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{across:.1f}" y="{line}" font-family="{_SANS}" font-size="{size}" fill="{tone}"{weight}>{_safe(text)}</text>'


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.replace(" %", "\N{NO-BREAK SPACE}%").split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) * _PLAIN / _SIZE * _SANS_WIDER > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _width(text: str) -> float:
    """Pixels of `text` in a serif of `_SIZE`, about."""
    return sum(_em(character) for character in text) * _SIZE


def _em(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return _WIDTHS.get(character, 0.62 if character.isupper() else 0.51)


def _paint(colour: str, name: str = "fill", opacity: str = "fill-opacity") -> str:
    """rgba(...) as SVG's older readers know it: a colour and an opacity apart."""
    red, green, blue, share = re.findall(r"[\d.]+", colour)
    return f'{name}="rgb({red},{green},{blue})" {opacity}="{share}"'


def _safe(text: str) -> str:
    return html.escape(writable(text).replace("\r", " "))
