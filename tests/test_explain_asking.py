"""The desk behind the Word importance tab: each question is worked out once, watched, stopped, and set beside others."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explain.asking import NEXT, SPAN, WHOLE, Ask, Text, WordDesk, Working
from explain.asking.background import in_background
from explain.asking.beside import beside
from explain.asking.saving import KINDS_OF_FILE, picture, saved
from explain.importance import WordImportance
from explain.method import MethodSettings
from explain.methods import METHODS
from explain.reading import Source
from narrative.errors import ExplainError, NarrativeError, PromptError, SettingsError
from narrative.generation import GenerationSettings, generate
from narrative.models import LanguageModel, ModelCache
from narrative.store import Store
from narrative.studio import Studio

TEXT, MORE = "There is a blue curtain in the room, and behind the curtain", " a door that the old fox never opened."
QUICK = Ask(method="input x gradient")


def finished(work: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WordDesk]:
    with Store(tmp_path / "studio.db") as store:
        yield WordDesk(Studio(store, ModelCache(capacity=4)))


@pytest.fixture
def text(desk: WordDesk, tiny_gpt2_folder: Path) -> Text:
    opened: Text = finished(desk.open(Source(str(tiny_gpt2_folder), None, TEXT, MORE)))
    return opened


def word(text: Text, label: str) -> Ask:
    span = next(span for span in text.words() if span.label == label)
    return replace(QUICK, aim=SPAN, start=span.start, stop=span.stop)


# ---- work in the background


def test_work_is_watched_and_its_result_comes_at_the_end() -> None:
    def work(tick: Callable[[int], None]) -> str:
        for _ in range(8):
            time.sleep(0.06)
            tick(1)
        return "done"

    results: list[str] = []

    def followed() -> Generator[Working, None, None]:
        results.append((yield from in_background(work, rows=8)))

    shares = [step.share for step in followed()]
    assert results == ["done"]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1


def test_more_rows_than_were_foreseen_never_make_it_look_done() -> None:
    def work(tick: Callable[[int], None]) -> None:
        tick(100)
        time.sleep(0.2)

    assert all(step.share < 1 for step in in_background(work, rows=5))


def test_closing_ends_the_work_at_its_next_row() -> None:
    ended = threading.Event()

    def work(tick: Callable[[int], None]) -> None:
        try:
            while True:
                time.sleep(0.01)
                tick(1)
        finally:
            ended.set()

    running = in_background(work, rows=1000)
    next(running)
    running.close()
    assert ended.wait(5)


def test_what_the_work_raises_is_raised_to_whoever_waits() -> None:
    def work(_: Callable[[int], None]) -> None:
        raise ExplainError("no such word")

    with pytest.raises(ExplainError, match="no such word"):
        finished(in_background(work, rows=1))


# ---- what is kept


def test_the_same_question_is_worked_out_once(desk: WordDesk, text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finished(desk.explain(text, QUICK))
    monkeypatch.setattr("explain.asking.desk.explain_words", lambda *_, **__: pytest.fail("it is known already"))
    assert finished(desk.explain(text, QUICK)) is first


@pytest.mark.parametrize(
    "change",
    [
        {"method": "saliency"}, {"unit": "pieces"}, {"baseline": "end"}, {"settings": MethodSettings(seed=2)},
        {"aim": SPAN, "start": 3, "stop": 4, "instead": "fox"},
        {"aim": SPAN, "start": 3, "stop": 4},
    ],
)  # fmt: skip
def test_another_question_is_another_answer(desk: WordDesk, text: Text, change: dict[str, Any]) -> None:
    first = finished(desk.explain(text, QUICK))
    other = finished(desk.explain(text, replace(QUICK, **change)))
    assert other is not first


def test_a_stopped_answer_is_not_kept(desk: WordDesk, text: Text) -> None:
    long = replace(QUICK, method="shapley", settings=MethodSettings(samples=2000))
    running = desk.explain(text, long)
    next(running)
    running.close()
    assert not desk.others(text, QUICK)
    finished(desk.explain(text, replace(QUICK, method="ablation")))
    assert [one.method for one in desk.others(text, QUICK)] == ["ablation"]


def test_other_maps_of_the_same_words_are_found_whatever_their_settings(desk: WordDesk, text: Text) -> None:
    for method in ("ablation", "saliency"):
        finished(desk.explain(text, replace(QUICK, method=method)))
    finished(desk.explain(text, replace(word(text, "door"), method="occlusion")))
    assert {one.method for one in desk.others(text, QUICK)} == {"ablation", "saliency"}


def test_every_method_has_its_price_before_it_is_asked(desk: WordDesk, text: Text) -> None:
    prices = desk.seconds(text, QUICK)
    assert set(prices) == set(METHODS)
    assert all(price > 0 for price in prices.values())
    assert prices["input x gradient"] < prices["shapley"]


# ---- targets


def test_the_chosen_word_the_whole_and_the_next_word(desk: WordDesk, text: Text) -> None:
    assert desk.question(text, word(text, "door")).label == "door"
    whole = desk.question(text, replace(QUICK, aim=WHOLE))
    assert whole.target.start == len(text.passage.prompt)
    following = desk.question(text, replace(QUICK, aim=NEXT))
    assert following.target.start == len(text.passage.sequence)


def test_a_contrast_is_part_of_the_question(desk: WordDesk, text: Text) -> None:
    asked = desk.question(text, replace(word(text, "door"), instead="window"))
    assert asked.instead_label == "window"


def test_marked_words_are_the_same_words_to_another_model(desk: WordDesk, text: Text, tiny_t5_folder: Path) -> None:
    marked = word(text, "old")
    other, ask = finished(desk.read_by(str(tiny_t5_folder), text, marked))
    assert other.passage.kind == "seq2seq"
    assert "old" in desk.question(other, ask).label


@pytest.mark.parametrize(
    "sent",
    [
        {"aim": "all"}, {"method": "guess"}, {"method": 3}, {"unit": "letters"}, {"baseline": "zero"}, {"start": -1}, {"start": "1"},
        {"settings": []}, {"settings": {"steps": 0}}, {"settings": {"tunnel_noise": float("nan")}}, {"settings": {"step": 4}},
    ],
)  # fmt: skip
def test_what_no_page_would_send_is_refused_with_a_sentence(sent: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Ask.of(sent)


def test_a_target_outside_the_text_and_an_empty_text_are_refused(desk: WordDesk, text: Text, tiny_gpt2_folder: Path) -> None:
    with pytest.raises(SettingsError, match="lie within"):
        finished(desk.explain(text, replace(QUICK, aim=SPAN, start=2, stop=4000)))
    with pytest.raises(PromptError):
        finished(desk.open(Source(str(tiny_gpt2_folder), None, "   ", MORE)))


# ---- side by side


def test_two_methods_are_set_side_by_side_with_their_agreement(desk: WordDesk, text: Text) -> None:
    one = finished(desk.explain(text, QUICK))
    ask = replace(QUICK, method="integrated gradients")
    compared = finished(beside(desk, desk.studio, "", text, QUICK, one, "method:ablation"))
    assert compared.other.method == "ablation"
    assert compared.agreement is not None
    assert f"{compared.agreement:.2f}" in compared.sentence
    assert compared.limit == pytest.approx(max(np.abs(one.scores).max(), np.abs(compared.other.scores).max()))
    assert finished(beside(desk, desk.studio, "", text, ask, one, "method:saliency")).limit is None


def test_two_models_are_set_side_by_side_on_the_same_text(desk: WordDesk, text: Text, tiny_llama_folder: Path) -> None:
    one = finished(desk.explain(text, QUICK))
    compared = finished(beside(desk, desk.studio, "", text, QUICK, one, f"model:{tiny_llama_folder}"))
    assert compared.other.question.passage.fingerprint != one.question.passage.fingerprint
    assert [span.label for span in compared.other.words] == [span.label for span in one.words]


def test_two_drafts_are_set_side_by_side_on_one_scale(desk: WordDesk, tiny_gpt2: LanguageModel) -> None:
    writing = generate(tiny_gpt2, "Once upon a time", settings=GenerationSettings(drafts=2, max_new_tokens=12, seed=4))
    list(writing)
    sheet = desk.studio.store.put("somebody", writing.drafts, label="two")
    text = finished(desk.open(Source(tiny_gpt2.name, sheet.drafts[0])))
    one = finished(desk.explain(text, QUICK))
    compared = finished(beside(desk, desk.studio, "somebody", text, QUICK, one, f"draft:{sheet.drafts[1].id}"))
    assert [piece.id for piece in compared.other.question.passage.completion] == list(sheet.drafts[1].ids)
    assert compared.limit is not None
    with pytest.raises(NarrativeError):
        finished(beside(desk, desk.studio, "somebody else", text, QUICK, one, f"draft:{sheet.drafts[1].id}"))


def test_nonsense_beside_a_map_is_refused(desk: WordDesk, text: Text) -> None:
    one = finished(desk.explain(text, QUICK))
    for wanted in ("moon:1", "method:guess"):
        with pytest.raises(SettingsError):
            finished(beside(desk, desk.studio, "", text, QUICK, one, wanted))


# ---- checks and files


def test_a_check_is_kept_until_another_map_can_be_held_against_it(desk: WordDesk, text: Text) -> None:
    first = finished(desk.check(text, QUICK))
    assert desk.checked(text, QUICK) is first
    assert finished(desk.check(text, QUICK)) is first
    finished(desk.explain(text, replace(QUICK, method="ablation")))
    again = finished(desk.check(text, QUICK))
    assert list(again.agreement) == ["ablation"]
    assert desk.checked(text, QUICK) is again


@pytest.mark.parametrize("what", KINDS_OF_FILE)
def test_every_kind_of_file_is_made_of_what_is_shown(desk: WordDesk, text: Text, what: str) -> None:
    file = saved(text, QUICK, what=what, compare=(desk, desk.studio, "", ""))
    assert file.name.startswith("words-")
    assert "/" not in file.name
    assert len(file.data) > 200


def test_the_table_holds_the_scores_of_the_map(desk: WordDesk, text: Text) -> None:
    importance: WordImportance = finished(desk.explain(text, QUICK))
    table = saved(text, QUICK, what="csv", compare=(desk, desk.studio, "", "")).data.decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [float(row["score"]) for row in rows] == pytest.approx(importance.scores.tolist(), rel=1e-5, abs=1e-9)


def test_the_picture_is_an_svg_of_its_own_size(desk: WordDesk, text: Text) -> None:
    drawn = picture(text, QUICK, compare=(desk, desk.studio, "", ""), dark=True)
    assert drawn["svg"].startswith("<svg")
    assert f'width="{drawn["width"]:g}"' in drawn["svg"]


def test_a_word_cannot_stand_in_for_all_that_was_written(text: Text) -> None:
    with pytest.raises(PromptError, match="Choose the word or words"):
        text.question(replace(QUICK, instead="fox"))


def test_a_noise_tunnel_set_for_one_method_does_not_bar_another(desk: WordDesk, text: Text) -> None:
    through = replace(word(text, "door"), method="gradient shap", settings=MethodSettings(tunnel="smoothgrad"))
    assert finished(desk.explain(text, through)).settings["tunnel"] == ""
    assert desk.seconds(text, through)["gradient shap"] > 0
