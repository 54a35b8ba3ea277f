"""What a model would have said half-way: each layer's state read by the model's own end ("logit lens", nostalgebraist 2020)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from transformers.modeling_outputs import BaseModelOutput

from explain.passage import Passage, special_piece
from explain.twin import giving_out, layers_of, twin
from explain.words import Piece, visible
from narrative.errors import ExplainError, require_whole
from narrative.generation.pieces import token_text
from narrative.models import SEQ2SEQ, LanguageModel

MOST_GUESSES = 100
_CLOSE, _ROUGHLY = 1e-3, 0.1  # how far logits may be apart, as a part of the largest: in float32, in half precision


class Guess(NamedTuple):
    """A token that might stand there, as a reader is shown it: "…" before one that would go on inside a word."""

    id: int
    label: str
    probability: float


@dataclass(frozen=True)
class LensLayer:
    """What the model would have said had it ended with this layer."""

    layer: int  # 0 = the embedding, before any layer; the last = the model's own answer
    guesses: tuple[Guess, ...]  # likeliest first
    probability: float | None  # of the token that stands there, if one does
    rank: int | None  # of the same: 1 = first guess


@dataclass(frozen=True)
class Lens:
    """One place of a text, layer by layer."""

    place: int  # in `passage.sequence`
    actual: Piece | None  # what stands there; None for the token after the end
    layers: tuple[LensLayer, ...]  # embedding, then each layer: one more than the model has layers
    settled: int  # the first layer from which on the first guess is the final one


def lens(model: LanguageModel, passage: Passage, place: int, *, most: int = 5) -> Lens:
    """What `model` would have said in the place of `passage.sequence[place]`, from the tokens before it, after each layer.

    `place` may be one past the end: the next token. Each layer's state is put where the last layer's would stand, and final norm,
    output layer and whatever scales them are the model's own. What a middle layer holds in a form that only later layers turn
    into words, the lens doesn't show. Raises `SettingsError` for a place outside the passage, `ExplainError` for the first place,
    which has nothing before it, and for models whose last row would not be their own answer.
    """
    _check_place(passage, place)
    require_whole("the number of guesses", most, low=1, high=MOST_GUESSES)
    logits = _logits(model, passage, place)
    actual = passage.sequence[place] if place < len(passage.sequence) else None
    rows = tuple(_layer(model, passage, place, layer, row, most) for layer, row in enumerate(logits))
    return Lens(place, actual, rows, _settled([row.guesses[0].id for row in rows]))


def _check_place(passage: Passage, place: int) -> None:
    require_whole("the place (counted from 0)", place, low=0, high=len(passage.sequence))
    if place == 0:
        what = "is the sign that a decoder begins with: it is given, never written" if passage.start else "has nothing before it"
        raise ExplainError(f"The first token {what}, so that no layer could guess it. Choose a later one.")


def _settled(first: list[int]) -> int:
    """The first layer from which on the first guess is the last layer's."""
    other = [layer for layer, identity in enumerate(first) if identity != first[-1]]
    return other[-1] + 1 if other else 0


def _layer(model: LanguageModel, passage: Passage, place: int, layer: int, logits: torch.Tensor, most: int) -> LensLayer:
    """logits: (vocabulary,), float32."""
    probabilities = logits.softmax(-1)
    best = logits.topk(min(most, len(logits))).indices.tolist()
    before = passage.sequence[place - 1].text
    guesses = tuple(Guess(identity, _label(model, identity, before), float(probabilities[identity])) for identity in best)
    if place == len(passage.sequence):
        return LensLayer(layer, guesses, None, None)
    actual = passage.sequence[place].id
    return LensLayer(layer, guesses, float(probabilities[actual]), int((logits > logits[actual]).sum()) + 1)


def _label(model: LanguageModel, identity: int, before: str) -> str:
    """A token as a reader is shown it, after the text `before`."""
    if identity >= len(model.tokenizer):
        return f"<{identity}>"  # a row of the output layer that stands for no token
    text = token_text(model.tokenizer, identity)
    shown = visible(text)
    if not shown:
        return special_piece(model, identity).label
    inside = bool(before) and before[-1].isalnum() and text[0].isalnum()
    return f"…{shown}" if inside else shown


class _Seen(NamedTuple):
    """One plain reading of the tokens before a place: what its last token went through."""

    inputs: dict[str, Any]  # that show the model this last token only
    states: torch.Tensor  # (layer + 1, 1, width): entering the first block, leaving each
    outputs: list[Any]  # of each block, as it gave them: a tensor, or a tuple that begins with one
    logits: torch.Tensor  # (vocabulary,), float32: the model's own


@torch.inference_mode()
def _logits(model: LanguageModel, passage: Passage, place: int) -> torch.Tensor:
    """(layer + 1, vocabulary), float32: what the tokens before `place` lead to, layer by layer."""
    reader: Any = twin(model)
    blocks = layers_of(model, reader)
    if not blocks:
        raise _unfit(model)
    seen = _read(model, reader, blocks, passage, place)
    try:
        with giving_out(blocks, [_with(given, seen.states) for given in seen.outputs]):  # the model's own end reads the last one's
            rows: torch.Tensor = reader(**seen.inputs, use_cache=False).logits[:, -1].float()
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise _unfit(model) from error
    allowed = _ROUGHLY if model.model.dtype in {torch.float16, torch.bfloat16} else _CLOSE
    if len(rows) != len(seen.states) or not (rows[-1] - seen.logits).abs().max() <= allowed * seen.logits.abs().max().clamp(min=1):
        raise _unfit(model)
    return rows.cpu()


def _unfit(model: LanguageModel) -> ExplainError:
    return ExplainError(
        f"The layers of {model.card.title or model.name} ({model.model.config.model_type}) can't be read half-way: its last layer, read "
        "so, does not give the model's own answer. Choose a model such as GPT-2, GPT-Neo, Llama or T5."
    )


def _read(model: LanguageModel, reader: Any, blocks: list[Any], passage: Passage, place: int) -> _Seen:
    states: list[torch.Tensor] = []
    outputs: list[Any] = []

    def left(_: Any, __: Any, given: Any) -> None:
        states.append(_state(given))
        outputs.append(given)

    with ExitStack() as hooks:
        entering = blocks[0].register_forward_pre_hook(
            lambda _, given, named: states.append(_state(given or named["hidden_states"])), with_kwargs=True
        )
        leaving = [block.register_forward_hook(left) for block in blocks]
        last = reader.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0][:, -1:], *given[1:]))
        for hook in (entering, *leaving, last):
            hooks.callback(hook.remove)
        ids = torch.tensor([[piece.id for piece in passage.sequence[:place]]], device=model.device)
        end = ids[:, -1:].expand(len(blocks) + 1, -1)
        if model.kind != SEQ2SEQ:
            own = reader(input_ids=ids, use_cache=False)
            inputs: dict[str, Any] = {"input_ids": end}
        else:
            prompt = torch.tensor([[piece.id for piece in passage.encoder]], device=model.device)
            own = reader(input_ids=prompt, decoder_input_ids=ids, use_cache=False)
            encoded = BaseModelOutput(last_hidden_state=own.encoder_last_hidden_state.expand(len(end), -1, -1))
            inputs = {"encoder_outputs": encoded, "decoder_input_ids": end}
    return _Seen(inputs, torch.cat(states), outputs, own.logits[0, -1].float())


def _state(given: Any) -> torch.Tensor:
    """(1, 1, width): the last token's state, of what goes into a block or comes out of it."""
    states = given if isinstance(given, torch.Tensor) else given[0]
    return states[:, -1:].clone()  # a later block may change it in place


def _with(given: Any, states: torch.Tensor) -> Any:
    """What a block gave out, with other states in it."""
    return states if isinstance(given, torch.Tensor) else (states, *given[1:])
