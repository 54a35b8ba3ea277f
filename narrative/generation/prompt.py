"""Which prompts a model can continue."""

from __future__ import annotations

import unicodedata

from narrative.errors import PromptError

MOST_CHARACTERS = 200_000


def check_prompt(prompt: str) -> str:
    """`prompt` itself, or `PromptError` with a sentence that says what to change."""
    if not prompt.strip():
        raise PromptError("The seed text is empty. Write a few words for the model to continue.")
    if len(prompt) > MOST_CHARACTERS:
        raise PromptError(f"The seed text has {len(prompt):,} characters; at most {MOST_CHARACTERS:,} are read. Shorten it.")
    for position, character in enumerate(prompt):
        # surrogates and controls: no tokenizer knows them, and no file format of ours can hold them
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            raise PromptError(f"The seed text has the invisible character U+{ord(character):04X} at position {position + 1}. Remove it.")
    return prompt
