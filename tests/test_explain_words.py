"""explain.words: from tokens to words, sentences and marked passages, in any script, and the sums of signed scores; held against plain
arithmetic with characters."""
# ruff: noqa: RUF001, RUF003 - quotes and letters of all scripts are what this is about

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from tiny_models import t5_tokenizer, tiny_tokenizer

from explain.passage import Passage, pieces_of, read_text
from explain.question import GROUPINGS, Question, Target
from explain.words import Piece, Span, drawn_span, one_hot, pieces_as_spans, sentences_as_spans, summed, visible, words_as_spans
from narrative.models import LanguageModel, load_model

MIXED = "Mr. Smith’s café paid 3.14 pounds… “Who?” she said.\n\nA 🦊👩‍👩‍👧 and 你好。 שלום, مرحبا! สวัสดี"
TEXTS = (
    MIXED, "", "a", "🦊", "the the the", "one\n\ntwo\nthree", "  two  spaces. ", "\n\n", "ﬁnal naïve Ünïcödé",
    "می‌خواهم हिन्दी 한국어 ひらがな",
    "Don’t! ‘No.’ \"Yes?\" (Well.) [So…] «Oui.» „Ja.“", "1,000.50 U.S. e.g. ?!?! . . .", "👍🏽❤️🇩🇪🇫🇷", "a\r\nb\tc",
)  # fmt: skip


@pytest.fixture(scope="module")
def fable() -> LanguageModel:
    return load_model("fable-5m", device="cpu")


@pytest.fixture(scope="module", params=["fable", "bytes", "t5"])
def cut(request: pytest.FixtureRequest, fable: LanguageModel) -> Callable[[str], tuple[Piece, ...]]:
    """cut(text): its tokens as the shipped model's tokenizer, a tiny byte-level one, or T5's (which ends each text) makes them."""
    if request.param == "fable":
        words, other = fable.tokenizer, fable
    else:
        words = tiny_tokenizer() if request.param == "bytes" else t5_tokenizer()
        other = LanguageModel(request.param, fable.model, words, fable.kind, 512, "0" * 16, fable.card)
    return lambda text: pieces_of(other, words(text, verbose=False)["input_ids"])


def text_of(pieces: Sequence[Piece], span: Span | None = None) -> str:
    chosen = pieces if span is None else pieces[span.start : span.stop]
    return "".join(piece.text for piece in chosen)


def words(text: str, pieces: Sequence[Piece]) -> list[str]:
    assert text_of(pieces) == text
    return [span.label for span in words_as_spans(pieces)]


def split(pieces: Sequence[Piece], **more: Sequence[int]) -> list[str]:
    return [text_of(pieces, span) for span in sentences_as_spans(pieces, **more)]


def by_hand(*texts: str) -> tuple[Piece, ...]:
    """Tokens of these texts, whatever any tokenizer would say."""
    return tuple(Piece(number, text, text.strip() or "¶") for number, text in enumerate(texts))


# ---- round trips


@pytest.mark.parametrize("text", TEXTS)
def test_every_grouping_holds_each_token_once_and_its_texts_joined_are_the_text(cut: Callable[[str], tuple[Piece, ...]], text: str) -> None:
    pieces = cut(text)
    for group in (pieces_as_spans, words_as_spans, sentences_as_spans):
        spans = group(pieces)
        assert [place for span in spans for place in range(span.start, span.stop)] == list(range(len(pieces)))
        assert all(span.stop > span.start and span.label for span in spans)
        assert "".join(text_of(pieces, span) for span in spans) == text


@pytest.mark.parametrize("text", TEXTS)
def test_sentences_are_made_of_whole_words_and_words_of_whole_characters(cut: Callable[[str], tuple[Piece, ...]], text: str) -> None:
    pieces = cut(text)
    begins = {span.start for span in words_as_spans(pieces)}
    assert {span.start for span in sentences_as_spans(pieces)} <= begins
    for place, piece in enumerate(pieces[:-1]):  # a token without text is a part of the next one's character, unless it is a sign
        if not piece.text and not piece.label.startswith("<"):
            assert place + 1 not in begins


def test_no_group_reaches_over_a_border(cut: Callable[[str], tuple[Piece, ...]]) -> None:
    pieces = cut("The fox laughed. Then she ran home")
    for border in range(1, len(pieces)):
        for group in (words_as_spans, sentences_as_spans):
            assert border in {span.start for span in group(pieces, breaks=(border,))}


def test_nothing_gives_nothing() -> None:
    assert words_as_spans(()) == sentences_as_spans(()) == pieces_as_spans(()) == ()
    assert drawn_span((), 0, 10) is None
    assert summed(np.zeros((2, 0)), ()).shape == (2, 0)


def test_one_token_is_one_word_and_one_sentence() -> None:
    pieces = by_hand("Hi")
    assert words_as_spans(pieces) == sentences_as_spans(pieces) == pieces_as_spans(pieces) == (Span(0, 1, "Hi"),)


# ---- words of any script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("naïve café, Ünïcödé", ["naïve", "café", ",", "Ünïcödé"]),
        ("e\u0301te\u0301 is été", ["e\u0301te\u0301", "is", "été"]),  # accents as characters of their own
        ("Don’t, she’d and well-known", ["Don’t", ",", "she’d", "and", "well-known"]),
        ("“Go”, ‘no’ „ja“", ["“", "Go", "”", ",", "‘", "no’", "„", "ja", "“"]),  # the quote of no’ could be an apostrophe
        ("A 🦊 ran", ["A", "🦊", "ran"]),
        ("🦊🦊 ran", ["🦊", "🦊", "ran"]),
        ("👍🏽 ❤️ 👩‍👩‍👧 🇩🇪 x", ["👍🏽", "❤️", "👩‍👩‍👧", "🇩🇪", "x"]),  # several characters that are seen as one
        ("你好世界", ["你", "好", "世", "界"]),
        ("ひらがなとカナ", ["ひ", "ら", "が", "な", "と", "カ", "ナ"]),
        ("한국어 말", ["한국어", "말"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),  # a vowel sign goes with its letter
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שלום, עולם", ["שלום", ",", "עולם"]),
        ("مرحبا بالعالم؟", ["مرحبا", "بالعالم", "؟"]),
        ("می‌خواهم رفت", ["می‌خواهم", "رفت"]),  # with a zero-width non-joiner inside
        ("one\ntwo", ["one", "¶", "two"]),
        ("the the the", ["the", "the", "the"]),
        ("Привет, мир", ["Привет", ",", "мир"]),
    ],
)
def test_words_are_what_a_reader_calls_words(tiny_gpt2: LanguageModel, fable: LanguageModel, text: str, expected: list[str]) -> None:
    for model in (tiny_gpt2, fable):
        assert words(text, read_text(model, text, limit=64).sequence) == expected


def test_repeated_words_are_kept_apart(cut: Callable[[str], tuple[Piece, ...]]) -> None:
    pieces = cut("the fox and the fox")
    spans = [span for span in words_as_spans(pieces) if pieces[span.start].text]
    assert [span.label for span in spans] == ["the", "fox", "and", "the", "fox"]
    assert len({(span.start, span.stop) for span in spans}) == 5


def test_a_sign_is_a_word_of_its_own(cut: Callable[[str], tuple[Piece, ...]]) -> None:
    fox, sign = cut("The fox")[:2], Piece(0, "", "<s>")
    spans = words_as_spans((sign, *fox, sign))
    assert (spans[0].label, spans[-1].label) == ("<s>", "<s>")
    assert all(span.stop - span.start == 1 for span in (spans[0], spans[-1]))


def test_what_joins_without_being_seen_is_told_when_it_stands_alone() -> None:
    assert visible("می\u200cخواهم") == "می\u200cخواهم"
    assert [visible(text) for text in ("\u200d", "\ufe0f", "\u202e", "👩\u200d👧")] == ["\ufffd", "\ufffd", "\ufffd", "👩\u200d👧"]


# ---- sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He ran. She left! Why? So it went", ["He ran.", " She left!", " Why?", " So it went"]),
        ("It cost 3.14 pounds. He paid.", ["It cost 3.14 pounds.", " He paid."]),
        ("Mr. Smith paid.", ["Mr.", " Smith paid."]),  # as the function says: for a name only its reader knows
        ("The U.S. won. Yes.", ["The U.S.", " won.", " Yes."]),
        ("He said “No.” She left.", ["He said “No.”", " She left."]),
        ('He said "No." She left. "Why?"', ['He said "No."', " She left.", ' "Why?"']),
        ("(He left.) Why (oh why?) now", ["(He left.)", " Why (oh why?)", " now"]),
        ("„Ja.“ Er ging. «Oui.» Bon.", ["„Ja.“", " Er ging.", " «Oui.»", " Bon."]),
        ("Wait... what? No… Yes. . . . Go", ["Wait...", " what?", " No…", " Yes. . . .", " Go"]),
        ("What?! No!! Never.", ["What?!", " No!!", " Never."]),
        ("你好。我们走吧！好", ["你好。", "我们走吧！", "好"]),
        ("مرحبا. كيف؟ نعم", ["مرحبا.", " كيف؟", " نعم"]),
        ("A title\n\nOnce. The end.\nNew", ["A title", "\n\nOnce.", " The end.", "\nNew"]),
        ("line one\nline two", ["line one\nline two"]),
        ("He left.\n\n\nWhy", ["He left.", "\n\n\nWhy"]),
        ("He left.\n", ["He left.\n"]),
        ("A title\r\n\r\nOnce", ["A title", "\r\n\r\nOnce"]),
        ("...", ["..."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(tiny_gpt2: LanguageModel, fable: LanguageModel, text: str, expected: list[str]) -> None:
    for model in (tiny_gpt2, fable):
        assert split(read_text(model, text, limit=64).sequence) == expected


def test_sentences_are_the_same_however_the_text_is_cut() -> None:
    """Tokenizers differ in whether newlines, stops and quotes are one token or several."""
    cuts = (
        ("One", ".", "”", "\n", "\n", "Two", "?", "!", " Three"), ("One", ".”", "\n\n", "Two", "?!", " Three"),
        ("One", ".”\n\n", "Two", "?!", " ", "Three"), ("One.", "”\n", "\nTwo", "?", "! ", "Three"),
    )  # fmt: skip

    def begins_of(pieces: tuple[Piece, ...]) -> list[int]:
        return [len(text_of(pieces[: span.start]).strip()) for span in sentences_as_spans(pieces)]

    begins = [begins_of(by_hand(*one)) for one in cuts]
    assert all(len(one) == 3 for one in begins)
    assert begins == [begins[0]] * len(cuts)


def test_a_sentence_that_a_border_cuts_is_two() -> None:
    pieces = by_hand("He", " ran", ".", "”", " Why")
    assert split(pieces, breaks=(3,)) == ["He ran.", "” Why"]
    assert split(pieces) == ["He ran.”", " Why"]


# ---- marked passages


def characters(pieces: Sequence[Piece]) -> list[int]:
    """For each character of the text, the token that gives it."""
    return [number for number, piece in enumerate(pieces) for _ in piece.text]


@pytest.mark.parametrize("text", [MIXED, "the the the", "🦊 ran", "你好"])
def test_a_marked_passage_lands_on_the_tokens_of_its_characters(cut: Callable[[str], tuple[Piece, ...]], text: str) -> None:
    pieces = cut(text)
    owner = characters(pieces)
    for start in range(len(text)):
        for stop in range(start + 1, min(len(text), start + 7) + 1):
            span = drawn_span(pieces, start, stop)
            assert span is not None
            first = owner[start]
            while first and not pieces[first - 1].text and not pieces[first - 1].label.startswith("<"):
                first -= 1  # all the tokens of one character
            assert (span.start, span.stop) == (first, owner[stop - 1] + 1)
            assert text[start:stop] in text_of(pieces, span)


def test_a_word_marked_by_its_characters_is_that_word(cut: Callable[[str], tuple[Piece, ...]]) -> None:
    pieces = cut(MIXED)
    place = 0
    for span in words_as_spans(pieces):
        inside = text_of(pieces, span)
        if inside:
            assert drawn_span(pieces, place, place + len(inside)) == span
        place += len(inside)


def test_a_mark_of_nothing_is_none() -> None:
    pieces = by_hand("One", " two")
    for start, stop in ((2, 2), (3, 1), (7, 9), (-5, 0), (100, 200)):
        assert drawn_span(pieces, start, stop) is None
    assert drawn_span(pieces, -5, 1) == Span(0, 1, "One")
    assert drawn_span(pieces, 6, 100) == Span(1, 2, "two")


# ---- sums


@pytest.mark.parametrize("text", [MIXED, "One. Two? the the the"])
def test_sums_keep_the_total_exactly_for_every_grouping(cut: Callable[[str], tuple[Piece, ...]], text: str) -> None:
    pieces = cut(text)
    whole = np.random.default_rng(1).integers(-(2**40), 2**40, (3, len(pieces))) / 64  # sums of such are exact
    halves = Question(Passage("m", "f", "causal", pieces[:5], pieces[5:]), Target(5, len(pieces)))
    drawn = (Span(2, 5, "marked"), Span(len(pieces) - 2, len(pieces), "too"))
    groupings = [halves.spans(unit, drawn=marks) for unit in GROUPINGS for marks in ((), drawn)]
    for spans in groupings:
        found = summed(whole, spans)
        assert found.shape == (3, len(spans))
        assert (found.sum(-1) == whole.sum(-1)).all()
        by_loop = [[sum(row[place] for place in range(span.start, span.stop)) for span in spans] for row in whole]
        assert (found == np.array(by_loop)).all()


def test_sums_of_sums_are_the_sums(cut: Callable[[str], tuple[Piece, ...]]) -> None:
    """Tokens -> words -> sentences gives what tokens -> sentences does: signs are kept, nothing is averaged or made positive."""
    pieces = cut(MIXED)
    values = np.random.default_rng(2).integers(-1000, 1000, len(pieces)) / 64.0
    by_word, by_sentence = words_as_spans(pieces), sentences_as_spans(pieces)
    place = {span.start: number for number, span in enumerate(by_word)} | {len(pieces): len(by_word)}
    over = [Span(place[one.start], place[one.stop], one.label) for one in by_sentence]
    assert (summed(summed(values, by_word), over) == summed(values, by_sentence)).all()
    assert (summed(values, by_sentence) < 0).any() or (values >= 0).all()


def test_small_scores_are_summed_in_double_precision() -> None:
    values = np.array([2.0**24, 1.0, 1.0], dtype=np.float32)  # in float32 the ones would be lost
    found = summed(values, (Span(0, 3, "all"),))
    assert (found.dtype, found[0]) == (np.float64, 2.0**24 + 2)


def test_one_hot_marks_each_token_in_its_span() -> None:
    spans = (Span(0, 2, "a"), Span(2, 3, "b"))
    assert one_hot(spans, 3).tolist() == [[1, 0], [1, 0], [0, 1]]
    assert all(left.stop == right.start for left, right in pairwise(spans))
