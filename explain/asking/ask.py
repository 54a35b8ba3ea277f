"""What a reader asks of a text: which word, by which method, against what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from explain.baselines import BASELINES
from explain.method import MethodSettings
from explain.methods import METHODS
from explain.question import GROUPINGS, WORDS
from narrative.errors import SettingsError, require_choice, require_whole, shown

SPAN, WHOLE, NEXT = "span", "whole", "next"
AIMS = (SPAN, WHOLE, NEXT)
_MOST = 1_000_000  # places are checked against the text where they are used; this keeps nonsense out


@dataclass(frozen=True)
class Ask:
    """Places count in tokens of the sequence, from 0."""

    aim: str = WHOLE
    """span: the marked words; whole: all that was written; next: the word that the model would write next."""
    start: int = 0
    """The first token of the marked words."""
    stop: int = 0
    """The first token after them."""
    instead: str = ""
    """A word that could have stood there: then the question is why the one and not the other."""
    method: str = "integrated gradients"
    unit: str = WORDS
    baseline: str = "mean"
    settings: MethodSettings = field(default_factory=MethodSettings)

    def __post_init__(self) -> None:
        require_choice("thing to explain", self.aim, AIMS)
        require_choice("method", self.method, METHODS)
        require_choice("unit", self.unit, GROUPINGS)
        require_choice("baseline", self.baseline, BASELINES)
        for what, value in (("the first token", self.start), ("the token after the last", self.stop)):
            require_whole(what, value, low=0, high=_MOST)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Ask:
        """From what a page sent. Raises `SettingsError` for what no page would send, and for settings outside their bounds."""
        for name in ("aim", "instead", "method", "unit", "baseline"):
            if not isinstance(data.get(name, ""), str):
                raise SettingsError(f"The page sent {shown(data[name])} for '{name}'. Reload it.")
        given = data.get("settings", {})
        if not isinstance(given, Mapping):
            raise SettingsError(f"The page sent {shown(given)} as settings. Reload it.")
        plain = {name: data[name] for name in ("aim", "start", "stop", "instead", "method", "unit", "baseline") if name in data}
        return cls(**plain, settings=MethodSettings.of(given))
