"""A text as a model read it: tokens with real characters, words made of them, and what is left out of a long one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explain.passage import Passage, passage_of, read_as, read_text
from explain.words import Piece, pieces_as_spans, visible, words_as_spans
from narrative.errors import PromptError, SettingsError
from narrative.generation import Draft, GenerationSettings, generate
from narrative.models import LanguageModel

HOSTILE = ("</script><img onerror=alert(1)>", "A fox 🦊 and 你好 and مرحبا", "one\n\ntwo", "the the the", "naïve café", "a\ttab")


def written(model: LanguageModel, prompt: str = "Once upon a time", tokens: int = 20, seed: int = 1) -> Draft:
    generation = generate(model, prompt, settings=GenerationSettings(drafts=1, max_new_tokens=tokens, seed=seed))
    list(generation)
    return generation.drafts[0]


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def words(text: str, model: LanguageModel) -> list[str]:
    return [span.label for span in words_as_spans(read_text(model, text).prompt)]


@pytest.mark.parametrize("text", HOSTILE)
def test_pieces_joined_are_the_text_and_no_label_is_empty(tiny_gpt2: LanguageModel, text: str) -> None:
    passage = read_text(tiny_gpt2, text, limit=64)
    assert text_of(passage.prompt) == text
    assert all(piece.label.strip() and "\ufffd" not in piece.label for piece in passage.prompt)


def test_parts_of_one_character_are_counted(tiny_gpt2: LanguageModel) -> None:
    labels = [piece.label for piece in read_text(tiny_gpt2, "🦊").prompt]
    assert labels == [f"🦊 {part}/{len(labels)}" for part in range(1, len(labels) + 1)]
    assert len(labels) > 1


def test_a_draft_is_read_by_its_stored_tokens(tiny_model: LanguageModel) -> None:
    draft = written(tiny_model)
    passage = passage_of(tiny_model, draft)
    assert tuple(piece.id for piece in passage.completion) == draft.ids
    assert tuple(piece.id for piece in passage.prompt) == draft.prompt_ids
    assert text_of(passage.completion) == draft.text


def test_an_encoder_decoder_has_two_sides(tiny_t5: LanguageModel) -> None:
    passage = read_text(tiny_t5, "The fox", " laughed")
    assert passage.start is not None
    assert (passage.start.label, passage.prompt[-1].label) == ("<pad>", "</s>")
    assert passage.sequence == (passage.start, *passage.completion)
    assert passage.written_from == 1


def test_a_long_text_keeps_its_end_and_says_so(tiny_gpt2: LanguageModel) -> None:
    whole = read_text(tiny_gpt2, "the fox " * 40, limit=1000)
    assert (len(whole.sequence), whole.limit) == (tiny_gpt2.context, tiny_gpt2.context)
    assert f"At most {tiny_gpt2.context} tokens" in whole.trimmed
    assert f"{whole.dropped:,} at the beginning" in whole.trimmed
    short = read_text(tiny_gpt2, "the fox", limit=1000)
    assert short.trimmed == ""


def test_a_long_draft_can_be_cut_after_the_chosen_token(tiny_gpt2: LanguageModel) -> None:
    draft = written(tiny_gpt2, tokens=30)
    whole = passage_of(tiny_gpt2, draft)
    part = passage_of(tiny_gpt2, draft, limit=10, until=8)
    assert len(part.sequence) == 10
    assert part.completion[-1].id == draft.tokens[8].id
    assert part.dropped + part.cut + 10 == len(whole.sequence)
    early = passage_of(tiny_gpt2, draft, limit=10, until=0)
    assert early.sequence == whole.sequence[:10] or early.sequence[-1].id == draft.tokens[0].id


def test_another_model_reads_a_draft_only_if_its_tokens_say_the_same(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel) -> None:
    draft = written(tiny_gpt2)
    assert text_of(passage_of(tiny_llama, draft).completion) == draft.text  # the two have one vocabulary
    foreign = replace(draft, prompt_ids=(10**6, *draft.prompt_ids))
    with pytest.raises(PromptError, match="Choose its own model"):
        passage_of(tiny_gpt2, foreign)
    told = replace(draft, fingerprint="another", prompt="Something else")
    with pytest.raises(PromptError, match="whose tokens"):
        passage_of(tiny_llama, told)


def test_the_same_tokens_for_another_model(tiny_gpt2: LanguageModel, tiny_neo: LanguageModel, tiny_t5: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, "The fox", " laughed")
    again = read_as(tiny_neo, passage)
    assert again is not None
    assert (again.sequence, again.model) == (passage.sequence, tiny_neo.name)
    assert read_as(tiny_t5, passage) is None


@pytest.mark.parametrize(("prompt", "completion"), [("", ""), ("  ", ""), ("a\x00b", ""), ("fine", "a\x07b")])
def test_what_no_model_reads_is_refused_in_words(tiny_gpt2: LanguageModel, prompt: str, completion: str) -> None:
    with pytest.raises(PromptError):
        read_text(tiny_gpt2, prompt, completion)
    with pytest.raises(SettingsError, match="tokens to look at"):
        read_text(tiny_gpt2, "The fox", limit=1)


def test_words_are_what_a_reader_calls_words(tiny_gpt2: LanguageModel) -> None:
    text = "“Don't go”, said the well-known café-owner; 3.5 foxes laughed."
    assert words(text, tiny_gpt2) == [
        "“", "Don't", "go", "”", ",", "said", "the", "well-known", "café-owner", ";", "3", ".", "5", "foxes", "laughed", ".",
    ]  # fmt: skip


def test_words_of_emoji_and_of_writing_without_spaces(tiny_gpt2: LanguageModel) -> None:
    assert words("A 🦊 你好 here", tiny_gpt2) == ["A", "🦊", "你", "好", "here"]
    assert words("مرحبا بالعالم", tiny_gpt2) == ["مرحبا", "بالعالم"]
    assert words("שלום, мир", tiny_gpt2) == ["שלום", ",", "мир"]
    assert words("one\n\ntwo", tiny_gpt2) == ["one", "¶", "¶", "two"]


def test_no_word_reaches_over_the_border(tiny_gpt2: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, "The cur", "tain falls")
    spans = words_as_spans(passage.sequence, breaks=(passage.written_from,))
    assert [span.label for span in spans] == ["The", "cur", "tain", "falls"]
    assert passage.written_from in {span.start for span in spans}


def test_spans_cover_every_token_once(tiny_model: LanguageModel) -> None:
    passage: Passage = passage_of(tiny_model, written(tiny_model, tokens=30))
    for spans in (pieces_as_spans(passage.sequence), words_as_spans(passage.sequence, breaks=(passage.written_from,))):
        assert [place for span in spans for place in range(span.start, span.stop)] == list(range(len(passage.sequence)))


def test_what_cannot_be_seen_gets_a_sign() -> None:
    assert [visible(text) for text in (" a ", "\n", "  ", "", "a\nb", "\x07")] == ["a", "¶", "␣", "", "a b", "\ufffd"]
