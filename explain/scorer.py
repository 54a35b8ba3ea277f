"""The one function that all methods look into: embeddings of a text -> log-probability of the target."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from weakref import WeakSet

import torch

from explain.baselines import BASELINES, Baseline, baseline_of
from explain.question import Question
from explain.twin import precise_twin
from narrative.errors import ExplainError, require_choice
from narrative.models import SEQ2SEQ, LanguageModel

_CLOSE = 1e-3  # of a log-probability: by embeddings and by tokens
MOST_LOGITS = 1 << 25  # numbers at once: 128 MB
MOST_TOKENS = 4096  # rows x tokens at once, without gradients
MOST_WITH_GRADIENT = 1024  # rows x tokens at once, when what lies between must be kept: about 1 GB for 12 layers of 768
_FIT: WeakSet[Any] = WeakSet()  # models that were found to read nothing of a token but its embedding


class Scorer:
    """One question put to a float32 twin of one model. `tick` hears of every row that is read and may raise to stop the work.

    token axis: `question.tokens`. What a row changes are embeddings; the target's tokens stay what they are.
    """

    def __init__(
        self, model: LanguageModel, question: Question, *, baseline: str = "mean", tick: Callable[[int], None] = lambda _: None
    ) -> None:  # fmt: skip
        self.model, self.question, self.tick = model, question, tick
        self.reader: Any = precise_twin(model)
        self.head: Any = self.reader.get_output_embeddings()
        if self.head is None:
            raise ExplainError(f"{model.name} gives no probabilities of words, so that nothing can be said of why it wrote one.")
        self.embed: Any = self.reader.get_input_embeddings()
        self.ids = torch.tensor([piece.id for piece in question.tokens], device=model.device)
        require_choice("baseline", baseline, BASELINES)
        self._baseline = baseline
        with torch.no_grad():
            self.embeddings: torch.Tensor = self.embed(self.ids[None])[0].clone()  # (token, width)
        self.free = torch.from_numpy(question.can_change()).to(model.device)  # (token,)
        target = question.target
        written = target.start + max(target.stop - target.start, len(question.instead)) - 1
        longest = max(question.offset, written)
        if longest > model.context:
            raise ExplainError(
                f"{model.card.title or model.name} reads {model.context:,} tokens at once, and here are {longest:,} up to the end of the "
                "target. Shorten the text, or choose an earlier word."
            )
        self.asked = self.ids[question.offset + target.start : question.offset + target.stop]  # (target,)
        self.weights: tuple[float, float] = (1, -1)
        self.instead = torch.tensor([piece.id for piece in question.instead], dtype=torch.long, device=model.device)

    @cached_property
    def baseline(self) -> Baseline:
        """Not before it is needed: an average takes the whole table of words."""
        return baseline_of(self.model, self.embed, self._baseline)

    def side(self, own: float, other: float) -> Scorer:
        """The same scorer with other weights of the target and of `instead`: (1, -1) is their difference."""
        one = copy.copy(self)
        one.weights = (own, other)
        return one

    def with_embeddings(self, embeddings: torch.Tensor) -> Scorer:
        """The same scorer with other embeddings of the text: (token, width)."""
        one = copy.copy(self)
        one.embeddings = embeddings
        return one

    @property
    def length(self) -> int:
        """Tokens of a row that are read."""
        return self.question.end

    def rows(self, *, gradient: bool = False) -> int:
        """How many rows are read at once, so that memory stays bounded."""
        logits = len(self.asked) * self.model.vocabulary * (3 if gradient else 1)
        most = MOST_WITH_GRADIENT if gradient else MOST_TOKENS
        return max(1, min(MOST_LOGITS // logits, most // self.length))

    # ---- by embeddings: for gradients, noise and anything in between

    def scores(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(row, token, width) -> (row,): summed log-probability of the target in nats, minus that of `instead`. Differentiable.

        All rows at once: whoever gives many minds `rows`.
        """
        return self._score(embeddings[:, : self.length], self.question.offset)

    def token_scores(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(row, token, width) -> (row, target): log-probability of each of the target's tokens in nats. Differentiable."""
        return self._read(embeddings[:, : self.length], self.asked, self.question.offset)

    def _score(self, embeddings: torch.Tensor, border: int) -> torch.Tensor:
        """Rows that end where the target's last token would come; an encoder reads what stands before `border`."""
        own, other = self.weights
        nothing = embeddings.new_zeros(len(embeddings))
        score: torch.Tensor = own * self._read(embeddings, self.asked, border).sum(-1) if own else nothing
        if not len(self.instead) or not other:
            return score
        begin = embeddings.shape[1] + 1 - len(self.asked)
        more = self.embed(self.instead[None, :-1]).expand(len(embeddings), -1, -1).to(embeddings.dtype)
        rival = self._read(torch.cat([embeddings[:, :begin], more], dim=1), self.instead, border).sum(-1)
        difference: torch.Tensor = torch.add(score, rival, alpha=other)
        return difference

    def _read(self, embeddings: torch.Tensor, asked: torch.Tensor, border: int) -> torch.Tensor:
        """Log-probability of `asked`, of which the last comes one after these rows: (row, asked)."""
        found = self._read_unheard(embeddings, asked, border)
        self.tick(len(embeddings))
        return found

    def _read_unheard(self, embeddings: torch.Tensor, asked: torch.Tensor, border: int) -> torch.Tensor:
        inputs = {"inputs_embeds": embeddings}
        if self.model.kind == SEQ2SEQ:
            inputs = {"inputs_embeds": embeddings[:, :border], "decoder_inputs_embeds": embeddings[:, border:]}
        with self.last(len(asked)):
            logits = self.reader(**inputs, use_cache=False).logits.float()
        found: torch.Tensor = logits.gather(-1, asked[None, :, None].expand(len(logits), -1, -1)).squeeze(-1) - logits.logsumexp(-1)
        return found

    @contextmanager
    def last(self, count: int) -> Iterator[None]:
        """The output layer reads the last `count` tokens only."""
        hook = self.head.register_forward_pre_hook(lambda _, given: (given[0][:, -count:], *given[1:]))
        try:
            yield
        finally:
            hook.remove()

    # ---- by words that stay or go: without gradients, in as many goes as memory asks for

    @torch.no_grad()
    def original(self) -> float:
        """Log-probability of the target as the text stands, in nats.

        Raises `ExplainError` for models that read more of a token than its embedding: nothing here would hold for them.
        """
        if self.model.model not in _FIT:
            self._check()
            _FIT.add(self.model.model)
        return float(self.scores(self.embeddings[None])[0])

    def _check(self) -> None:
        """That tokens and their embeddings say the same to this model. Once for each that is in memory."""
        border, ids = self.question.offset, self.ids[None, : self.length]
        told = {"input_ids": ids} if not border else {"input_ids": ids[:, :border], "decoder_input_ids": ids[:, border:]}
        try:
            read = self._read_unheard(self.embed(ids), self.asked, border)[0]  # `tick` may raise what is caught here
            with self.last(len(self.asked)):
                logits = self.reader(**told, use_cache=False).logits.float()
        except (TypeError, ValueError) as error:
            raise self._unfit() from error
        self.tick(1)
        plain = logits[0].log_softmax(-1).gather(-1, self.asked[:, None]).squeeze(-1)
        if not (read - plain).abs().max() <= _CLOSE * plain.abs().max().clamp(min=1):
            raise self._unfit()

    def _unfit(self) -> ExplainError:
        return ExplainError(
            f"{self.model.card.title or self.model.name} ({self.model.model.config.model_type}) can't be asked which words drove a text: "
            "it reads more of them than their embeddings. Choose a model such as GPT-2, GPT-Neo, Llama or T5."
        )

    @torch.no_grad()
    def replaced(self, kept: torch.Tensor) -> torch.Tensor:
        """kept: (row, token), bool -> (row,), nats: tokens that are not kept take the baseline; what can't change stays anyway."""
        found = torch.zeros(len(kept), device=self.ids.device)
        for places in torch.arange(len(kept), device=self.ids.device).split(self.rows()):
            stays = (kept.to(self.ids.device)[places] | ~self.free)[..., None]
            found[places] = self.scores(torch.where(stays, self.embeddings, self.baseline.vector.to(self.embeddings.dtype)))
        return found.cpu()

    @torch.no_grad()
    def removed(self, kept: torch.Tensor) -> torch.Tensor:
        """kept: (row, token), bool -> (row,), nats: tokens that are not kept are taken out, and the text closes up.

        Only what stands before the target's first token can go: what is asked for must stay where it is. Raises `ExplainError`
        where nothing would be left to read.
        """
        border = self.question.offset
        stays = (kept.to(self.ids.device) | ~self.free)[:, : self.length]
        stays[:, border + self.question.target.start :] = True
        found = torch.zeros(len(stays), device=self.ids.device)
        counts = torch.stack([stays[:, :border].sum(-1), stays.sum(-1)], dim=-1)
        for pair in torch.unique(counts, dim=0):  # rows of one length are read together: nothing need be padded
            before, total = pair.tolist()
            if total < len(self.asked) or (border and not before):
                raise ExplainError("Nothing would be left to read. Keep at least one word before the target.")
            for places in (counts == pair).all(-1).nonzero().squeeze(-1).split(self.rows()):
                where = stays[places].nonzero()[:, 1].view(len(places), total)
                found[places] = self._score(self.embeddings[where], before)
        return found.cpu()
