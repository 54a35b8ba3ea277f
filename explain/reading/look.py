"""How a reader looks at a passage: the choices that stay when the view, the text or the model changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from explain.ablation import KINDS
from explain.results import UNITS, AttentionMap
from narrative.errors import SettingsError, require_choice, require_whole, shown

VIEWS = {
    "head": "Head view", "model": "Model view", "neuron": "Neuron view", "heatmap": "Heat map", "difference": "Difference",
}  # fmt: skip
WATCHED = ("word", "written")
_MOST = 100_000  # layers, heads and places are checked against the passage where they are used; this keeps nonsense out


@dataclass(frozen=True)
class Look:
    """Layers, heads and places count from 0."""

    view: str = "head"
    """head, model, neuron, heatmap or difference."""
    unit: str = "words"
    """words, or the pieces that the model reads."""
    hide_sink: bool = False
    """Whether the first key is left out, where attention goes that has nowhere else to go."""
    part: str | None = None
    """Which attention of an encoder-decoder: encoder, decoder or cross; None for the one to begin with."""
    layer: int = 0
    head: int | None = None
    """None: all heads of the layer, where a view can show them together."""
    place: int | None = None
    """The chosen token of the sequence that looks."""
    kind: str = "zero"
    """How a head is taken out: zero, or mean over the passage."""
    watched: str = "word"
    """Whose probability is watched when a head is taken out: the chosen word's, or that of all that was written."""
    compare: str = ""
    """A model to compare with; "" for none."""
    dark: bool = False

    def __post_init__(self) -> None:
        require_choice("view", self.view, VIEWS)
        require_choice("unit", self.unit, UNITS)
        require_choice("way to take a head out", self.kind, KINDS)
        require_choice("thing to watch", self.watched, WATCHED)
        require_whole("the layer", self.layer, low=0, high=_MOST)
        for what, value in (("the head", self.head), ("the chosen word", self.place)):
            if value is not None:
                require_whole(what, value, low=0, high=_MOST)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Look:
        """From what a page sent. Raises `SettingsError` for what no page would send."""
        given = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        for field in fields(cls):
            value, wanted = given.get(field.name), {"str": str, "bool": bool}.get(str(field.type).removesuffix(" | None"))
            if value is not None and wanted and not isinstance(value, wanted):
                raise SettingsError(f"The page sent {shown(value)} for '{field.name}'. Reload it.")
        return cls(**given)

    def fitted(self, one: AttentionMap) -> Look:
        """The same look at a model that may have fewer layers, heads or words."""
        head = None if self.head is None else min(self.head, one.heads - 1)
        place = None if self.place is None else min(self.place, one.queries[-1].stop - 1)
        return replace(self, layer=min(self.layer, one.layers - 1), head=head, place=place)
