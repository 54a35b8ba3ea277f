"""Drafts made without a model: the same numbers give the same draft, and a longer one continues a shorter one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from narrative.generation.draft import Alternative, Draft, Token
from narrative.generation.settings import GenerationSettings

PROMPT = "There is a blue curtain."


def made_draft(name: str, *, tokens: int = 5, prompt: str = PROMPT, stopped: str | None = None, **more: Any) -> Draft:
    """A draft whose id is `name` and whose tokens are drawn from `name`."""
    draw = random.Random(name)
    settings = more.pop("settings", GenerationSettings())
    values: dict[str, Any] = {"model": "little-fables", "fingerprint": "0123456789abcdef", "prompt_ids": (7, 8, 9), "number": 0, "id": name}
    made = tuple(_made_token(draw) for _ in range(tokens))
    return Draft(prompt=prompt, tokens=made, settings=settings, stopped=stopped, **(values | more))


def told_draft(text: str, *, prompt: str = PROMPT, **more: Any) -> Draft:
    """A finished draft that says exactly `text`."""
    made = made_draft("told", tokens=0, prompt=prompt, stopped="length", **more)
    return replace(made, tokens=(Token(1, text, -1.5, 2, ()),))


def _made_token(draw: random.Random) -> Token:
    best = sorted((draw.gauss(-4, 2) for _ in range(10)), reverse=True)
    alternatives = tuple(Alternative(draw.randrange(4096), draw.choice(_PIECES), logprob) for logprob in best)
    return Token(draw.randrange(4096), draw.choice(_PIECES), best[0], 1, alternatives)


_PIECES = (" the", " fox", " sea", ",", ".", " and", " old", " é", " 狐", " 🦊", "\n", ' "', " <b>", "\x00", "\ud83d", " house")
