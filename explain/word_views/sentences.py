"""Word importance in plain sentences: what a map says, in words that need no numbers beside them. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from explain.importance import DIFFERS, HIGH, LOW, RAISES
from explain.method import TUNNELS
from explain.methods import METHODS

if TYPE_CHECKING:
    from explain.importance import WordImportance

NOTHING = 1e-3  # nats: a thousandth of a nat is a thousandth of the probability, which no reader could see
MINUS = "\N{MINUS SIGN}"
LONGEST = 40  # characters of a word or a target that is quoted
_ALSO = 0.5  # a second word is named with the first from this share of its weight on
_AGAINST = 0.15  # a word is said to speak against the target from this share of the strongest word on
_ALIKE = math.log(1.2)  # words whose noise lies within a fifth are told to bear the same
_ROUGH = 0.05  # scores that miss their sum by more are called rough
_SIGNS = {
    "¶": "line break", "␣": "space", '"': "quotation mark", ",": "comma", ".": "full stop", "?": "question mark", "!": "exclamation mark",
    ":": "colon", ";": "semicolon",
}  # fmt: skip
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def sentence_of(importance: WordImportance) -> str:
    """What this map says: which words did most, on whose text the weight lies, and whether the scores add up."""
    said = _SAID[importance.direction](importance)
    return " ".join(part for part in (said[:1].upper() + said[1:], _sides(importance), _adds_up(importance)) if part)


def layers_sentence(importance: WordImportance) -> str:
    """What the map of layers says; "" where there is none."""
    if importance.layers is None or not importance.counted().any():
        return ""
    last = np.where(importance.counted() & np.isfinite(importance.layers[-1]), importance.layers[-1], np.nan)
    told = "Deep blue cells bear little noise: the layer still needs that word."
    if np.isfinite(last).sum() < 2 or np.nanmax(last) < np.nanmin(last) * math.exp(_ALIKE):
        return told
    needed, least = named(importance, int(np.nanargmin(last))), named(importance, int(np.nanargmax(last)))
    return f"{told} {needed[:1].upper()}{needed[1:]} is carried to the last layer more than any other; {least} is needed least there."


def question_line(importance: WordImportance) -> str:
    """Why “he” rather than “she”?"""
    question = importance.question
    instead = f" rather than “{shortened(question.instead_label)}”" if question.instead else ""
    return f"Why {target_of(importance)}{instead}?".replace("Why the passage", "Why this passage")


def method_title(importance: WordImportance) -> str:
    """The method as a reader would call it, with the NoiseTunnel that it went through."""
    known = METHODS.get(importance.method)
    title = known.title if known else importance.method[:1].upper() + importance.method[1:]
    tunnel = str(importance.settings.get("tunnel", ""))
    return f"{title} · {TUNNELS[tunnel].partition(':')[0]}" if tunnel in TUNNELS and tunnel else title


def target_of(importance: WordImportance) -> str:
    """The target, quoted; a long one is “the passage”."""
    label = importance.question.label
    return f"“{label}”" if len(label) <= LONGEST else "the passage"


def named(importance: WordImportance, place: int) -> str:
    """One word, quoted, and told from others that read the same: the second “the”. Signs have names: the comma."""
    label = importance.words[place].label
    alike = [other for other, span in enumerate(importance.words) if span.label == label]
    quoted = _SIGNS.get(label, f"“{shortened(label)}”")
    if len(alike) > 1:
        return f"the {_ordinal(alike.index(place))} {quoted}"
    return f"the {quoted}" if label in _SIGNS else quoted


def signless(importance: WordImportance) -> bool:
    """Whether the signs only tell which of two targets a word matters more for: the method itself knows no for and against."""
    return importance.direction == DIFFERS


def shortened(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1].rstrip()}…"


def number(value: float, *, digits: int = 2, signed: bool = False) -> str:
    """+0.42, 2.1e-5: so many digits that count, with a real minus below 0."""
    if not math.isfinite(value):
        return "none"
    rounded = float(f"{value:.{digits}g}")
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    if 0 < abs(rounded) < 1e-4:
        mantissa, _, power = f"{abs(rounded):.{digits - 1}e}".partition("e")
        return f"{sign}{mantissa}e{int(power)}"
    return sign + str(np.format_float_positional(abs(rounded), trim="-"))


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _signed(importance: WordImportance) -> str:
    target, values = target_of(importance), np.where(importance.counted(), importance.scores, 0.0)
    largest = float(np.abs(values).max(initial=0))
    if largest <= (0 if signless(importance) else NOTHING):
        return f"No {importance.unit.removesuffix('s')} makes a difference to {target} that could be seen."
    least = int(values.argmin())
    against = named(importance, least) if values[least] < -_AGAINST * largest else ""
    if signless(importance):
        return _matters_more(importance, _strongest(importance, values), against)
    likely = f"likelier than “{shortened(importance.question.instead_label)}”" if importance.question.instead else "likely"
    if importance.counted().sum() == 1:
        only = named(importance, int(importance.counted().argmax()))
        return f"{only} alone stands before {target}, and speaks {'against' if against else 'for'} it."
    raising = _strongest(importance, values)
    if not raising:
        return f"Nothing did much to make {target} {likely}; {against} spoke most against it."
    return f"{raising} did most to make {target} {likely}{f'; {against} spoke against it' if against else ''}."


def _matters_more(importance: WordImportance, own: str, other: str) -> str:
    labels = (target_of(importance), f"“{shortened(importance.question.instead_label)}”")
    sides = [f"{names} for {label}" for names, label in zip((own, other), labels, strict=True) if names]
    return f"What matters more for one than for the other: {', '.join(sides)}. This method has no sign of its own."


def _unsigned(importance: WordImportance) -> str:
    strongest = _strongest(importance, importance.weight())
    if not strongest:
        return f"No {importance.unit.removesuffix('s')} makes a difference to {target_of(importance)} that could be seen."
    return f"{strongest} mattered most for {target_of(importance)}. This method has no sign: it can't tell for from against."


def _noise(importance: WordImportance) -> str:
    weight, counted = importance.weight(), importance.counted()
    if counted.sum() < 2 or weight.max() < _ALIKE:
        return f"All {importance.unit} bear about the same noise before {target_of(importance)} changes, so that none stands out."
    first, *more = _strongest_places(weight, also=0.8)
    bear = f"{_joined([named(importance, place) for place in (first, *more)])} bear{'' if more else 's'}"
    most = named(importance, int(np.where(counted, weight, np.inf).argmin()))
    return f"{bear} the least noise before {target_of(importance)} changes (low = important); {most} bears the most."


_SAID: dict[str, Callable[[WordImportance], str]] = {RAISES: _signed, DIFFERS: _signed, HIGH: _unsigned, LOW: _noise}


def _sides(importance: WordImportance) -> str:
    """On whose text the weight lies, where there was a choice."""
    own = np.array([span.start >= importance.question.written_from for span in importance.words])
    counted = importance.counted()
    if not (counted & own).any() or not (counted & ~own).any() or importance.shares() == (0.0, 0.0):
        return ""
    written = round(100 * importance.shares()[1])
    return f"{100 - written} % of the weight lies on your prompt, {written} % on the model's own text."


def _adds_up(importance: WordImportance) -> str:
    error = importance.checks.get("completeness_error")
    if error is None or not math.isfinite(error):
        return ""
    if error > 1:
        return "The scores miss the model's change of mind by more than all of it: don't rely on them."
    if error > _ROUGH:
        return f"The scores miss the model's change of mind by {percent(error)}: take them as rough."
    return f"The scores add up to the model's change of mind within {max(100 * error, 0.1):.1f} %."


def _strongest(importance: WordImportance, values: np.ndarray) -> str:
    return _joined([named(importance, place) for place in _strongest_places(values)])


def _strongest_places(values: np.ndarray, *, also: float = _ALSO) -> list[int]:
    """The largest value above 0, and the one after it if it is not far behind; of equals the first in the text."""
    first, *rest = np.argsort(-values, kind="stable")[:2].tolist()
    if values[first] <= 0:
        return []
    return [first, *(place for place in rest if values[place] >= also * values[first])]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(names)


def _ordinal(place: int) -> str:
    if place < len(_ORDINALS):
        return _ORDINALS[place]
    ending = "th" if (place + 1) % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get((place + 1) % 10, "th")
    return f"{place + 1}{ending}"
