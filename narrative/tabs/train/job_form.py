"""The form for a new job <-> the settings of a training.

What the keeper has changed by hand travels as text, as it was typed; everything else is the preset's. So a figure that can't be
stays in its field while the sentence beneath says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from narrative.errors import NarrativeError, SettingsError, require_choice, shown
from narrative.formats import FORMATS as ALL_FORMATS
from narrative.models import ModelCard, catalogue, describe
from narrative.studio import wording
from narrative.studio.corpora import Listed
from narrative.training.architectures import SIZES, Architecture
from narrative.training.presets import PRESETS, Preset, settings_for
from narrative.training.settings import TrainingSettings

LONGEST = 500  # characters in a field
LONGEST_TEXT = 20_000  # in one that is a text, such as the beginning of the samples
WORDS = ("name", "base", "preset", "method", "format", "field", "size")
BY_NAME = {one.name: one for one in wording.WORDINGS}
OWN = "own"  # numbers of one's own instead of a named size
ELSEWHERE = {"corpora", "method", "base", "architecture", "format", "field"}  # settings with a place of their own in the form
REST = [one.name for one in fields(TrainingSettings) if one.name not in BY_NAME and one.name not in ELSEWHERE]  # with none at all


def draw_form(form: Mapping[str, Any], corpora: Sequence[Listed], *, model: str) -> dict[str, Any]:
    """All that can be chosen, and what is chosen. `model`: the one to start from when nothing was chosen before."""
    wish = wish_of(form, model=model)
    cards = [card for card in catalogue() if card.here or card.origin == "hub"]
    return {
        "presets": [_preset(one) for one in PRESETS.values()],
        "methods": list(wording.METHODS.items()),
        "formats": [{"name": name, "title": wording.FORMATS.get(name, name), "summary": one.summary, "field": one.field}
                    for name, one in ALL_FORMATS.items()],
        "sizes": [[name, _size(one)] for name, one in SIZES.items()],
        "bases": [[card.name, card.title, _parameters(card), card.here] for card in cards],
        "wordings": [
            {"name": one.name, "label": one.label, "help": one.help, "group": one.group, "kind": one.kind, "options": one.options(),
             "empty": one.empty, "method": one.method} for one in wording.WORDINGS
        ],
        "wish": wish, "values": values_of(wish), "corpora": draw_choices(corpora),
    }  # fmt: skip


def _preset(one: Preset) -> dict[str, Any]:
    return {"name": one.name, "title": one.title, "summary": one.summary, "method": one.values["method"]}


def draw_choices(corpora: Sequence[Listed]) -> list[dict[str, Any]]:
    return [{"name": one.name, "words": one.words, "sources": one.sources, "broken": one.broken} for one in corpora]


def wish_of(form: Mapping[str, Any], *, model: str = "") -> dict[str, Any]:
    """The form as it was kept or sent, without what no form of this page would send."""
    wish: dict[str, Any] = {name: _words(form.get(name)) for name in WORDS}
    wish["preset"] = wish["preset"] if wish["preset"] in PRESETS else next(iter(PRESETS))
    wish["base"] = wish["base"] or model
    given = form.get("corpora")
    pairs = [pair for pair in given if isinstance(pair, list) and len(pair) == 2] if isinstance(given, list) else []
    wish["corpora"] = [[_words(name), _words(weight)] for name, weight in pairs if isinstance(name, str) and name][:100]
    changes = form.get("changes")
    changes = changes if isinstance(changes, dict) else {}
    wish["changes"] = {name: _words(value, BY_NAME[name]) for name, value in changes.items() if name in BY_NAME}
    rest = form.get("rest")  # what a job that was duplicated says beyond the form
    wish["rest"] = {name: _words(value) for name, value in rest.items() if name in REST} if isinstance(rest, dict) else {}
    return wish


def settings_of(wish: Mapping[str, Any]) -> TrainingSettings:
    """Raises `SettingsError` or `ModelError` in the sentence that the form shows."""
    require_choice("preset", wish["preset"], PRESETS)
    if not wish["corpora"]:
        raise SettingsError("Choose a corpus to learn from.")
    changes = {name: _value(None, text) for name, text in wish["rest"].items() if text}
    changes |= {name: _value(BY_NAME[name], text) for name, text in wish["changes"].items() if not BY_NAME[name].seeds}
    method = wish["method"] or PRESETS[wish["preset"]].values["method"]
    require_choice("method", method, wording.METHODS)
    changes["method"] = method
    if wish["format"]:
        changes |= {"format": wish["format"], "field": wish["field"] or None}
    base = None
    if method == "scratch":
        changes["architecture"] = _architecture(wish)
    else:
        changes["architecture"] = None
        if not wish["base"]:
            raise SettingsError("Choose a model to start from.")
        base = describe(wish["base"])
    return settings_for(wish["preset"], corpora=_corpora(wish["corpora"]), base=base, **changes)


def values_of(wish: Mapping[str, Any]) -> dict[str, Any]:
    """What each field says while nobody has changed it: the preset's figures for this model; '' where one is left to the model."""
    plain = _plain(wish)
    size = _architecture({**wish, "changes": {}})
    numbers = asdict(size)
    values = plain.to_json() | {name: numbers[wording.SEEDS.get(name, name)] for name, one in BY_NAME.items() if one.seeds}
    return {name: "" if values.get(name) is None else values[name] for name in BY_NAME} | {
        "method": wish["method"] or PRESETS[wish["preset"]].values["method"],
        "size": wish["size"] or _size_of(PRESETS[wish["preset"]].values), "format": wish["format"] or plain.format,
    }  # fmt: skip


def _plain(wish: Mapping[str, Any]) -> TrainingSettings:
    """What the preset alone asks for."""
    try:
        return settings_of({**wish, "corpora": wish["corpora"][:1] or [["any", ""]], "changes": {}, "rest": {}, "format": "", "field": ""})
    except NarrativeError:
        return TrainingSettings(corpora=(("any", 0.0),), method="scratch", architecture=SIZES["5m"])


def wish_for(settings: TrainingSettings) -> dict[str, Any]:
    """The form filled in as another job was asked for; its name is left for a new one."""
    preset = next((name for name, one in PRESETS.items() if one.values["method"] == settings.method), next(iter(PRESETS)))
    wish = wish_of({
        "preset": preset, "base": settings.base or "", "method": settings.method, "format": settings.format, "field": settings.field or "",
        "size": next((name for name, one in SIZES.items() if one == settings.architecture), OWN if settings.architecture else ""),
        "corpora": [[name, wording.exact(weight) if weight else ""] for name, weight in settings.corpora],
    })  # fmt: skip
    usual, plain = values_of(wish), _plain(wish)
    seeds = asdict(settings.architecture) if settings.architecture else {}
    given = settings.to_json() | {name: seeds[wording.SEEDS.get(name, name)] for name, one in BY_NAME.items() if one.seeds and seeds}
    for name in BY_NAME:
        value = "" if given.get(name) is None else given[name]
        if name in given and value != usual[name]:
            wish["changes"][name] = ("yes" if value else "no") if isinstance(value, bool) else _written(value)
    wish["rest"] = {name: _written(given[name]) for name in REST if given[name] != getattr(plain, name)}
    return wish


def _corpora(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, float], ...]:
    """With a single corpus, or when no weight is given, the sizes decide."""
    weights = [_value(None, weight) if weight else 0.0 for _, weight in pairs] if len(pairs) > 1 else [0.0]
    return tuple((name, weight) for (name, _), weight in zip(pairs, weights, strict=True))


def _architecture(wish: Mapping[str, Any]) -> Architecture:
    """A named size, with whatever was changed in it."""
    named = wish["size"] if wish["size"] in SIZES else _size_of(PRESETS[wish["preset"]].values)
    own = {
        wording.SEEDS.get(name, name): _value(BY_NAME[name], text) for name, text in wish["changes"].items() if BY_NAME[name].seeds and text
    }
    return replace(SIZES[named], **own)


def _size_of(values: Mapping[str, Any]) -> str:
    return next((name for name, one in SIZES.items() if one == values.get("architecture")), next(iter(SIZES)))


def _value(one: wording.Wording | None, text: str) -> Any:
    """A number where the text is one; else the text itself, which the settings refuse in a sentence. Empty: as usual, None."""
    if one and one.name == "sample_prompt" and text.strip():
        return text  # the end of a line may belong to it
    text = text.strip()
    if one and one.kind in ("text", "choice"):
        return text or (None if one.name == "lora_targets" else "")
    if one and one.kind == "switch":
        return text == "yes"
    return _number(text) if text else None


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _words(value: Any, one: wording.Wording | None = None) -> str:
    if isinstance(value, bool | int | float):
        return _written(value)
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"The page sent {shown(value)} where it must be text. Reload it.")
    return (value or "")[: LONGEST_TEXT if one and one.kind == "text" else LONGEST]


def _written(value: Any) -> str:
    return wording.exact(value) if isinstance(value, float) else str(value)


def _parameters(card: ModelCard) -> str:
    return f"{card.parameters / 1e6:,.0f} M" if card.parameters else ""


def _size(one: Architecture) -> str:
    return f"about {one.parameters / 1e6:,.0f} million weights: {one.layers} layers, {one.width} wide"
