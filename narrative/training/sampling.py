"""What the model writes at each evaluation, from the same beginning and with the same dice, so that one sees it learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import TrainerControl

from narrative.corpus import Corpus
from narrative.errors import NarrativeError
from narrative.formats import format_named
from narrative.generation import GenerationSettings, generate
from narrative.training import ranks
from narrative.training.beginning import Beginning
from narrative.training.curve import Curve
from narrative.training.job import Job
from narrative.training.settings import TrainingSettings

WORDS = 8  # of a test text that make a beginning


class Samples:
    """Appends to `samples.jsonl`."""

    def __init__(self, job: Job, beginning: Beginning, settings: TrainingSettings, prompt: str) -> None:
        self.job, self.beginning, self.prompt = job, beginning, prompt
        self.settings = None
        if settings.sample_tokens and prompt:
            self.settings = GenerationSettings(max_new_tokens=settings.sample_tokens, drafts=1, seed=settings.seed, temperature=0.8)

    def measured(self, curve: Curve, step: int, model: Any, control: TrainerControl) -> None:
        if self.settings is None or not ranks.is_first():
            return
        self.beginning.plain.eval()  # Trainer switches back before the next step
        with torch.no_grad():
            generation = generate(self.beginning.as_language_model(), self.prompt, settings=self.settings)
            try:
                for _ in generation:
                    pass
                text = generation.drafts[0].text
            except NarrativeError as error:
                text = f"({error})"  # a sample is never worth a run
        self.job.append_sample(step=step, prompt=self.prompt, text=text)


def usual_prompt(settings: TrainingSettings, corpora: Sequence[Corpus]) -> str:
    """What the settings say, else the first words of the first test text, or what the format puts before it."""
    if settings.sample_prompt.strip():
        return settings.sample_prompt
    form = format_named(settings.format)
    for corpus in corpora:
        for record in corpus.records("test"):
            example = form.example(record, settings.column)
            words = " ".join(example.learned.split()[:WORDS])
            if example.given or words:
                return example.given or words
    return ""
