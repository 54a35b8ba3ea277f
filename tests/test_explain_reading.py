"""The desk behind the Attention tab: a passage is captured once, and every view, table and answer is made of that."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explain.passage import MOST_SHOWN
from explain.reading import VIEWS, Desk, Look, Opened, Source, about_word, desk, draw_picture
from explain.reading.mattering import part_of, target_of
from explain.reading.saving import KINDS_OF_FILE, saved
from explain.results import CROSS, DECODER, ENCODER
from narrative.errors import ExplainError, PromptError, SettingsError
from narrative.generation import Draft, GenerationSettings, generate
from narrative.models import LanguageModel, ModelCache
from narrative.store import Store
from narrative.studio import Stage, Studio

TEXT, MORE = "There is a blue curtain in the room, and behind the curtain", " a door that the old fox never opened."


def finished(work: Generator[Stage, None, Any]) -> Any:
    stages: Iterator[Stage] = work
    while True:
        try:
            next(stages)
        except StopIteration as end:
            return end.value


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Desk]:
    with Store(tmp_path / "studio.db") as store:
        yield Desk(Studio(store, ModelCache(capacity=4)))


@pytest.fixture
def opened(table: Desk, tiny_gpt2_folder: Path) -> Opened:
    result: Opened = finished(table.open(Source(str(tiny_gpt2_folder), None, TEXT, MORE)))
    return result


def written(model: LanguageModel, tokens: int = 12) -> Draft:
    generation = generate(model, "Once upon a time", settings=GenerationSettings(drafts=1, max_new_tokens=tokens, seed=4))
    list(generation)
    return generation.drafts[0]


def test_a_passage_is_captured_once(table: Desk, tiny_gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(str(tiny_gpt2_folder), None, TEXT, MORE)
    first = finished(table.open(source))
    monkeypatch.setattr(desk, "capture", lambda *_: pytest.fail("it was captured already"))
    assert finished(table.open(source)) is first


def test_only_the_last_few_passages_are_kept(table: Desk, tiny_gpt2_folder: Path) -> None:
    for number in range(desk.KEPT + 3):
        finished(table.open(Source(str(tiny_gpt2_folder), None, f"The fox number {number}")))
    assert len(table._open) == desk.KEPT


def test_a_draft_that_its_own_model_reads_needs_no_note(table: Desk, tiny_gpt2: LanguageModel, tiny_llama_folder: Path) -> None:
    draft = written(tiny_gpt2)
    own = finished(table.open(Source(tiny_gpt2.name, draft)))
    assert own.notes == ()
    assert [piece.id for piece in own.passage.completion] == list(draft.ids)
    other = finished(table.open(Source(str(tiny_llama_folder), draft)))
    assert "was written by" in other.notes[0]
    assert [piece.id for piece in other.passage.completion] == list(draft.ids)
    changed = finished(table.open(Source(tiny_gpt2.name, replace(draft, fingerprint="0" * 16))))
    assert "have changed since" in changed.notes[0]


def test_a_text_that_is_too_long_is_cut_and_said(table: Desk, tiny_t5_folder: Path, tiny_gpt2_folder: Path) -> None:
    for folder in (tiny_gpt2_folder, tiny_t5_folder):
        long = finished(table.open(Source(str(folder), None, "the fox " * 200)))
        assert len(long.passage.prompt) <= MOST_SHOWN
        assert any("left out" in note for note in long.notes)


@pytest.mark.parametrize("view", [name for name in VIEWS if name != "difference"])
def test_every_view_is_a_page_or_a_figure_with_a_sentence_and_a_table(opened: Opened, view: str) -> None:
    picture = draw_picture(opened, Look(view=view, layer=1, head=2))
    assert bool(picture.page) != (picture.figure is not None)
    assert picture.sentence.endswith(".")
    assert picture.csv().count("\n") > 10
    assert picture.html().lstrip().lower().startswith("<!doctype html>")


def test_a_look_fits_itself_to_a_smaller_model(opened: Opened) -> None:
    look = Look(layer=11, head=11, place=5000).fitted(opened.map(Look()))
    assert (look.layer, look.head, look.place) == (1, 3, len(opened.passage.sequence) - 1)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"view": "pie"}, "Choose one of: head, model"),
        ({"unit": "letters"}, "Choose one of: pieces, words"),
        ({"layer": -1}, "layer"),
        ({"head": 1.5}, "head"),
        ({"place": "x"}, "chosen word"),
        ({"hide_sink": "yes"}, "'hide_sink'"),
        ({"kind": "half"}, "Choose one of: zero, mean"),
        ({"watched": "all"}, "Choose one of: word, written"),
    ],
)
def test_what_no_page_would_send_is_refused_in_words(data: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Look.of(data)


def test_the_chosen_word_tells_its_heads_and_its_lens(opened: Opened) -> None:
    assert about_word(opened, Look()) is None
    word = opened.words.map().queries[4]
    report = about_word(opened, Look(place=word.start))
    assert report is not None
    assert report.span == word
    assert report.lens is not None
    assert report.lens.place == report.span.start
    assert len(report.lens.layers) == 3
    first = about_word(opened, Look(place=0))
    assert first is not None
    assert first.lens is None
    assert first.why_no_lens


def test_parts_of_an_encoder_decoder_can_be_chosen(table: Desk, tiny_t5_folder: Path) -> None:
    both: Opened = finished(table.open(Source(str(tiny_t5_folder), None, TEXT, MORE)))
    assert both.map(Look()).name == DECODER
    for part in (ENCODER, DECODER, CROSS):
        look = Look(part=part, place=3)
        assert both.map(look).name == part
        assert part_of(both, look) == part
        assert draw_picture(both, look).page
    told = about_word(both, Look(part=ENCODER, place=3))
    assert told is not None
    assert "reads and does not write" in told.why_no_lens
    assert both.map(Look(part="self")).name == DECODER  # what another model had
    with pytest.raises(ExplainError, match="adds a bias"):
        draw_picture(both, Look(view="neuron"))


def test_what_is_watched(opened: Opened) -> None:
    passage = opened.passage
    target, words = target_of(opened, Look(watched="written"))
    assert (target.start, target.stop, words) == (passage.written_from, len(passage.sequence), "what was written")
    word = opened.words.map().queries[4]
    target, words = target_of(opened, Look(place=word.start))
    assert (target.start, target.stop) == (word.start, word.stop)
    assert word.label in words
    for look, told in ((Look(), "Choose a word"), (Look(place=0), "Nothing stands before")):
        with pytest.raises(ExplainError, match=told):
            target_of(opened, look)


def test_a_survey_is_worked_out_once(opened: Opened) -> None:
    target, _ = target_of(opened, Look(watched="written"))
    first = list(opened.survey(part="self", kind="zero", target=target))
    assert [result.done for result in first] == [1, 2]
    again = list(opened.survey(part="self", kind="zero", target=target))
    assert again == [first[-1]]


def test_two_models_on_one_text(table: Desk, opened: Opened, tiny_gpt2_folder: Path, tiny_neo_folder: Path) -> None:
    same = finished(table.compared(opened, str(tiny_gpt2_folder), look=Look()))
    assert np.abs(same.distance).max() == 0
    other = finished(table.compared(opened, str(tiny_neo_folder), look=Look(unit="pieces")))
    assert other.distance.min() > 0
    picture = draw_picture(opened, Look(view="difference", layer=1, head=0, unit="pieces"), compared=other)
    assert "looks there more" in picture.sentence
    assert picture.csv().count("\n") > 10


def test_every_kind_of_file_can_be_saved(opened: Opened) -> None:
    look = Look(place=4, view="heatmap")
    for what, (ending, media_type, _) in KINDS_OF_FILE.items():
        file = saved(opened, look, what=what)
        assert file.data
        assert (file.name.endswith(f".{ending}"), file.media_type) == (True, media_type)
        assert "/" not in file.name
    with pytest.raises(SettingsError, match="Choose one of: html, csv"):
        saved(opened, look, what="exe")


def test_nothing_to_read_is_told(table: Desk, tiny_gpt2_folder: Path) -> None:
    with pytest.raises(PromptError, match="empty"):
        finished(table.open(Source(str(tiny_gpt2_folder), None, " ")))
