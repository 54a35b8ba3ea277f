"""The one endpoint for programs: `/generate`, streamed. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.events import api

from narrative.errors import NarrativeError
from narrative.generation import Draft, GenerationSettings, draft_report
from narrative.studio import Studio


def expose(studio: Studio, default_model: str) -> None:
    """Offer `/generate` to `gradio_client`."""
    usual = GenerationSettings()

    def generate(
        prompt: str,
        model: str = default_model,
        strategy: str = usual.strategy,
        temperature: float = usual.temperature,
        top_k: int = usual.top_k,
        top_p: float = usual.top_p,
        repetition_penalty: float = usual.repetition_penalty,
        max_new_tokens: int = usual.max_new_tokens,
        drafts: int = usual.drafts,
        seed: int = usual.seed,
    ) -> Iterator[dict[str, Any]]:
        """Continue a prompt. Streams {"drafts": [{"text"}], "done": false}; the last value is done and has every token's probability."""
        try:
            settings = GenerationSettings(
                strategy,
                float(temperature),
                int(top_k),
                float(top_p),
                float(repetition_penalty),
                int(max_new_tokens),
                int(drafts),
                int(seed),
            )
            last: tuple[Draft, ...] = ()
            for last in studio.sketch(model, prompt, settings):
                yield {"drafts": [{"text": draft.text} for draft in last], "done": False}
            yield {"drafts": [draft_report(draft) for draft in last], "done": True}
        except NarrativeError as error:
            raise gr.Error(str(error), print_exception=False) from error

    api(generate, api_name="generate", concurrency_limit=1, concurrency_id="model")
