"""WordImportance -> the colours of a strip: the text itself, word by word, with what each word did behind it.

Colours are given as opacities over whatever paper lies below, so that one strip does for light and dark: teal for, brown against,
ink-blue where a method knows no sign. They can be told apart by every kind of colour vision, and text stays readable on the fullest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.colours import BROWN, INK_BLUE, TEAL, faded
from explain.importance import LOW
from explain.word_views.sentences import NOTHING, named, number, shortened, signless, target_of
from narrative.errors import ExplainError

if TYPE_CHECKING:
    from explain.importance import WordImportance

FULLEST = 0.72  # opacity of the strongest word: with it, text keeps a contrast of 4.5 to 1 on light and dark paper
RISE = 0.65  # the fill grows more slowly than the score: beside one word ten times as strong, another still has a fifth of its fill
_LEAST_NOISE = math.log(2)  # noise: a scale spans at least a factor of two, so that chance differences stay faint
MOST_BOXED = 3
_STEPS = 8  # of the legend's colours, on each side


@dataclass(frozen=True)
class Shaded:
    """One word of a strip. share: -1 (most against) to 1 (most for); without signs 0 to 1."""

    place: int  # in `WordImportance.words`, from 0
    label: str
    text: str  # exactly as it stands; of all words joined the text. "" for a sign that stands for no text
    share: float
    value: float  # the score; NaN where there is none
    colour: str  # CSS; "" where nothing is to be seen
    own: bool  # the model wrote it
    target: bool  # is, or is part of, what is explained
    counts: bool  # the target can depend on it
    told: str  # one sentence for the pointer


@dataclass(frozen=True)
class Strip:
    """A shaded text and its legend, which begins with `low`, ends with `high`, and has the colours of `gradient` between them."""

    words: tuple[Shaded, ...]  # in text order
    limit: float  # the score (noise: logarithm of a ratio) that is drawn fullest
    signed: bool
    low: str
    high: str
    colours: tuple[str, ...]  # CSS colours, evenly from `low` to `high`

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words)

    @property
    def boxed(self) -> bool:
        """Whether the target is few enough words for a box around each; of a longer one the words are underlined."""
        return sum(word.target for word in self.words) <= MOST_BOXED

    @property
    def gradient(self) -> str:
        """The legend's colours as a CSS background."""
        return f"linear-gradient(90deg,{','.join(self.colours)})"


def shade(importance: WordImportance, *, limit: float | None = None) -> Strip:
    """`limit`: another map's scale, from `common_limit`; without it the largest score is drawn fullest."""
    question, counted, strength = importance.question, importance.counted(), _strength(importance)
    scale = common_limit(importance) if limit is None else max(limit, 1e-300)
    begin, stop = (question.offset + place for place in (question.target.start, question.target.stop))
    words = []
    for place, span in enumerate(importance.words):
        share = _share(importance, strength[place] / scale)
        words.append(Shaded(
            place, span.label, "".join(piece.text for piece in question.tokens[span.start : span.stop]), share,
            float(importance.scores[place]), colour(share, signed=importance.signed), span.start >= question.written_from,
            span.start < stop and span.stop > begin, bool(counted[place]), told(importance, place, counts=bool(counted[place])),
        ))  # fmt: skip
    low, high = _legend(importance, scale)
    ends = np.linspace(-1 if importance.signed else 0, 1, 2 * _STEPS + 1 if importance.signed else _STEPS + 1)
    colours = tuple(colour(_share(importance, end), signed=importance.signed) or "rgba(0,0,0,0)" for end in ends)
    return Strip(tuple(words), scale, importance.signed, low, high, colours)


def common_limit(*importances: WordImportance) -> float:
    """The scale on which all of these maps fit. Raises `ExplainError` for maps whose numbers mean different things."""
    first, *others = importances
    if not all(same_scale(first, other) for other in others):
        raise ExplainError("These maps measure different things, so they have no scale in common: each is shown on its own.")
    largest = max(float(np.abs(_strength(one)).max(initial=0)) for one in importances)
    least = _LEAST_NOISE if first.direction == LOW else 0.0 if not first.signed or signless(first) else NOTHING
    return max(largest, least) or 1.0


def same_scale(one: WordImportance, other: WordImportance) -> bool:
    """Whether the two maps' numbers mean the same: log-probability, noise, or what one method without a sign gives out."""
    if one.direction != other.direction or signless(one) != signless(other):
        return False
    ways = [(each.method, each.settings.get("tunnel", "")) for each in (one, other)]
    return (one.signed and not signless(one)) or one.direction == LOW or ways[0] == ways[1]


def colour(share: float, *, signed: bool, fullest: float = FULLEST) -> str:
    """The CSS colour of a share of the scale; "" for what is too faint to be seen."""
    opacity = round(abs(share) * fullest, 3)
    return faded((TEAL if share > 0 else BROWN) if signed else INK_BLUE, opacity) if opacity >= 0.01 else ""


def told(importance: WordImportance, place: int, *, counts: bool | None = None) -> str:
    """What the pointer says on a word. `counts`: whether the target can depend on it, for who knows that already."""
    word, target, value = named(importance, place), target_of(importance), float(importance.scores[place])
    word = word[:1].upper() + word[1:]
    if not (importance.counted()[place] if counts is None else counts):
        return _silent(importance, place)
    if importance.direction == LOW:
        return f"{word} bears noise of {number(value)}{_spread(importance, place)} before {target} changes. Low = important."
    if not importance.signed:
        return f"{word} matters for {target}: {number(value)}{_spread(importance, place)}."
    amount = f"{number(value, signed=True)}{_spread(importance, place)}"
    if value == 0:
        return f"{word} makes no difference to {target}."
    if importance.question.instead:
        pair = (target, f"“{shortened(importance.question.instead_label)}”")
        more, less = pair if value > 0 else pair[::-1]
        return f"{word} {'matters more for' if signless(importance) else 'speaks for'} {more} rather than {less}: {amount}."
    return f"{word} speaks {'for' if value > 0 else 'against'} {target}: {amount} log-probability."


def _silent(importance: WordImportance, place: int) -> str:
    span, question = importance.words[place], importance.question
    tokens = question.tokens[span.start : span.stop]
    if not any(piece.text for piece in tokens) and tokens[0].label.startswith("<"):
        return f"{span.label} is a sign of the model's own and stands for no text."
    if span.start < question.offset + question.target.stop and span.stop > question.offset + question.target.start:
        return f"{target_of(importance)} is what is explained."
    return f"“{shortened(span.label)}” stands after {target_of(importance)}, so it can't have brought it about."


def _spread(importance: WordImportance, place: int) -> str:
    if importance.spread is None or not np.isfinite(importance.spread[place]):
        return ""
    return f" ± {number(float(importance.spread[place]))}"


def _strength(importance: WordImportance) -> np.ndarray:
    """(word,): what is shaded. 0 for words that don't count."""
    if importance.direction == LOW:
        return importance.weight()
    return np.where(importance.counted(), np.nan_to_num(importance.scores), 0.0)


def _share(importance: WordImportance, part: float) -> float:
    """Part of the scale -> part of the fill. Noise is compared by ratios already, so its fill is in proportion."""
    part = float(np.clip(part, -1 if importance.signed else 0, 1))
    return part if importance.direction == LOW else math.copysign(abs(part) ** RISE, part)


def _legend(importance: WordImportance, limit: float) -> tuple[str, str]:
    if importance.direction == LOW:
        borne = np.where(importance.counted(), importance.scores, np.nan)
        most = float(np.nanmax(borne)) if np.isfinite(borne).any() else 1.0
        return f"noise {number(most)}", f"{number(most * math.exp(-limit))} · low = important"
    if not importance.signed:
        return "0", f"{number(limit)} · high = important"
    return number(-limit, signed=True), f"{number(limit, signed=True)}{'' if signless(importance) else ' log-probability'}"
