"""Models of the hub that are worth a try, with numbers from their own configs, so that they can be shown before they are downloaded."""

from __future__ import annotations

from narrative.models.card import CAUSAL, SEQ2SEQ, ModelCard
from narrative.models.sources import HUB


def _card(
    name: str, title: str, summary: str, architecture: str, *,
    numbers: tuple[int, int, int, int, int, int], licence: str, trained_on: str, kind: str = CAUSAL,
) -> ModelCard:  # fmt: skip
    """`numbers`: parameters, layers (of an encoder-decoder: of one side), heads, width, vocabulary, context."""
    parameters, layers, heads, width, vocabulary, context = numbers
    return ModelCard(
        name=name, title=title, summary=summary, origin=HUB, kind=kind, architecture=architecture, parameters=parameters, layers=layers,
        heads=heads, width=width, vocabulary=vocabulary, context=context, licence=licence, trained_on=trained_on, here=False,
    )  # fmt: skip


SUGGESTED: tuple[ModelCard, ...] = (
    _card(
        "gpt2", "GPT-2", "general English of the web, 2019", "GPT-2",
        numbers=(124_439_808, 12, 12, 768, 50_257, 1024), licence="MIT", trained_on="WebText",
    ),
    _card(
        "distilgpt2", "DistilGPT-2", "GPT-2 made smaller and faster", "GPT-2",
        numbers=(81_912_576, 6, 12, 768, 50_257, 1024), licence="Apache-2.0", trained_on="OpenWebText",
    ),
    _card(
        "gpt2-medium", "GPT-2 medium", "GPT-2 at three times the size", "GPT-2",
        numbers=(354_823_168, 24, 16, 1024, 50_257, 1024), licence="MIT", trained_on="WebText",
    ),
    _card(
        "EleutherAI/gpt-neo-125m", "GPT-Neo 125M", "web pages, books and papers", "GPT-Neo",
        numbers=(125_198_592, 12, 12, 768, 50_257, 2048), licence="MIT", trained_on="The Pile",
    ),
    _card(
        "t5-base", "T5 base", "turns one text into another; fine-tune it first", "T5",
        numbers=(222_903_552, 12, 12, 768, 32_128, 512), licence="Apache-2.0", trained_on="C4 and supervised tasks", kind=SEQ2SEQ,
    ),
    _card(
        "HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", "educational web pages, stories and code", "Llama",
        numbers=(134_515_008, 30, 9, 576, 49_152, 8192), licence="Apache-2.0", trained_on="FineWeb-Edu, DCLM, The Stack and others",
    ),
    _card(
        "Qwen/Qwen2.5-0.5B", "Qwen2.5 0.5B", "many languages, web pages and code", "Qwen2",
        numbers=(494_032_768, 24, 14, 896, 151_936, 32_768), licence="Apache-2.0", trained_on="web pages, code and mathematics",
    ),
)  # fmt: skip
