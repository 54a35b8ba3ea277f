"""The Generate tab: an editor writes with a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from narrative.example import EXAMPLE
from narrative.generation import GenerationSettings
from narrative.selection import Selection
from narrative.studio import Studio, new_seed
from narrative.tabs.generate.alternatives import build_alternatives
from narrative.tabs.generate.controls import Controls, build_controls, show_strategy
from narrative.tabs.generate.drafts_view import build_drafts
from narrative.tabs.generate.history import build_history
from narrative.tabs.generate.looking import Looking
from narrative.tabs.generate.opening import Opening
from narrative.tabs.generate.writing import Writing
from narrative.tabs.shared import MODEL, QUIET, Shared, payload

Draw = Callable[[str, Selection, gr.Request], tuple[Any, ...]]
OPENED = """() => { // a link is followed once; reloading must not copy its sheet again
  const page = new URL(location.href);
  if (page.searchParams.has('open')) { page.searchParams.delete('open'); history.replaceState(null, '', page); }
  window.narrative.direct();
  document.body.dataset.opened = 'yes';
  document.dispatchEvent(new Event('narrative-chosen')); // from now on what is chosen is the reader's own
}"""


@dataclass(frozen=True)
class Parts:
    """The widgets of this tab."""

    controls: Controls
    drafts: gr.HTML
    alternatives: gr.HTML
    history: gr.HTML


def build(
    shared: Shared, studio: Studio, *, model: str, beside: Callable[[], Any] = lambda: None
) -> tuple[list[gr.HTML], Draw]:  # fmt: skip
    """Lay the tab out and wire it. `beside` lays out what else there is about the chosen word. -> what a changed selection redraws, how."""
    looking = Looking(studio, shared.owners)
    drawn, panel, _ = looking.view(EXAMPLE, studio.example)
    with gr.Row(elem_classes="cols"):
        with gr.Column(elem_classes="col-ask"):
            controls = build_controls(GenerationSettings())
            history = build_history()
        with gr.Column(elem_classes="col-text"):
            drafts = build_drafts(drawn)
        with gr.Column(elem_classes="col-word"):
            with gr.Column(elem_classes="card"):
                alternatives = build_alternatives(panel)
            beside()
    parts = Parts(controls, drafts, alternatives, history)
    _wire_writing(parts, shared, Writing(studio, shared.owners))
    _wire_looking(parts, shared, looking)
    _wire_desk(parts, shared, Opening(studio, looking, model))
    return [drafts, alternatives], looking.draw


def _wire_writing(parts: Parts, shared: Shared, writing: Writing) -> None:
    """Each trigger: take note at once, run in the queue of the model, then rest."""
    controls, desk = parts.controls, parts.controls.desk()
    wish = gr.State(None)
    armed = [wish, controls.write, controls.stop, shared.notice]
    outputs = [parts.drafts, parts.alternatives, parts.history, shared.notice, shared.selection]

    def asked(act: str) -> Callable[..., tuple[Any, ...]]:
        def arm(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
            return writing.arm(act, payload(event), request)

        return arm

    triggers = [
        (controls.write.click, "write"), (parts.alternatives.choose, "branch"), (parts.drafts.again, "again"), (parts.drafts.on, "on"),
    ]  # fmt: skip
    for listen, act in triggers:
        listen(asked(act), None, armed, **QUIET).then(writing.run, [wish, shared.owner, shared.model, *desk], outputs, **MODEL).then(
            writing.rest, [controls.keep_seed, controls.seed], [wish, controls.write, controls.stop, controls.seed], **QUIET
        )
    controls.stop.click(writing.stop, None, None, **QUIET)


def _wire_looking(parts: Parts, shared: Shared, looking: Looking) -> None:
    owner, notice = shared.owner, shared.notice
    parts.drafts.pick(looking.pick, owner, [parts.alternatives, shared.selection, notice], **QUIET)
    parts.drafts.send(looking.send, owner, [shared.courier, parts.history, notice], **QUIET)
    parts.history.move(looking.move, owner, [parts.drafts, parts.alternatives, shared.selection, parts.history, notice], **QUIET)


def _wire_desk(parts: Parts, shared: Shared, opening: Opening) -> None:
    """What is typed is kept as it is typed; what was kept comes back when the page opens."""
    controls, desk = parts.controls, parts.controls.desk()
    controls.strategy.change(show_strategy, controls.strategy, [controls.strategy, *controls.dials.values()], **QUIET)
    keep: dict[str, Any] = {"fn": opening.keep_desk, "inputs": [shared.owner, shared.model, *desk], "outputs": None} | QUIET
    controls.dice.click(new_seed, None, controls.seed, **QUIET)
    for button, text in controls.examples:
        button.click(partial(str, text), None, controls.seed_text, **QUIET)
    for widget in [*desk, shared.model]:  # `change` and not `input`: text that is pasted with the mouse counts too
        widget.change(trigger_mode="always_last", **keep)
    shared.page.load(
        opening.open, shared.owner,
        [shared.owner, shared.model, shared.card, parts.drafts, parts.alternatives, shared.selection, parts.history, shared.notice, *desk],
        **QUIET,
    ).then(None, None, None, js=OPENED)  # fmt: skip
