"""Writing drafts: one batch, one token at a time, with the probability of every choice."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from narrative.errors import BrokenModelError, PromptError, SettingsError, require_whole
from narrative.generation.draft import ASKED, CONTEXT, END_OF_TEXT, LENGTH, Alternative, Draft, Token
from narrative.generation.pieces import Pieces, token_text
from narrative.generation.prompt import check_prompt
from narrative.generation.reading import Reader, reader_for
from narrative.generation.sampling import choose, processed
from narrative.generation.settings import GenerationSettings
from narrative.models.card import SEQ2SEQ, LanguageModel

ALTERNATIVES = 10


@dataclass(frozen=True)
class Step:
    """One token for each draft; None for a draft that had ended before."""

    index: int  # position in the draft, kept tokens included
    tokens: tuple[Token | None, ...]


def generate(model: LanguageModel, prompt: str, *, settings: GenerationSettings) -> Generation:
    """Write `settings.drafts` continuations of `prompt`. Nothing runs until the result is iterated.

    Equal model, prompt and settings give equal drafts; greedy ones equal transformers' `model.generate`. A text longer
    than the context is read through a sliding window, and the drafts report what was dropped.

    Raises `PromptError` for a prompt that can't be continued.
    """
    ids = tuple(model.encode(check_prompt(prompt)))
    if not ids:
        raise PromptError("The seed text holds nothing that this model can read. Write a few words.")
    begun = [Draft(model.name, model.fingerprint, prompt, ids, (), settings, number) for number in range(settings.drafts)]
    return Generation(model, begun)


def regenerate(
    model: LanguageModel, draft: Draft, *, at: int, token: int | None = None, settings: GenerationSettings | None = None
) -> Generation:
    """Write `draft` again from token `at`: all before it is kept as it was, and `token`, if given, is put there.

    With the draft's own settings and no token it comes out as before; give `settings` with another seed for another
    text, with more `drafts` for several branches. `max_new_tokens` counts from the prompt, kept tokens included.

    Raises `SettingsError` when `at`, `token` or the model don't fit the draft.
    """
    settings = settings or replace(draft.settings, drafts=1)
    if model.fingerprint != draft.fingerprint:
        raise SettingsError(f"This draft was written by '{draft.model}' with other weights than '{model.name}'. Choose that model again.")
    require_whole("the token to branch from", at, low=0, high=len(draft.tokens))
    if at >= settings.max_new_tokens:
        raise SettingsError(f"Max new tokens is {settings.max_new_tokens}, but {at} are kept already. Ask for more.")
    if token is not None:
        require_whole("the chosen token", token, low=0, high=model.vocabulary - 1)
    alone = settings.drafts == 1
    begun = [
        Draft(
            draft.model, draft.fingerprint, draft.prompt, draft.prompt_ids, draft.tokens[:at], settings,
            number=draft.number if alone else number, parent=draft.id, at=at, forced=token is not None,
        )
        for number in range(settings.drafts)
    ]  # fmt: skip
    return Generation(model, begun, forced=token)


class Generation:
    """A batch of drafts being written: iterate it for the steps, read `drafts` at any moment, `stop()` from any thread."""

    def __init__(self, model: LanguageModel, begun: list[Draft], *, forced: int | None = None) -> None:
        self.model = model
        self.settings = begun[0].settings
        self._begun, self._forced = begun, forced
        self._kept = len(begun[0].tokens)
        self._tokens: list[list[Token]] = [list(draft.tokens) for draft in begun]
        self._stopped: list[str | None] = [None] * len(begun)
        self._asked = threading.Event()
        self._seconds = 0.0
        self._dropped = 0

    def stop(self) -> None:
        """End within one token; what has been written stays."""
        self._asked.set()

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """What has been written so far."""
        return tuple(
            replace(draft, tokens=tuple(tokens), stopped=stopped, seconds=self._seconds, dropped=self._dropped)
            for draft, tokens, stopped in zip(self._begun, self._tokens, self._stopped, strict=True)
        )

    def __iter__(self) -> Iterator[Step]:
        reason = LENGTH
        began = time.perf_counter()
        if not self._asked.is_set():  # asked while it waited for its turn: not even the prompt is read
            reader, ids, pieces = self._prepare()
        for index in range(self._kept, self.settings.max_new_tokens):
            if self._asked.is_set():
                reason = ASKED
                break
            length = ids.shape[1] - self.settings.max_new_tokens + index
            if reader.room is not None and length > reader.room:
                reason = CONTEXT
                break
            step = self._step(reader, ids, length, index, pieces)
            self._seconds += time.perf_counter() - began
            yield step
            if all(self._stopped):
                break
            began = time.perf_counter()  # whoever watches takes their time; it doesn't count as the model's
        self._stopped = [stopped or reason for stopped in self._stopped]

    def _prepare(self) -> tuple[Reader, torch.Tensor, list[Pieces]]:
        """The reader, room for all ids of the batch (draft, most), and the texts so far."""
        count = len(self._begun)
        reader, first = reader_for(self.model, self._begun[0].prompt_ids, count)
        known = first + [token.id for token in self._tokens[0]]
        ids = torch.zeros((count, len(first) + self.settings.max_new_tokens), dtype=torch.long, device=self.model.device)
        ids[:, : len(known)] = torch.tensor(known, device=self.model.device)
        before = known[len(first) :] if self.model.kind == SEQ2SEQ else known
        return reader, ids, [Pieces(self.model.tokenizer, before) for _ in range(count)]

    @torch.inference_mode()
    def _step(self, reader: Reader, ids: torch.Tensor, length: int, index: int, pieces: list[Pieces]) -> Step:
        seen = ids[:, :length]
        logits = reader.logits(seen)
        self._dropped = reader.dropped
        chosen = self._choice(seen, logits, index)
        ids[:, length] = chosen
        tokens: list[Token | None] = []
        for row, (identity, logprob, rank, best) in enumerate(measure(logits, chosen)):
            if self._stopped[row]:
                tokens.append(None)
                continue
            token = Token(identity, pieces[row].add(identity), logprob, rank, self._alternatives(best))
            self._tokens[row].append(token)
            tokens.append(token)
            if identity in self.model.end_ids:
                self._stopped[row] = END_OF_TEXT
        return Step(index, tuple(tokens))

    def _choice(self, seen: torch.Tensor, logits: torch.Tensor, index: int) -> torch.Tensor:
        if self._forced is not None and index == self._kept:
            return torch.full((len(logits),), self._forced, device=logits.device)
        scores = processed(seen, logits, self.settings)
        return choose(scores, self.settings, position=index, numbers=[draft.number for draft in self._begun])

    def _alternatives(self, best: list[tuple[int, float]]) -> tuple[Alternative, ...]:
        return tuple(Alternative(identity, token_text(self.model.tokenizer, identity), logprob) for identity, logprob in best)


def measure(logits: torch.Tensor, chosen: torch.Tensor) -> list[tuple[int, float, int, list[tuple[int, float]]]]:
    """logits: (draft, vocabulary), unprocessed; chosen: (draft,) -> for each draft (id, log-probability in nats, rank, best).

    `best` holds the ten likeliest ids with their log-probabilities. Raises `BrokenModelError` for logits that are no numbers.
    """
    total = logits.logsumexp(dim=-1, keepdim=True)
    own = logits.gather(-1, chosen[:, None])
    rank = (logits > own).sum(dim=-1, keepdim=True) + 1
    values, best = logits.topk(min(ALTERNATIVES, logits.shape[-1]), dim=-1)
    figures = torch.cat([own - total, rank, values - total], dim=-1).tolist()
    measured = []
    for identity, best_ids, (logprob, place, *others) in zip(chosen.tolist(), best.tolist(), figures, strict=True):
        if not math.isfinite(logprob):
            raise BrokenModelError("The model's output is not a number. Its weights are damaged; fetch or train it again.")
        measured.append((identity, logprob, int(place), list(zip(best_ids, others, strict=True))))
    return measured
