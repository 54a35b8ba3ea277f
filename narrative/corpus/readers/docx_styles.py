"""The styles of a Word file, read from its part styles.xml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from narrative.corpus.readers.office_styles import Style, Styles
from narrative.corpus.xml import Event

_OFF = {"0", "false", "off"}


def on(attributes: Mapping[str, str]) -> bool:
    """Whether a property that is there is on: `<w:vanish/>` is, `<w:vanish w:val="0"/>` is not."""
    return attributes.get("w:val") not in _OFF


def number(attributes: Mapping[str, str]) -> int | None:
    """A small whole number, or None for what is none."""
    value = attributes.get("w:val", "")
    return int(value) if len(value) <= 9 and value.isascii() and value.isdigit() else None


def read_styles(events: Iterable[Event], styles: Styles) -> None:
    """Adds every style of the part to `styles`."""
    style = Style("")
    for kind, name, attributes in events:
        if kind != "start":
            continue
        if name == "w:style":
            style = Style("")
            styles.add(attributes.get("w:styleId", ""), style)
        elif name in _PROPERTIES:
            _PROPERTIES[name](style, attributes)


def _name(style: Style, attributes: Mapping[str, str]) -> None:
    style.name = attributes.get("w:val", "")


def _parent(style: Style, attributes: Mapping[str, str]) -> None:
    style.parent = attributes.get("w:val", "")


def _outline(style: Style, attributes: Mapping[str, str]) -> None:
    style.outline = number(attributes)


def _numbered(style: Style, attributes: Mapping[str, str]) -> None:
    style.numbered = bool(number(attributes))


def _hidden(style: Style, attributes: Mapping[str, str]) -> None:
    style.hidden = on(attributes)


_PROPERTIES: dict[str, Callable[[Style, Mapping[str, str]], None]] = {
    "w:name": _name,
    "w:basedOn": _parent,
    "w:outlineLvl": _outline,
    "w:numId": _numbered,
    "w:vanish": _hidden,
}
