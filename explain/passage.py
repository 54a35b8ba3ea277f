"""A text as one model read it: prompt and completion, token by token, cut to what can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from explain.words import Piece, visible
from narrative.errors import PromptError, require_whole
from narrative.generation import Draft
from narrative.generation.pieces import Pieces
from narrative.generation.prompt import check_prompt
from narrative.generation.reading import decoder_start
from narrative.models import SEQ2SEQ, LanguageModel

MOST_SHOWN = 256  # tokens that a view shows at once: more than that nobody can look at, and the page grows with the square


@dataclass(frozen=True)
class Passage:
    """What a model is shown when one of its texts is explained. Tokens are the stored ones: nothing is sampled or split anew."""

    model: str
    fingerprint: str  # of the weights
    kind: str  # causal | seq2seq
    prompt: tuple[Piece, ...]  # of an encoder-decoder: what its encoder reads
    completion: tuple[Piece, ...]  # what was written after it; may be empty
    start: Piece | None = None  # the token that a decoder begins with, of encoder-decoders only
    dropped: int = 0  # tokens left out at the beginning
    cut: int = 0  # tokens left out at the end
    limit: int = MOST_SHOWN  # tokens that are looked at at once

    @property
    def encoder(self) -> tuple[Piece, ...]:
        """Of an encoder-decoder: what the encoder reads."""
        return self.prompt

    @property
    def decoder(self) -> tuple[Piece, ...]:
        """Of an encoder-decoder: its start token, then the completion."""
        return ((self.start,) if self.start else ()) + self.completion

    @property
    def sequence(self) -> tuple[Piece, ...]:
        """What the writing part reads: prompt and completion of a decoder-only model, the decoder's side of an encoder-decoder."""
        return self.decoder if self.kind == SEQ2SEQ else self.prompt + self.completion

    @property
    def written_from(self) -> int:
        """The place in `sequence` of the first token that was written after the prompt."""
        return len(self.sequence) - len(self.completion)

    @property
    def trimmed(self) -> str:
        """One sentence about what was left out; "" when nothing was."""
        if not self.dropped and not self.cut:
            return ""
        places = [f"{count:,} {where}" for count, where in ((self.dropped, "at the beginning"), (self.cut, "at the end")) if count]
        return f"At most {self.limit:,} tokens (words and pieces of words) are looked at at once: {' and '.join(places)} are left out."


def passage_of(model: LanguageModel, draft: Draft, *, limit: int = MOST_SHOWN, until: int | None = None) -> Passage:
    """The passage of a stored draft. `until`: a token of the draft that must be in it, when the text is longer than the limit.

    Raises `PromptError` if the draft's tokens mean something else to this model: then `reread` reads its text.
    """
    known = max((*draft.prompt_ids, *draft.ids), default=0) < model.vocabulary
    if not known or (model.fingerprint != draft.fingerprint and _text(pieces_of(model, draft.prompt_ids, draft.ids)) != _text(draft)):
        raise PromptError(f"This draft was written by {draft.model}, whose tokens {model.name} doesn't know. Choose its own model.")
    return _passage(model, draft.prompt_ids, draft.ids, limit=limit, until=until)


def read_text(model: LanguageModel, prompt: str, completion: str = "", *, limit: int = MOST_SHOWN) -> Passage:
    """The passage of typed text; prompt and completion are cut into tokens separately. Raises `PromptError` for an empty prompt.

    A completion of spaces alone is none.
    """
    check_prompt(prompt)
    if completion.strip():
        check_prompt(completion)
    else:
        completion = ""
    return reread(model, prompt, completion, limit=limit)


def reread(model: LanguageModel, prompt: str, completion: str, *, limit: int = MOST_SHOWN) -> Passage:
    """As `read_text`, without its checks: for a text that some model has read or written already."""
    written = model.tokenizer(completion, add_special_tokens=False, verbose=False)["input_ids"] if completion else []
    return _passage(model, model.encode(prompt), written, limit=limit, until=None)


def _text(of: Draft | Sequence[Piece]) -> str:
    return of.prompt + of.text if isinstance(of, Draft) else "".join(piece.text for piece in of)


def _passage(model: LanguageModel, prompt: Sequence[int], written: Sequence[int], *, limit: int, until: int | None) -> Passage:
    """Cut to `limit` tokens: the end is kept, or what leads up to `until`, for a decoder never looks ahead.

    What an encoder-decoder wrote keeps its beginning: its decoder can't begin in the middle.
    """
    require_whole("the number of tokens to look at", limit, low=2, high=1_000_000)
    if not prompt and (model.kind == SEQ2SEQ or not written):
        raise PromptError("This model knows no sign of the text: there is nothing that it could look at.")
    most = min(limit, model.context)
    texts = pieces_of(model, prompt, written)
    if model.kind == SEQ2SEQ:
        dropped, cut = max(0, len(prompt) - most), max(0, len(written) + 1 - most)
        source, target = texts[dropped : len(prompt)], texts[len(prompt) : len(texts) - cut]
        start = special_piece(model, decoder_start(model))
        return Passage(model.name, model.fingerprint, model.kind, source, target, start, dropped, cut, most)
    end = len(texts) if until is None else min(len(texts), max(most, len(prompt) + until + 1))
    dropped = max(0, end - most)
    border = max(0, len(prompt) - dropped)
    window = texts[dropped:end]
    return Passage(
        model.name, model.fingerprint, model.kind, window[:border], window[border:], None, dropped, len(texts) - end, most,
    )  # fmt: skip


def pieces_of(model: LanguageModel, *parts: Sequence[int]) -> tuple[Piece, ...]:
    """The tokens of several texts that follow each other, with real characters for labels."""
    ids = [identity for part in parts for identity in part]
    growing = Pieces(model.tokenizer, ())
    texts = [growing.add(identity) for identity in ids]
    special = set(model.tokenizer.all_special_ids)
    return tuple(
        special_piece(model, identity) if identity in special and not text else Piece(identity, text, _label(texts, place, special, ids))
        for place, (identity, text) in enumerate(zip(ids, texts, strict=True))
    )


def special_piece(model: LanguageModel, identity: int) -> Piece:
    """A token that stands for no text: the beginning, the end, padding."""
    name = str(model.tokenizer.convert_ids_to_tokens(identity))
    return Piece(identity, "", name if name.startswith("<") else f"<{name.strip('[]')}>")


def _label(texts: Sequence[str], place: int, special: set[int], ids: Sequence[int]) -> str:
    """One token as a reader is shown it: "…" before a piece that goes on inside a word, parts of a character counted."""
    text = texts[place]
    if not text or (place and not texts[place - 1] and ids[place - 1] not in special):
        return _part(texts, place, special, ids)
    shown = visible(text)
    before = texts[place - 1] if place else ""
    inside = bool(before) and before[-1].isalnum() and text[0].isalnum()
    return f"…{shown}" if inside else shown


def _part(texts: Sequence[str], place: int, special: set[int], ids: Sequence[int]) -> str:
    """“🦊 2/3” for the second of three tokens that make one character."""
    first = place
    while first and not texts[first - 1] and ids[first - 1] not in special:
        first -= 1
    last = place
    while last < len(texts) - 1 and not texts[last]:
        last += 1
    whole = visible(texts[last]) or "\N{REPLACEMENT CHARACTER}"
    return f"{whole} {place - first + 1}/{last - first + 1}"


def read_as(model: LanguageModel, passage: Passage) -> Passage | None:
    """The same tokens for another model, if it takes them for the same text; None if its tokenizer says something else."""
    ids = [[piece.id for piece in part] for part in (passage.prompt, passage.completion)]
    longest = max(len(passage.sequence), len(passage.prompt))
    if model.kind != passage.kind or longest > model.context or max(map(max, filter(None, ids))) >= model.vocabulary:
        return None
    if _text(pieces_of(model, *ids)) != _text(passage.prompt + passage.completion):
        return None
    return replace(passage, model=model.name, fingerprint=model.fingerprint)
