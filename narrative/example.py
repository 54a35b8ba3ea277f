"""The finished example that a page shows before anybody has asked for anything: real drafts of the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

from narrative.errors import NarrativeError
from narrative.files import read_json, write_json
from narrative.generation import Draft, GenerationSettings, generate
from narrative.home import SHIPPED, home
from narrative.models import LanguageModel

EXAMPLE = "example"  # stands for a sheet's id until an editor does something with it
PROMPT = "Once upon a time, there was a little fox who"
SETTINGS = GenerationSettings(temperature=0.7, drafts=3, max_new_tokens=80, seed=7)


def load_example(model: str) -> tuple[Draft, ...]:
    """The example that lies beside the checkpoint, else the one that an earlier start has written, else ()."""
    for path in (SHIPPED / model / "example.json", home() / "examples" / f"{model.replace('/', '--')}.json"):
        try:
            drafts = tuple(Draft.from_json(stored) for stored in read_json(path)["drafts"])
        except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError, NarrativeError):
            continue  # a page without this example is better than no page
        if drafts:
            return drafts
    return ()


def write_example(model: LanguageModel, path: Path | None = None) -> tuple[Draft, ...]:
    """Write one and keep it for the next start: at `path`, else under NARRATIVE_HOME."""
    generation = generate(model, PROMPT, settings=SETTINGS)
    for _ in generation:
        pass
    path = path or home() / "examples" / f"{model.name.replace('/', '--')}.json"
    write_json(path, {"drafts": [draft.to_json() for draft in generation.drafts]})
    return generation.drafts
