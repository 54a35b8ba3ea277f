"""explain.swapping: a word replaced or deleted, held against plain transformers and against `generate`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from explain.passage import Passage, passage_of, read_text
from explain.question import Question, Target, next_word
from explain.swapping import Swap, rewriting, swap
from explain.words import Span, pieces_as_spans
from narrative.errors import ExplainError, NarrativeError, PromptError, SettingsError
from narrative.generation import Draft, Generation, GenerationSettings, generate, regenerate
from narrative.models import SEQ2SEQ, LanguageModel

PROMPT, COMPLETION = "The fox saw the old oak tree.", " The night came and the fox laughed."
SETTINGS = GenerationSettings(drafts=3, max_new_tokens=12, seed=5)
CLOSE = 2e-4  # nats, of a whole text


def axis(passage: Passage) -> Question:
    return Question(passage, Target(len(passage.sequence) - 1, len(passage.sequence)))


def word(passage: Passage, text: str, *, last: bool = False) -> Span:
    """That word of the passage, on the axis of `Question.tokens`."""
    found = [span for span in axis(passage).spans() if span.label == text]
    return found[-1 if last else 0]


def plain(model: LanguageModel, prompt: list[int], written: list[int]) -> list[float]:
    """Log-probability of every written token, one forward pass of transformers each."""
    found = []
    for place, identity in enumerate(written):
        with torch.no_grad():
            if model.kind == SEQ2SEQ:
                given = {
                    "input_ids": torch.tensor([prompt]),
                    "decoder_input_ids": torch.tensor([[model.model.config.decoder_start_token_id, *written[:place]]]),
                }
            else:
                given = {"input_ids": torch.tensor([[*prompt, *written[:place]]])}
            found.append(float(model.model(**given).logits[0, -1].log_softmax(-1)[identity]))
    return found


def ids(model: LanguageModel, text: str) -> list[int]:
    return list(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def written(generation: Generation) -> Draft:
    for _ in generation:
        pass
    return generation.drafts[0]


@pytest.fixture
def passage(tiny_model: LanguageModel) -> Passage:
    return read_text(tiny_model, PROMPT, COMPLETION)


@pytest.fixture(scope="session")
def draft(tiny_model: LanguageModel) -> Draft:
    """The second of three."""
    generation = generate(tiny_model, PROMPT, settings=SETTINGS)
    for _ in generation:
        pass
    return generation.drafts[1]


CHANGES = [
    ("fox", "wind", "The wind saw the old oak tree."),
    ("old", "", "The fox saw the oak tree."),
    ("The", "", "fox saw the old oak tree."),
    ("The", "the", "the fox saw the old oak tree."),
    ("tree", "café, 狐 <b>", "The fox saw the old oak café, 狐 <b>."),
]


@pytest.mark.parametrize(("old", "new", "prompt"), CHANGES)
def test_a_word_of_the_prompt_changes_the_prompt_and_the_same_tokens_are_scored(
    old: str, new: str, prompt: str, tiny_model: LanguageModel, passage: Passage
) -> None:
    found = swap(tiny_model, passage, word(passage, old), new)
    same = [piece.id for piece in passage.completion]
    before, after = plain(tiny_model, tiny_model.encode(PROMPT), same), plain(tiny_model, tiny_model.encode(prompt), same)
    assert [piece.id for piece in found.passage.prompt] == tiny_model.encode(prompt)
    assert [piece.id for piece in found.passage.completion] == same
    assert "".join(found.text) == prompt + COMPLETION
    assert (found.before, found.after, found.text[1]) == (old, new, new)
    assert [token[1] for token in found.tokens] == pytest.approx(before, abs=CLOSE)
    assert [token[2] for token in found.tokens] == pytest.approx(after, abs=CLOSE)
    assert (found.old, found.new) == pytest.approx((sum(before), sum(after)), abs=CLOSE)
    assert found.scored == "all that was written"


@pytest.mark.parametrize(("new", "middle"), [("wind", " wind"), ("", ""), ("old, old king", " old, old king")])
def test_a_word_of_the_completion_changes_only_what_comes_after_it(
    new: str, middle: str, tiny_model: LanguageModel, passage: Passage
) -> None:
    found = swap(tiny_model, passage, word(passage, "night"), new)
    kept, rest = ids(tiny_model, " The"), ids(tiny_model, " came and the fox laughed.")
    prompt, changed = tiny_model.encode(PROMPT), [*kept, *ids(tiny_model, middle)]
    before = plain(tiny_model, prompt, ids(tiny_model, COMPLETION))[-len(rest) :]
    after = plain(tiny_model, prompt, [*changed, *rest])[-len(rest) :]
    assert [piece.id for piece in found.passage.completion] == [*changed, *rest]
    assert found.text == (f"{PROMPT} The{' ' if new else ''}", new, " came and the fox laughed.")
    assert (found.at, found.begun, len(found.tokens)) == (len(kept), len(changed), len(rest))
    assert [token[1] for token in found.tokens] == pytest.approx(before, abs=CLOSE)
    assert [token[2] for token in found.tokens] == pytest.approx(after, abs=CLOSE)
    assert found.scored == "what was written after it"


def test_the_sentence_says_how_much_likelier_and_where(tiny_gpt2: LanguageModel) -> None:
    text = read_text(tiny_gpt2, PROMPT, COMPLETION)
    found = swap(tiny_gpt2, text, word(text, "fox"), "wind")
    told = replace(found, old=-10.0, new=-12.302585, tokens=(("came", -5.0, -7.3), ("and", -5.0, -5.0)))
    assert told.sentence == (
        "With “wind” in place of “fox”, all that was written is 10 times less likely to this model (-10.00 nats before, -12.30 now). "
        "Most of that is at “came”."
    )
    assert " 780,000 times less likely" in replace(told, new=-23.57).sentence  # two digits: more would be noise
    gone = replace(told, after="", new=-9.5, tokens=(("came", -5.0, -4.8), ("and", -5.0, -4.7)))
    assert gone.sentence.startswith("Without “fox”, all that was written is 1.65 times likelier to this model")
    assert "as likely as before" in replace(told, new=-10.001).sentence
    assert "more than a million times" in replace(told, new=-1e6).sentence


def test_the_same_swap_of_a_text_and_of_its_draft(tiny_model: LanguageModel, draft: Draft) -> None:
    text = passage_of(tiny_model, draft)
    found = swap(tiny_model, text, word(text, "fox"), "king")
    again = swap(tiny_model, text, word(text, "fox"), "  king ")
    assert found == again
    assert sum(token.logprob for token in draft.tokens) == pytest.approx(found.old, abs=CLOSE)


def test_the_draft_is_written_again_as_generate_writes_it_from_the_changed_prompt(tiny_model: LanguageModel, draft: Draft) -> None:
    text = passage_of(tiny_model, draft)
    found = swap(tiny_model, text, word(text, "old"), "blue")
    told = written(rewriting(tiny_model, found, draft))
    whole = generate(tiny_model, PROMPT.replace("old", "blue"), settings=SETTINGS)
    for _ in whole:
        pass
    expected = whole.drafts[draft.number]
    assert draft.number == 1
    assert (told.prompt, told.prompt_ids, told.ids, told.text) == (expected.prompt, expected.prompt_ids, expected.ids, expected.text)


def test_a_cut_prompt_is_written_again_whole(tiny_gpt2: LanguageModel) -> None:
    long = f"Once upon a time there was a little boat. {PROMPT}"
    first = written(generate(tiny_gpt2, long, settings=replace(SETTINGS, drafts=1, max_new_tokens=4)))
    text = passage_of(tiny_gpt2, first, limit=14)
    found = swap(tiny_gpt2, text, word(text, "oak"), "wind")
    assert text.dropped
    assert "".join(piece.text for piece in found.passage.prompt) == "".join(piece.text for piece in text.prompt).replace("oak", "wind")
    expected = written(generate(tiny_gpt2, long.replace("oak", "wind"), settings=first.settings))
    assert written(rewriting(tiny_gpt2, found, first)).ids == expected.ids


def middle_word(text: Passage) -> Span:
    """A word of the completion with some before and some after it."""
    begin = len(axis(text).tokens) - len(text.completion)
    words = [span for span in axis(text).spans() if span.start >= begin]
    return words[len(words) // 2]


def test_after_a_word_of_the_completion_it_is_written_on_with_the_same_seed(tiny_model: LanguageModel, draft: Draft) -> None:
    text = passage_of(tiny_model, draft)
    found = swap(tiny_model, text, middle_word(text), "curtain")
    generation = rewriting(tiny_model, found, draft)
    told = written(generation)
    new = found.passage.completion[found.at : found.begun]
    assert found.at is not None
    assert told.ids[: found.begun] == draft.ids[: found.at] + tuple(piece.id for piece in new)
    expected = plain(tiny_model, list(draft.prompt_ids), list(told.ids))
    assert [token.logprob for token in told.tokens] == pytest.approx(expected, abs=CLOSE)
    again = written(regenerate(tiny_model, told, at=found.begun, settings=told.settings))
    assert again.ids == told.ids
    assert told.number == draft.number
    assert len(told.tokens) >= len(draft.tokens)


def test_where_a_word_was_deleted_the_next_one_stands_and_the_rest_is_new(tiny_model: LanguageModel, draft: Draft) -> None:
    text = passage_of(tiny_model, draft)
    found = swap(tiny_model, text, middle_word(text), "")
    told = written(rewriting(tiny_model, found, draft))
    assert found.at == found.begun
    assert told.ids[: found.at] == draft.ids[: found.at]
    assert told.tokens[found.begun].id == found.passage.completion[found.begun].id


def test_rewriting_stops_when_asked_and_leaves_the_draft_as_it_was(tiny_gpt2: LanguageModel) -> None:
    first = written(generate(tiny_gpt2, PROMPT, settings=replace(SETTINGS, drafts=1)))
    before = first.to_json()
    text = passage_of(tiny_gpt2, first)
    generation = rewriting(tiny_gpt2, swap(tiny_gpt2, text, word(text, "fox"), "king"), first)
    for number, _ in enumerate(generation):
        if number == 2:
            generation.stop()
    assert len(generation.drafts[0].tokens) == 3
    assert generation.drafts[0].stopped == "asked"
    assert first.to_json() == before


def test_a_character_in_several_tokens_is_replaced_whole(tiny_gpt2: LanguageModel) -> None:
    text = read_text(tiny_gpt2, "The 狐 saw", " the sea.")
    part = next(span for span in pieces_as_spans(text.prompt) if span.label.startswith("狐"))
    assert text.prompt[part.start + 1].label.startswith("狐 2/")
    assert "".join(swap(tiny_gpt2, text, part, "fox").text) == "The fox saw the sea."


def test_a_prompt_that_its_tokens_don_t_spell_keeps_its_other_tokens(tiny_gpt2: LanguageModel) -> None:
    letters = [identity for letter in "The fox saw" for identity in ids(tiny_gpt2, letter)]
    text = read_text(tiny_gpt2, "The fox saw", " the sea.")
    spelt = replace(
        text, prompt=tuple(text.prompt[0]._replace(id=one, text=letter) for one, letter in zip(letters, "The fox saw", strict=True))
    )
    found = swap(tiny_gpt2, spelt, Span(3, 7, "fox"), "old fox")
    assert [piece.id for piece in found.passage.prompt] == [*letters[:3], *ids(tiny_gpt2, " old fox"), *letters[7:]]


@pytest.mark.parametrize("space", ["▁", "<another>"])
def test_a_tokenizer_that_brings_its_own_space_gets_none_twice(space: str, tiny_gpt2: LanguageModel) -> None:
    known = ("<unk>", "▁the", "▁fox", "▁saw", "▁a", "▁sea", space)
    spaced = Tokenizer(models.WordLevel({word: place for place, word in enumerate(known)}, known[0]))
    spaced.normalizer = normalizers.Prepend(" ")  # as Llama's: a space before whatever it reads, one of its own or not
    spaced.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    spaced.decoder = decoders.Metaspace()
    model = replace(tiny_gpt2, tokenizer=PreTrainedTokenizerFast(tokenizer_object=spaced, unk_token=known[0]))
    text = read_text(model, "the fox saw", "a sea saw")
    assert [piece.text for piece in text.prompt + text.completion] == ["the", " fox", " saw", " a", " sea", " saw"]
    for label, prompt, completion in (("fox", [1, 2, 3], [4, 2, 3]), ("sea", [1, 5, 3], [4, 5, 3])):
        written = label == "fox"
        found = swap(model, text, word(text, "sea" if written else "fox"), label)
        assert [[piece.id for piece in part] for part in (found.passage.prompt, found.passage.completion)] == [prompt, completion]


def test_a_deletion_keeps_a_line_end(tiny_gpt2: LanguageModel) -> None:
    text = read_text(tiny_gpt2, "The sea.\n\nThe fox saw", " the sea.\n\nThe fox laughed.")
    first, last = word(text, "The"), word(text, "The", last=True)
    assert "".join(swap(tiny_gpt2, text, first, "").text).startswith("sea.\n\nThe fox saw the")
    assert "".join(swap(tiny_gpt2, text, last, "").text).endswith("sea.\n\n fox laughed.")  # the tokens that follow stay what they are
    second = [span for span in axis(text).spans() if span.label == "The"][1]
    assert "".join(swap(tiny_gpt2, text, second, "").text).startswith("The sea.\n\nfox saw")


def test_ticks_tell_of_two_readings_and_may_stop_it(tiny_gpt2: LanguageModel) -> None:
    text, heard = read_text(tiny_gpt2, PROMPT, COMPLETION), []
    swap(tiny_gpt2, text, word(text, "fox"), "king", tick=heard.append)
    assert heard == [1, 1]

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swap(tiny_gpt2, text, word(text, "fox"), "king", tick=stop)


BAD: list[tuple[str, str, type[NarrativeError], str]] = [
    ("fox", "fox", ExplainError, "“fox” stands there already"),
    ("laughed", "\x07", PromptError, "U+0007"),
    ("fox", "\ud800", PromptError, "U+D800"),
    ("fox", "night " * 100, ExplainError, "Put fewer words there"),
]


@pytest.mark.parametrize(("old", "new", "error", "message"), BAD)
def test_words_that_cannot_be_put_there_are_refused(
    old: str, new: str, error: type[NarrativeError], message: str, tiny_model: LanguageModel, passage: Passage
) -> None:
    with pytest.raises(error) as raised:
        swap(tiny_model, passage, word(passage, old), new)
    assert message in str(raised.value)


def test_spans_that_cannot_be_swapped_are_refused(tiny_model: LanguageModel, passage: Passage) -> None:
    length = len(axis(passage).tokens)
    for start, stop, error, message in (
        (length - 1, length, ExplainError, "Nothing was written after these words"),
        (length - len(passage.completion) - 2, length - 2, ExplainError, "Choose words of one of the two"),
        (3, length + 1, SettingsError, f"of a text of {length}"), (4, 4, SettingsError, "4 to 4"), (-1, 2, SettingsError, "-1 to 2"),
    ):  # fmt: skip
        with pytest.raises(error) as raised:
            swap(tiny_model, passage, Span(start, stop, "x"), "king")
        assert message in str(raised.value)


def test_signs_are_no_words(tiny_t5: LanguageModel) -> None:
    text = read_text(tiny_t5, PROMPT, COMPLETION)
    for place in (len(text.prompt) - 1, len(text.prompt)):  # the encoder's end, the decoder's start
        with pytest.raises(ExplainError, match="is a sign of the model's"):
            swap(tiny_t5, text, Span(place, place + 1, axis(text).tokens[place].label), "king")


def test_a_text_needs_something_before_and_after_the_change(tiny_gpt2: LanguageModel) -> None:
    text = read_text(tiny_gpt2, "Once", COMPLETION)
    once = word(text, "Once")
    with pytest.raises(ExplainError, match="Nothing would be left of the prompt"):
        swap(tiny_gpt2, text, once, " \n")
    with pytest.raises(ExplainError, match="Nothing was written after the prompt"):
        swap(tiny_gpt2, replace(text, completion=()), Span(0, 1, "Once"), "Twice")
    alone = replace(text, prompt=())
    first = word(alone, "The")
    with pytest.raises(ExplainError, match="Nothing would be left before"):
        swap(tiny_gpt2, alone, first, "")


def test_another_models_draft_and_another_text_are_refused(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel) -> None:
    first = written(generate(tiny_gpt2, PROMPT, settings=replace(SETTINGS, drafts=1)))
    text = read_text(tiny_gpt2, PROMPT, COMPLETION)
    found: Swap = swap(tiny_gpt2, text, word(text, "night"), "wind")
    with pytest.raises(ExplainError, match="with other weights"):
        rewriting(tiny_llama, found, first)
    with pytest.raises(ExplainError, match="another text"):
        rewriting(tiny_gpt2, found, first)


def test_a_prompt_without_a_completion_can_be_asked_by_its_next_word(tiny_gpt2: LanguageModel) -> None:
    text = next_word(tiny_gpt2, read_text(tiny_gpt2, PROMPT)).passage
    found = swap(tiny_gpt2, text, word(text, "fox"), "king")
    assert len(found.tokens) == len(text.completion) > 0
