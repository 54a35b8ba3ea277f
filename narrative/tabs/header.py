"""The top of every page: the name, the model with its card, light or dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError
from narrative.models import ModelCard, catalogue, describe
from narrative.studio import Stage, Studio
from narrative.tabs.shared import MODEL, QUIET, Shared, said, sorry

_THEME = '<button type="button" id="theme" class="icon" title="Light or dark" aria-label="Dark colours" aria-pressed="false">◐</button>'


def build_header(name: str) -> tuple[gr.Dropdown, gr.HTML]:
    """The picker and the card; `name` is the model to begin with."""
    gr.HTML("<h1>Narrative</h1>", elem_id="brand", js_on_load=None)
    with gr.Row(elem_id="tools"):
        picker = gr.Dropdown(
            choices(), value=name, label="Model", show_label=False, container=False, allow_custom_value=True, elem_id="model",
        )  # fmt: skip
        card = gr.HTML(card_page(name), elem_id="about", js_on_load=None)
        gr.HTML(_THEME, elem_id="theme-box", js_on_load=None)
    return picker, card


def wire_header(shared: Shared, studio: Studio) -> None:
    """Choosing a model shows its card and loads it; what can't be loaded is explained, and the drafts stay."""

    def choose(name: str | None) -> Iterator[tuple[Any, Any]]:
        wanted = (name or "").strip()
        try:
            yield said(f"Loading {wanted}…"), card_page(wanted)
            for stage in studio.load(wanted):
                yield _stage(stage), gr.skip()
            yield said(f"{describe(wanted).title} is ready."), gr.skip()
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield sorry(error), gr.skip()

    def refresh() -> Any:
        """A model may have been published since this page was opened, from here or from another browser."""
        return gr.update(choices=choices())

    shared.page.load(refresh, None, shared.model, **QUIET)
    shared.model.focus(refresh, None, shared.model, **QUIET)
    shared.model.input(choose, shared.model, [shared.notice, shared.card], trigger_mode="always_last", **MODEL)


def _stage(stage: Stage) -> dict[str, Any]:
    return said(stage.text, share=stage.share)


def choices() -> list[tuple[str, str]]:
    return [(card.title if card.here else f"{card.title} · to download", card.name) for card in catalogue()]


def card_page(name: str) -> str:
    """The model's card as HTML; every word in it is escaped."""
    try:
        card = describe(name)
    except NarrativeError as error:
        return _details("About this model", f"<h2>{escape(name or 'No model')}</h2><p>{escape(str(error))}</p>")
    facts = "".join(f"<dt>{escape(term)}</dt><dd>{escape(value)}</dd>" for term, value in card_facts(card) if value)
    body = f"<h2>{escape(card.title)}</h2><p>{escape(card.summary)}</p><dl>{facts}</dl>{_scores(card.metrics)}"
    return _details("About this model", body)


def card_facts(card: ModelCard) -> list[tuple[str, str]]:
    shape = f"{card.layers} layers, {card.heads} heads, {card.width} wide" if card.layers else ""
    return [
        ("Kind", "encoder and decoder" if card.kind == "seq2seq" else "continues text"),
        ("Architecture", card.architecture),
        ("Parameters", f"{card.parameters / 1e6:,.1f} million" if card.parameters else ""),
        ("Shape", shape),
        ("Vocabulary", f"{card.vocabulary:,} tokens" if card.vocabulary else ""),
        ("Reads at once", f"{card.context:,} tokens" if card.context else ""),
        ("Built on", card.base or ""),
        ("Trained on", card.trained_on),
        ("Licence", card.licence),
        (
            "Where",
            {"shipped": "came with Narrative", "published": "published here", "folder": "a folder"}.get(card.origin, "Hugging Face hub"),
        ),
    ]


def _scores(metrics: Mapping[str, Any]) -> str:
    rows = [(source, one) for source, one in metrics.items() if isinstance(one, Mapping) and "perplexity" in one]
    if not rows:
        return ""
    lines = "".join(_score(str(source), one) for source, one in rows)
    head = "<tr><th scope=col>On unseen text</th><th scope=col>perplexity</th><th scope=col>bits per byte</th></tr>"
    note = "Lower is better. Bits per byte can be compared between models, perplexity only between models of one vocabulary."
    return f"<table>{head}{lines}</table><p class=plain>{note}</p>"


def _score(source: str, one: Mapping[str, Any]) -> str:
    figures = "".join(f"<td>{_number(one.get(name))}</td>" for name in ("perplexity", "bits_per_byte"))
    return f"<tr><th scope=row>{escape(source)}</th>{figures}</tr>"


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "-"


def _details(summary: str, body: str) -> str:
    return f'<details><summary>{escape(summary)}</summary><div role="group" aria-label="{escape(summary)}">{body}</div></details>'
