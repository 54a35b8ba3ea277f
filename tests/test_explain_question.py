"""explain.question: what is asked of a model, held against transformers' own greedy writing and plain arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_models import tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from explain.passage import Passage, pieces_of, read_text
from explain.question import GROUPINGS, PIECES, SENTENCES, WORDS, Question, Target, instead_of, next_word, whole
from explain.words import Piece, Span, words_as_spans
from narrative.errors import ExplainError, NarrativeError, PromptError, SettingsError
from narrative.models import CAUSAL, SEQ2SEQ, LanguageModel, load_model

PROMPT, COMPLETION = "Once upon a time. There was a fox", " who laughed. The end."


@pytest.fixture(scope="module")
def fable() -> LanguageModel:
    return load_model("fable-5m", device="cpu")


@pytest.fixture
def passage(tiny_gpt2: LanguageModel) -> Passage:
    return read_text(tiny_gpt2, PROMPT, COMPLETION)


def ids_of(pieces: tuple[Piece, ...]) -> list[int]:
    return [piece.id for piece in pieces]


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def greedy(model: LanguageModel, passage: Passage, tokens: int) -> list[int]:
    """What transformers' own `generate` writes after the passage, end included."""
    ids = torch.tensor([ids_of(passage.prompt if passage.kind == SEQ2SEQ else passage.sequence)])
    more: dict[str, Any] = {"decoder_input_ids": torch.tensor([ids_of(passage.decoder)])} if passage.kind == SEQ2SEQ else {}
    given = len(passage.sequence)
    settings = {"do_sample": False, "num_beams": 1, "max_new_tokens": tokens, "attention_mask": torch.ones_like(ids)}
    found = model.model.generate(ids, **settings, **more, eos_token_id=sorted(model.end_ids), pad_token_id=model.pad_id)
    return list(found[0, given:].tolist())


@contextmanager
def always(model: LanguageModel, monkeypatch: pytest.MonkeyPatch, *order: int) -> Iterator[list[int]]:
    """The model writes the tokens of `order`, one after the other, whatever it reads; the lengths that it was given."""
    lengths: list[int] = []
    forward = model.model.forward

    def told(*given: Any, **named: Any) -> Any:
        output = forward(*given, **named)
        output.logits[:] = 0
        output.logits[..., order[min(len(lengths), len(order) - 1)]] = 9
        lengths.append(int(named["input_ids"].shape[1]))
        return output

    with monkeypatch.context() as patch:
        patch.setattr(model.model, "forward", told)
        yield lengths


# ---- targets


def test_a_target_lies_within_the_text(passage: Passage) -> None:
    length = len(passage.sequence)
    for start, stop in ((-1, 2), (3, 3), (5, 4), (2, length + 1), (length, length + 1), (length + 5, length + 9)):
        with pytest.raises(SettingsError, match=rf"from {start} to before {stop}; .*{length} tokens"):
            Question(passage, Target(start, stop))
    assert Question(passage, Target(length - 1, length)).target.stop == length


def test_the_first_token_has_no_reason(passage: Passage, tiny_t5: LanguageModel) -> None:
    for stop in (1, 4):
        with pytest.raises(ExplainError, match=r"has nothing before it.*Choose a later word"):
            Question(passage, Target(0, stop))
    with pytest.raises(ExplainError, match="sign that a decoder begins with"):
        Question(read_text(tiny_t5, "The fox", " laughed"), Target(0, 1))


def test_the_whole_is_all_that_was_written(tiny_model: LanguageModel) -> None:
    passage = read_text(tiny_model, PROMPT, COMPLETION)
    question = whole(passage)
    assert (question.target.start, question.target.stop) == (passage.written_from, len(passage.sequence))
    assert question.label == COMPLETION.strip()
    assert text_of(passage.sequence[question.target.start : question.target.stop]) == COMPLETION


def test_the_whole_of_a_text_without_a_completion_is_all_after_its_first_token(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    alone = read_text(tiny_gpt2, PROMPT)
    assert whole(alone).target == Target(1, len(alone.sequence))
    with pytest.raises(ExplainError, match="nothing to explain"):
        whole(read_text(tiny_gpt2, "a"))  # a single token
    with pytest.raises(ExplainError, match="nothing to explain"):
        whole(read_text(tiny_t5, PROMPT))  # its decoder wrote nothing


def test_the_whole_of_a_text_without_a_prompt_begins_after_its_first_token(passage: Passage) -> None:
    unasked = replace(passage, prompt=(), completion=passage.sequence)
    assert whole(unasked).target == Target(1, len(passage.sequence))


# ---- the axis


def test_the_axis_of_a_decoder_is_its_text(passage: Passage) -> None:
    question = Question(passage, Target(5, 8))
    assert question.tokens == passage.prompt + passage.completion
    assert (question.offset, question.end, question.written_from) == (0, 7, len(passage.prompt))


def test_the_axis_of_an_encoder_decoder_is_both_its_texts(tiny_t5: LanguageModel) -> None:
    passage = read_text(tiny_t5, PROMPT, COMPLETION)
    question = Question(passage, Target(2, 4))
    prompt = len(passage.prompt)
    assert passage.start is not None
    assert question.tokens == (*passage.prompt, passage.start, *passage.completion)
    assert (question.offset, question.end, question.written_from) == (prompt, prompt + 3, prompt + 1)
    assert question.tokens[question.offset + 2 : question.offset + 4] == passage.sequence[2:4]


def test_what_can_change_stands_before_the_end_and_is_text(tiny_model: LanguageModel) -> None:
    passage = read_text(tiny_model, PROMPT, COMPLETION)
    special = set(tiny_model.tokenizer.all_special_ids)
    for stop in range(2, len(passage.sequence) + 1):
        question = Question(passage, Target(1, stop))
        by_hand = [place < question.offset + stop - 1 and piece.id not in special for place, piece in enumerate(question.tokens)]
        assert question.can_change().tolist() == by_hand
    assert any(piece.id in special for piece in question.tokens) == (tiny_model.kind == SEQ2SEQ)


def test_parts_of_a_character_can_change_and_a_sign_in_the_middle_cannot(tiny_gpt2: LanguageModel) -> None:
    end = int(tiny_gpt2.tokenizer.eos_token_id)
    pieces = pieces_of(tiny_gpt2, tiny_gpt2.encode("🦊"), [end], tiny_gpt2.encode("The fox"))
    sign = ids_of(pieces).index(end)
    question = whole(Passage("m", "f", CAUSAL, pieces, ()))
    assert sign > 1
    assert question.can_change().tolist() == [place != sign and place < len(pieces) - 1 for place in range(len(pieces))]


# ---- groups of tokens


def joined(question: Question, spans: tuple[Span, ...]) -> list[str]:
    return [text_of(question.tokens[span.start : span.stop]) for span in spans]


def test_every_unit_holds_each_token_once_and_stops_at_the_borders(tiny_model: LanguageModel) -> None:
    question = whole(read_text(tiny_model, PROMPT, COMPLETION))
    for unit in GROUPINGS:
        spans = question.spans(unit)
        assert [place for span in spans for place in range(span.start, span.stop)] == list(range(len(question.tokens)))
        begins = {span.start for span in spans}
        assert {question.offset, question.written_from} <= begins
    assert len(question.spans(PIECES)) > len(question.spans(WORDS)) > len(question.spans(SENTENCES))


def test_sentences_of_prompt_and_completion(passage: Passage) -> None:
    question = whole(passage)
    assert joined(question, question.spans(SENTENCES)) == ["Once upon a time.", " There was a fox", " who laughed.", " The end."]


def test_marked_passages_stand_as_they_are_among_what_is_left(passage: Passage) -> None:
    question = whole(passage)
    plain = {unit: question.spans(unit) for unit in GROUPINGS}
    marks = (Span(9, 11, "late"), Span(2, 5, "early"))  # in any order
    for unit in GROUPINGS:
        spans = question.spans(unit, drawn=marks)
        assert {*marks} <= {*spans}
        assert [place for span in spans for place in range(span.start, span.stop)] == list(range(len(question.tokens)))
        for span in spans:
            if span not in marks:  # untouched groups keep what they were, cut ones stay within theirs
                assert any(one.start <= span.start and span.stop <= one.stop for one in plain[unit])
        untouched = [one for one in plain[unit] if one.stop <= 2]
        assert list(spans[: len(untouched)]) == untouched


def test_marked_passages_that_overlap_or_leave_the_text_are_refused(passage: Passage) -> None:
    question, length = whole(passage), len(passage.sequence)
    for marks in (
        (Span(1, 4, "a"), Span(3, 5, "b")), (Span(1, 4, "a"), Span(1, 4, "a")), (Span(-1, 2, "c"),), (Span(2, length + 1, "d"),),
        (Span(3, 3, "e"),), (Span(5, 4, "f"),),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=r"The marked passage '.' overlaps another one, or lies outside the text"):
            question.spans(drawn=marks)
    touching = (Span(1, 3, "a"), Span(3, 4, "b"))
    assert {*touching} <= {*question.spans(drawn=touching)}
    assert question.spans(drawn=(Span(0, length, "all"),)) == (Span(0, length, "all"),)


def test_an_unknown_unit_is_refused_with_the_ones_there_are(passage: Passage) -> None:
    with pytest.raises(SettingsError, match=r"Unknown unit 'letters'\. Choose one of: words, pieces, sentences"):
        whole(passage).spans("letters")


# ---- the next word


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_neo", "tiny_llama", "tiny_t5", "fable"])
def test_the_next_word_is_what_greedy_writing_begins_with(request: pytest.FixtureRequest, name: str) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    asked = 0
    for prompt, completion in (("Once upon a time", ""), ("The fox", " walked and"), ("He gave the crown to", ""), ("the", "")):
        passage = read_text(model, prompt, completion)
        written = greedy(model, passage, 9)
        if written[0] in model.end_ids:
            with pytest.raises(ExplainError, match="end the text"):
                next_word(model, passage)
            continue
        question = next_word(model, passage)
        found = ids_of(question.passage.sequence[question.target.start :])
        assert question.target == Target(len(passage.sequence), len(question.passage.sequence))
        assert question.passage.prompt == passage.prompt
        assert found == written[: len(found)]  # its tokens are the greedy ones
        more = written[: len(found) + 1]
        one, longer = (pieces_of(model, [*ids_of(passage.prompt + passage.completion), *ids])[-len(ids) :] for ids in (found, more))
        assert len(words_as_spans(one)) == 1
        if len(found) < 8 and more[-1] not in model.end_ids:  # all of the word: with one token more another begins
            assert len(words_as_spans(longer)) == 2
        asked += 1
    assert asked >= 2


def test_a_word_of_several_tokens_is_put_together(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tiny_gpt2.tokenizer(" wxyz")["input_ids"]
    dot = tiny_gpt2.tokenizer(".")["input_ids"]
    with always(tiny_gpt2, monkeypatch, *ids, *dot) as lengths:
        question = next_word(tiny_gpt2, read_text(tiny_gpt2, "The fox"))
    assert len(ids) > 2
    assert (ids_of(question.passage.completion), question.label) == (ids, "wxyz")
    assert len(lengths) == len(ids) + 1


def test_a_character_of_several_tokens_is_one_word(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tiny_gpt2.tokenizer("🦊")["input_ids"]
    with always(tiny_gpt2, monkeypatch, *ids, *tiny_gpt2.tokenizer(".")["input_ids"]):
        question = next_word(tiny_gpt2, read_text(tiny_gpt2, "The fox"))
    assert (ids_of(question.passage.completion), question.label) == (ids, "🦊")


def test_a_word_without_end_is_cut(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = tiny_gpt2.tokenizer("q")["input_ids"]
    with always(tiny_gpt2, monkeypatch, *letter):
        question = next_word(tiny_gpt2, read_text(tiny_gpt2, "The fox"))
    assert question.label == "q" * 8


def test_the_end_of_the_text_ends_the_word(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tiny_gpt2.tokenizer(" fo")["input_ids"]
    end = min(tiny_gpt2.end_ids)
    with always(tiny_gpt2, monkeypatch, *ids, end):
        assert ids_of(next_word(tiny_gpt2, read_text(tiny_gpt2, "The")).passage.completion) == ids
    with always(tiny_gpt2, monkeypatch, end), pytest.raises(ExplainError, match="would end the text here"):
        next_word(tiny_gpt2, read_text(tiny_gpt2, "The"))


def test_at_the_edge_of_the_context_there_is_room_for_one_more(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    full = read_text(tiny_gpt2, "the fox " * 40)
    assert len(full.sequence) == tiny_gpt2.context
    with torch.no_grad():
        likeliest = int(tiny_gpt2.model(torch.tensor([ids_of(full.sequence)])).logits[0, -1].argmax())
    question = next_word(tiny_gpt2, full)
    assert ids_of(question.passage.completion) == [likeliest]
    letter = tiny_gpt2.tokenizer("q")["input_ids"]
    for room in (0, 1, 3):
        text = replace(full, prompt=full.prompt[room:])
        with always(tiny_gpt2, monkeypatch, *letter) as lengths:
            assert next_word(tiny_gpt2, text).label == "q" * (room + 1)
        assert len(lengths) == room + 1
    with pytest.raises(NarrativeError):
        next_word(tiny_gpt2, question.passage)  # not one more


# ---- other words in the target's place


def test_other_words_take_the_leading_space(passage: Passage, tiny_gpt2: LanguageModel) -> None:
    place = ids_of(passage.sequence).index(tiny_gpt2.tokenizer(" fox")["input_ids"][0])
    fox = next(span for span in whole(passage).spans() if span.label == "fox")
    question = Question(passage, Target(fox.start, fox.stop))
    assert place == fox.start
    for given in ("king", " king"):
        assert ids_of(instead_of(tiny_gpt2, question, given).instead) == tiny_gpt2.tokenizer(" king")["input_ids"]
    asked = instead_of(tiny_gpt2, question, "old woman")
    assert (text_of(asked.instead), asked.instead_label, asked.label) == (" old woman", "old woman", "fox")
    assert len(asked.instead) > 1
    assert (asked.passage, asked.target) == (question.passage, question.target)


def test_words_without_a_space_before_them_get_none(tiny_gpt2: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, "The fox", "es ran")
    question = Question(passage, Target(passage.written_from, passage.written_from + 1))
    assert text_of(instead_of(tiny_gpt2, question, "y").instead) == "y"
    dot = read_text(tiny_gpt2, "The fox.")
    assert text_of(instead_of(tiny_gpt2, Question(dot, Target(len(dot.sequence) - 1, len(dot.sequence))), "!").instead) == "!"


def test_the_same_word_is_refused_however_it_is_cut(passage: Passage, tiny_gpt2: LanguageModel) -> None:
    fox = next(span for span in whole(passage).spans() if span.label == "fox")
    for given in ("fox", " fox"):
        with pytest.raises(PromptError, match="stands there already"):
            instead_of(tiny_gpt2, Question(passage, Target(fox.start, fox.stop)), given)
    letters = [tiny_gpt2.tokenizer(letter)["input_ids"][0] for letter in " fox"]
    apart = replace(passage, completion=pieces_of(tiny_gpt2, ids_of(passage.prompt), letters)[len(passage.prompt) :])
    with pytest.raises(PromptError, match="stands there already"):
        instead_of(tiny_gpt2, whole(apart), "fox")


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_no_word_at_all_is_refused(passage: Passage, tiny_gpt2: LanguageModel, text: str) -> None:
    with pytest.raises(PromptError, match="Give the word that could have stood there"):
        instead_of(tiny_gpt2, whole(passage), text)


def test_other_words_of_an_encoder_decoder_carry_no_end(tiny_t5: LanguageModel) -> None:
    passage = read_text(tiny_t5, "The fox", " laughed and")
    asked = instead_of(tiny_t5, Question(passage, Target(1, 2)), "ran")
    assert text_of(asked.instead) in {" ran", "ran"}
    assert not {*ids_of(asked.instead)} & {*tiny_t5.end_ids}


def test_a_tokenizer_that_puts_a_space_before_everything_puts_one(tiny_gpt2: LanguageModel) -> None:
    """As Llama 2's does: “ ran” given as it is would come out with two spaces."""
    known = {piece: number for number, piece in enumerate(["<unk>", "▁", "▁The", "▁fox", "▁ran", "▁hid", "s"])}
    whole_words = Tokenizer(models.WordLevel(known, unk_token="<unk>"))  # noqa: S106  no password
    whole_words.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    whole_words.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    whole_words.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    words = PreTrainedTokenizerFast(tokenizer_object=whole_words, unk_token="<unk>")  # noqa: S106
    model = replace(tiny_gpt2, tokenizer=words)
    assert words(" ran", add_special_tokens=False)["input_ids"] != words("ran", add_special_tokens=False)["input_ids"]
    passage = read_text(model, "The fox ran")
    asked = instead_of(model, Question(passage, Target(2, 3)), "hid")
    assert (ids_of(asked.instead), text_of(asked.instead)) == ([known["▁hid"]], " hid")


def test_a_question_is_about_tokens_that_were_given(tiny_gpt2: LanguageModel) -> None:
    """Nothing is cut into tokens anew: a text in letters stays in letters."""
    letters = [tiny_tokenizer()(letter)["input_ids"][0] for letter in "The fox"]
    passage = Passage("m", "f", CAUSAL, pieces_of(tiny_gpt2, letters), ())
    assert ids_of(whole(passage).tokens) == letters
    assert [span.label for span in whole(passage).spans()] == ["The", "fox"]


def test_the_pieces_of_a_word_do_not_explain_the_word(fable: LanguageModel) -> None:
    read = read_text(fable, "Once upon a time there was a", " Rumpelstiltskin who sang.")
    word = next(span for span in words_as_spans(read.sequence) if span.label == "Rumpelstiltskin")
    assert word.stop - word.start > 2
    one = Question(read, Target(word.start, word.stop))
    assert one.can_change().nonzero()[0].max() == word.start - 1
    several = Question(read, Target(word.start, word.stop + 2))
    assert several.can_change().nonzero()[0].max() == word.stop  # of several words, each may bring about the next
    later = Question(read, Target(word.start + 1, word.stop))
    assert later.can_change().nonzero()[0].max() == word.start  # who asks about the rest of a word means its beginning too
