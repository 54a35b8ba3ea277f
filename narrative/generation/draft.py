"""What a model wrote: plain data that can be stored, compared and explained later."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from narrative.generation.settings import GenerationSettings

END_OF_TEXT, LENGTH, ASKED, CONTEXT = "end of text", "length", "asked", "context"
STOPPED = {
    END_OF_TEXT: "the model ended the text",
    LENGTH: "the length asked for was reached",
    ASKED: "it was stopped",
    CONTEXT: "the model can't write more in one go",
}


class Alternative(NamedTuple):
    """A token that could have stood here."""

    id: int
    text: str
    logprob: float  # nats, from the model's unprocessed logits


class Token(NamedTuple):
    """One generated token. All probabilities come from the unprocessed logits, before temperature or nucleus."""

    id: int
    text: str  # the pieces of a draft joined are its text; "" for a part of a character or an end-of-text token
    logprob: float  # nats
    rank: int  # 1 = the model's first choice
    alternatives: tuple[Alternative, ...]  # the ten likeliest, best first


@dataclass(frozen=True)
class Draft:
    """A prompt and what one model made of it, with all that is needed to write or explain it again."""

    model: str  # catalogue name, hub id or folder name
    fingerprint: str  # of the weights
    prompt: str
    prompt_ids: tuple[int, ...]
    tokens: tuple[Token, ...]
    settings: GenerationSettings
    number: int  # which of its batch, from 0: the randomness at token i depends on (seed, number, i) only
    stopped: str | None = None  # a key of STOPPED; None while it is being written
    seconds: float = 0.0
    dropped: int = 0  # tokens at the beginning that the model could no longer see when it wrote the last one
    parent: str | None = None  # the draft it was branched from
    at: int | None = None  # the token at which it branches
    forced: bool = False  # whether token `at` was chosen by the editor
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def ids(self) -> tuple[int, ...]:
        """Generated ids, an end-of-text token at the end included."""
        return tuple(token.id for token in self.tokens)

    @property
    def text(self) -> str:
        """The continuation, without the prompt."""
        return "".join(token.text for token in self.tokens)

    @property
    def perplexity(self) -> float | None:
        """exp of the mean negative log-probability of the generated tokens; None for an empty draft."""
        if not self.tokens:
            return None
        return math.exp(-sum(token.logprob for token in self.tokens) / len(self.tokens))

    @property
    def tokens_per_second(self) -> float | None:
        """Of the tokens written in this run: those kept from a parent don't count."""
        written = len(self.tokens) - (self.at or 0)
        return written / self.seconds if self.seconds > 0 and written else None

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives an equal draft."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"settings": self.settings.to_json(), "tokens": [_token_to_json(token) for token in self.tokens]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Draft:
        values = dict(stored)
        values["settings"] = GenerationSettings.from_json(values["settings"])
        values["prompt_ids"] = tuple(values["prompt_ids"])
        values["tokens"] = tuple(_token_from_json(token) for token in values["tokens"])
        return cls(**values)

    def copy(self) -> Draft:
        """The same draft under a new id, for another owner."""
        return replace(self, id=secrets.token_urlsafe(12))


def _token_to_json(token: Token) -> list[Any]:
    return [token.id, token.text, token.logprob, token.rank, [list(alternative) for alternative in token.alternatives]]


def _token_from_json(stored: list[Any]) -> Token:
    identity, text, logprob, rank, alternatives = stored
    return Token(identity, text, logprob, rank, tuple(Alternative(*alternative) for alternative in alternatives))
