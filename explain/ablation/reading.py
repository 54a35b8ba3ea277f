"""Reading a passage without some heads: one row for each head that is taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutput

from explain.ablation.projections import Projection, projections
from explain.passage import Passage
from explain.question import Target
from explain.results import ENCODER, SELF
from explain.twin import giving_out, twin
from narrative.errors import ExplainError
from narrative.models import LanguageModel

KINDS = ("zero", "mean")
# How several heads of a layer are read without: from that layer on in rows of their own, while what lies below is not read again;
# the same with rows from the beginning, for models that can't broadcast; and all layers anew, for those that can't be taken up midway.
LATE, EARLY, WHOLE = "late", "early", "whole"
MOST_LOGITS = 1 << 26  # numbers at once: 256 MB
MOST_TOKENS = 4096  # rows x tokens at once


class Reading:
    """One passage before a twin of one model. The log-probabilities that it gives are those of the target tokens, in float32."""

    def __init__(self, model: LanguageModel, passage: Passage, *, part: str, kind: str, target: Target) -> None:
        self._reader: Any = twin(model)
        self.layers: tuple[Projection, ...] = projections(model, self._reader, part)
        self.precise = model.model.dtype not in {torch.float16, torch.bfloat16}
        self._part = part
        self._sequence = torch.tensor([[piece.id for piece in passage.sequence]], device=model.device)
        self._prompt = torch.tensor([[piece.id for piece in passage.prompt]], device=model.device)
        self._read = self._sequence[:, : target.stop - 1]  # what comes after the last target can't change it
        self._asked = self._sequence[:, target.start : target.stop, None]
        self._encoded: torch.Tensor | None = None
        self._blocks: list[Any] = []
        head = self._reader.get_output_embeddings()
        if head is None:
            raise ExplainError(f"{model.name} gives no probabilities of words, so that no head's effect on them can be told.")
        head.register_forward_pre_hook(lambda _, given: (given[0][:, target.start - 1 : target.stop - 1], *given[1:]))
        self._fill = self._means() if kind == "mean" else [None] * len(self.layers)
        self.most_rows = max(1, min(MOST_LOGITS // (self._asked.numel() * model.vocabulary), MOST_TOKENS // self._longest))

    @property
    def _longest(self) -> int:
        return int(self._read.shape[1]) + (int(self._prompt.shape[1]) if self._part != SELF else 0)

    @torch.inference_mode()
    def plain(self) -> torch.Tensor:
        """(target,): with all heads. What the blocks gave out is kept, so that they need not be read again."""
        kept: list[Any] = []
        with ExitStack() as hooks:
            for block in self.layers[0].stack:
                hooks.enter_context(_hooked(block.register_forward_hook(lambda _, __, given: kept.append(_each(given, torch.clone)))))
            read = self._reader(**self._inputs(1, 1), use_cache=False)
        self._blocks = kept
        if self._part != SELF:
            self._encoded = read.encoder_last_hidden_state
        return self._scores(read.logits)[0]

    @torch.inference_mode()
    def without(self, layer: int, heads: Sequence[int], *, way: str = WHOLE) -> torch.Tensor:
        """(head, target): each row without one of `heads` of this layer. All but `WHOLE` need `plain` first."""
        rows, one = len(heads), self.layers[layer]
        begin = 1 if way == LATE else rows
        edit = _Edit(one, heads, self._fill[layer])
        with ExitStack() as changes:
            changes.enter_context(_hooked(one.module.register_forward_pre_hook(edit)))
            if way != WHOLE:
                changes.enter_context(_replayed(one, self._blocks, begin))
            read = self._reader(**self._inputs(begin, rows), use_cache=False)
        if not edit.done:
            raise ExplainError("This model puts its heads together in a way of its own: none of them can be taken out.")
        return self._scores(read.logits)

    def _inputs(self, begin: int, rows: int) -> dict[str, Any]:
        """`begin` rows go into the part where heads are taken out, `rows` come out of it."""
        if self._part == SELF:
            return {"input_ids": self._read.expand(begin, -1)}
        if self._part == ENCODER or self._encoded is None:
            return {"input_ids": self._prompt.expand(begin, -1), "decoder_input_ids": self._read.expand(rows, -1)}
        encoded = BaseModelOutput(last_hidden_state=self._encoded.expand(rows, -1, -1))
        return {"encoder_outputs": encoded, "decoder_input_ids": self._read.expand(rows, -1)}

    def _scores(self, logits: torch.Tensor) -> torch.Tensor:
        """(row, target, vocabulary) -> (row, target): log-softmax of the tokens that stand there."""
        wide = logits.float()
        own = wide.gather(-1, self._asked.expand(len(wide), -1, -1)).squeeze(-1)
        return own - wide.logsumexp(-1)

    @torch.inference_mode()
    def _means(self) -> list[torch.Tensor | None]:
        """(head x width,) a layer: what the heads give, mean over all tokens of the passage."""
        means: list[torch.Tensor | None] = []
        with ExitStack() as hooks:
            for one in self.layers:
                keep = lambda _, given: means.append(given[0].mean((0, 1)))  # noqa: E731
                hooks.enter_context(_hooked(one.module.register_forward_pre_hook(keep)))
            ids = {"input_ids": self._sequence} if self._part == SELF else {"input_ids": self._prompt, "decoder_input_ids": self._sequence}
            self._reader.base_model(**ids, use_cache=False)
        return means


class _Edit:
    """Before the projection: a row for each head, that head's slice set to zero or to its mean."""

    def __init__(self, one: Projection, heads: Sequence[int], fill: torch.Tensor | None) -> None:
        self._one, self._heads, self._fill = one, heads, fill
        self.done = False

    def __call__(self, _: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """(1 or row, token, head x width) -> (row, token, head x width)."""
        states = given[0]
        rows = states.repeat(len(self._heads) // len(states), 1, 1)
        for row, head in enumerate(self._heads):
            own = self._one.part_of(head)
            rows[row, :, own] = 0 if self._fill is None else self._fill[own]
        self.done = True
        return (rows, *given[1:])


@contextmanager
def _hooked(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


def _replayed(one: Projection, outputs: Sequence[Any], rows: int) -> AbstractContextManager[None]:
    """The blocks below this layer give out again what they gave before, the last of them `rows` times."""
    below = list(one.stack)[: one.block]
    again = list(outputs[: one.block])
    if again:
        again[-1] = _each(again[-1], lambda kept: kept.repeat(rows, *[1] * (kept.dim() - 1)))
    return giving_out(below, again)


def _each(given: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """What a block gave out, a tensor or a tuple with some, with each of them changed."""
    if isinstance(given, torch.Tensor):
        return change(given)
    return tuple(_each(item, change) for item in given) if isinstance(given, tuple) else given
