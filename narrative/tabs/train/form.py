"""The forms of this tab <-> the settings of reading and building."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from narrative.errors import SettingsError, shown

if TYPE_CHECKING:
    from narrative.corpus.building import BuildSettings
    from narrative.corpus.options import ReadOptions

LONGEST = 300  # characters in a field
_NUMBERS = ("test_share", "duplicates", "quality")
_TEXTS = ("split_by", "stratify", "origin", "licence")


def draw_form(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the forms show: what was chosen last, else what is usual."""
    from narrative.corpus.building import BuildSettings
    from narrative.corpus.cleaning import RULES
    from narrative.corpus.options import ReadOptions

    usual = asdict(BuildSettings()) | {"name": "", "tokens": False, "replace": False}
    reading = asdict(ReadOptions()) | {"columns": ""}
    return {
        "rules": [{"name": rule.name, "summary": rule.summary} for rule in RULES.values()],
        "build": usual | _part(form, "build"),
        "reading": reading | _part(form, "reading"),
    }


def settings_of(form: Mapping[str, Any], *, model: str = "") -> BuildSettings:
    """Raises `SettingsError` for what no form of this page would send, and for what is out of bounds."""
    from narrative.corpus.building import BuildSettings

    given = _part(form, "build")
    chosen: dict[str, Any] = {name: given[name] for name in _NUMBERS if name in given}
    chosen |= {name: _text(given, name) for name in _TEXTS if given.get(name)}
    for name in ("seed", "sample"):
        if given.get(name) is not None:
            number = given[name]
            chosen[name] = int(number) if isinstance(number, float) and number.is_integer() else number
    rules = given.get("rules")
    if rules is not None:
        if not isinstance(rules, list):
            raise SettingsError(f"The page sent {shown(rules)} as cleaning rules. Reload it.")
        chosen["rules"] = tuple(rules)
    return BuildSettings(**chosen, tokenizer=model if given.get("tokens") is True else "")


def options_of(form: Mapping[str, Any]) -> ReadOptions:
    """Likewise, for reading."""
    from narrative.corpus.options import ReadOptions

    given = _part(form, "reading")
    columns = tuple(name.strip() for name in _text(given, "columns").split(",") if name.strip())
    texts = {name: _text(given, name).strip() for name in ("text_column", "title_column", "author_column")}
    return ReadOptions(notes=_text(given, "notes") or "place", **texts, columns=columns)


def _part(form: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = form.get(name)
    return dict(part) if isinstance(part, dict) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST:
        raise SettingsError(f"The page sent {shown(value)} for '{name}', which must be text of at most {LONGEST} characters.")
    return value
