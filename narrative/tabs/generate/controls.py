"""What I ask: the seed text and how it is to be continued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from narrative.errors import SettingsError
from narrative.generation import GenerationSettings
from narrative.generation.settings import MOST_DRAFTS

FIRST_SEED_TEXT = "There is a blue curtain."
EXAMPLES = {
    "A blue curtain": FIRST_SEED_TEXT,
    "The Professor": "The Professor's economic theory is more nuanced",
    "How many more times": (
        "How many more times will you remember a certain afternoon of your childhood, some afternoon that's so deeply a part"
    ),
    "A letter": "On the first morning of winter a letter arrived. It said:",
    "A little fox": "Once upon a time, there was a little fox who",
    "The lighthouse": "The lighthouse keeper had not spoken to anyone for a year when",
}
STRATEGIES = [("Nucleus", "nucleus"), ("Top-k", "top-k"), ("Greedy", "greedy")]
EXPLAINED = {
    "nucleus": "Draws each word among the likely ones and never from the long tail. The best choice for stories.",
    "top-k": "Draws each word among a fixed number of the likeliest.",
    "greedy": "Always takes the likeliest word. Every draft comes out the same, and it soon repeats itself.",
}
WHOLE = ("top_k", "max_new_tokens", "drafts", "seed")
HELP = {
    "temperature": "temperature: below 1 the model plays safe, above 1 it dares more.",
    "top_p": "top-p: words are drawn among the likeliest that together hold this share of the probability.",
    "top_k": "top-k: words are drawn among this many of the likeliest.",
    "repetition_penalty": "repetition penalty: above 1, words that already stand in the text become less likely. 1 leaves them alone.",
    "max_new_tokens": "max new tokens: a token is a word or a piece of one; 100 tokens are about 75 words.",
    "drafts": "drafts: how many continuations are written side by side.",
    "seed": "seed: the same number, text and settings give the same drafts. It changes after each write unless you keep it.",
}


@dataclass(frozen=True)
class Controls:
    """The widgets; `desk()` lists those whose values survive a reload, in a fixed order."""

    seed_text: gr.Textbox
    strategy: gr.Radio
    dials: Mapping[str, gr.Slider]
    seed: gr.Number
    keep_seed: gr.Checkbox
    dice: gr.Button
    examples: Sequence[tuple[gr.Button, str]]
    write: gr.Button
    stop: gr.Button

    def desk(self) -> list[Any]:
        return [self.seed_text, self.strategy, *self.dials.values(), self.seed, self.keep_seed]


DIALS = ("temperature", "top_p", "top_k", "max_new_tokens", "drafts", "repetition_penalty")
NAMES = ("prompt", "strategy", *DIALS, "seed", "keep_seed")  # of the values of `Controls.desk()`


def build_controls(settings: GenerationSettings) -> Controls:
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Seed text</h2>", js_on_load=None)
        seed_text = gr.Textbox(
            FIRST_SEED_TEXT, lines=3, max_lines=14, label="Seed text", show_label=False, container=False, elem_id="seed",
            placeholder="Write the beginning; the model goes on.",
        )  # fmt: skip
        with gr.Row(elem_classes="btns"):
            write = gr.Button("Write", variant="primary", elem_id="write")
            stop = gr.Button("Stop", elem_id="stop", interactive=False)
            gr.HTML('<abbr title="Control and Enter">Ctrl ↵</abbr>', elem_classes="hint", js_on_load=None)
        with gr.Row(elem_classes="chiprow"):
            examples = [(gr.Button(title, elem_classes="chip", size="sm"), text) for title, text in EXAMPLES.items()]
    with gr.Column(elem_classes=["card", "card-how"]):
        gr.HTML("<h2>How it writes</h2>", js_on_load=None)
        strategy = gr.Radio(
            STRATEGIES, value=settings.strategy, label="How it chooses words", info=EXPLAINED[settings.strategy],
            elem_id="strategy", elem_classes="chips",
        )  # fmt: skip
        dials = _build_dials(settings)
        with gr.Row(elem_classes="seedrow"):
            seed = gr.Number(settings.seed, label="Seed", info=HELP["seed"], elem_id="seed-number", elem_classes=["slim", "with-help"])
            dice = gr.Button("⚄ Roll", elem_id="dice", elem_classes="chip", size="sm")
            keep = gr.Checkbox(False, label="Keep", elem_id="keep-seed", container=False)
    return Controls(seed_text, strategy, dials, seed, keep, dice, examples, write, stop)


def _build_dials(settings: GenerationSettings) -> dict[str, gr.Slider]:
    def dial(name: str, label: str, low: float, high: float, step: float) -> gr.Slider:
        return gr.Slider(
            low, high, getattr(settings, name), step=step, label=label, info=HELP[name], interactive=True,
            elem_id=name.replace("_", "-"), elem_classes=["slim", "with-help"], visible=name in shown(settings.strategy), buttons=[],
        )  # fmt: skip

    return {
        "temperature": dial("temperature", "Boldness", 0, 2, 0.05),
        "top_p": dial("top_p", "Share of likely words", 0, 1, 0.01),
        "top_k": dial("top_k", "Number of likely words", 1, 200, 1),
        "max_new_tokens": dial("max_new_tokens", "Length in tokens", 10, 1000, 10),
        "drafts": dial("drafts", "Drafts", 1, MOST_DRAFTS, 1),
        "repetition_penalty": dial("repetition_penalty", "Avoid repetition", 1, 2, 0.05),
    }


def _as_typed(_: gr.Slider, payload: Any) -> Any:
    return payload


# Gradio would answer a half-typed number with an alert. `GenerationSettings` says in a sentence what is allowed, when it is used.
# Not a subclass: Gradio writes a stub beside the module of every subclass of a component.
gr.Slider.preprocess = _as_typed  # type: ignore[method-assign,assignment]


LABELS = {
    "Temperature": "Boldness (temperature)",
    "Top-p": "The share of likely words (top-p)",
    "Top-k": "The number of likely words (top-k)",
    "Repetition penalty": "“Avoid repetition” (repetition penalty)",
    "Max new tokens": "Length",
    "Drafts": "The number of drafts",
}


def in_words(error: SettingsError) -> SettingsError:
    """The same sentence with the name that stands on the page."""
    text = str(error)
    name = next((name for name in LABELS if text.startswith(f"{name} is ")), None)
    return SettingsError(LABELS[name] + text[len(name) :]) if name else error


def shown(strategy: str) -> set[str]:
    """The dials that mean something under `strategy`."""
    always = {"max_new_tokens", "drafts", "repetition_penalty"}
    return always | {"nucleus": {"temperature", "top_p"}, "top-k": {"temperature", "top_k"}}.get(strategy, set())


def show_strategy(strategy: str) -> list[Any]:
    """Updates for the radio and every dial."""
    return [gr.update(info=EXPLAINED.get(strategy, "")), *[gr.update(visible=name in shown(strategy)) for name in DIALS]]


def desk_of(values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(NAMES, values, strict=True))


def settings_of(desk: Mapping[str, Any]) -> GenerationSettings:
    """What the widgets ask for. Browsers know one kind of number, so 3.0 is 3 where a whole number is meant."""
    asked = {name: desk[name] for name in ("strategy", *DIALS, "seed")}
    for name in WHOLE:
        if isinstance(asked[name], float) and asked[name].is_integer():
            asked[name] = int(asked[name])
    return GenerationSettings(**asked)


def restored(desk: Mapping[str, Any]) -> list[Any]:
    """Values for the widgets from a desk that may be old or damaged: what makes no sense is left as it is."""
    fresh = GenerationSettings()
    values: dict[str, Any] = {"prompt": FIRST_SEED_TEXT, "keep_seed": False} | fresh.to_json()
    for name in NAMES:
        try:
            settings_of(fresh.to_json() | ({name: desk[name]} if name not in ("prompt", "keep_seed") else {}))
        except (KeyError, SettingsError, TypeError):
            continue
        if name in desk:
            values[name] = desk[name]
    strategy, *dials = show_strategy(values["strategy"])
    updates = [gr.update(**strategy, value=values["strategy"])]
    updates += [gr.update(**{**dial, "value": values[name]}) for name, dial in zip(DIALS, dials, strict=True)]
    return [str(values["prompt"]), *updates, values["seed"], bool(values["keep_seed"])]
