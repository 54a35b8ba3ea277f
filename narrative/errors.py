"""The error tree, and the checks that raise it.

Every message is one plain sentence that names the value, what is allowed and, where it helps, what to do.
Whoever talks to a person (a tab, the command line) catches `NarrativeError` and shows `str(error)`; anything else is a bug.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


class NarrativeError(Exception):
    """Base of all that Narrative raises on purpose."""


class SettingsError(NarrativeError, ValueError):
    """A setting outside its allowed values."""


class PromptError(NarrativeError, ValueError):
    """A prompt that no model can continue."""


class ModelError(NarrativeError):
    """Base of what can go wrong between a model's name and a model in memory."""


class UnknownModelError(ModelError):
    """No model of that name is here."""


class UnsafeModelError(ModelError):
    """Loading the model would run code that came with it (pickled weights, custom code)."""


class BrokenModelError(ModelError):
    """Files are missing, truncated or don't fit each other."""


class HubUnavailableError(ModelError):
    """A hub model was asked for and the hub can't be reached."""


class CorpusError(NarrativeError):
    """A corpus that is missing, empty or damaged."""


class DocumentError(CorpusError):
    """One file that can't be read; the message is the reason that the report gives."""


class TrainingError(NarrativeError):
    """A training run that can't start or can't go on."""


class PublishingError(NarrativeError):
    """A model that can't be published, or not under that name, or not there."""


class JobError(NarrativeError):
    """A training that isn't there, or can't be started, stopped, resumed or deleted as it is."""


class StoreError(NarrativeError):
    """A draft, branch or link that the store doesn't hold, or not for this browser."""


class ExplainError(NarrativeError):
    """Something that can't be explained: this model doesn't give it out, or the text is too long or too short for it."""


def require_choice(what: str, value: object, allowed: Iterable[str]) -> None:
    """Raise `SettingsError` unless `value` is one of `allowed`."""
    names = list(allowed)
    if value not in names:
        raise SettingsError(f"Unknown {what} {shown(value)}. Choose one of: {', '.join(names)}.")


def require_number(what: str, value: object, *, low: float, high: float, above: bool = False, hint: str = "") -> None:
    """Raise `SettingsError` unless `value` is a finite number in [low, high], or in (low, high] when `above`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and low <= value <= high and not (above and value == low):  # type: ignore[arg-type,operator]
        return
    bounds = f"more than {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"
    raise SettingsError(f"{what.capitalize()} is {shown(value)}; it must be a number {bounds}.{' ' + hint if hint else ''}")


def require_whole(what: str, value: object, *, low: int, high: int, hint: str = "") -> None:
    """Raise `SettingsError` unless `value` is a whole number in [low, high]."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        end = f" {hint}" if hint else ""
        raise SettingsError(f"{what.capitalize()} is {shown(value)}; it must be a whole number from {low} to {high}.{end}")


def shown(value: object) -> str:
    """`value` for an error message: quoted when text, cut when long, without control characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:76] + "..." + text[-1]
