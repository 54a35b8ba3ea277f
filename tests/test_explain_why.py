"""The panel "Why this word?" without a browser: what it says of a word, and when it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from made_words import made_importance

from explain.asking import WordDesk
from explain.tabs.why import MOST, NEAR, Why, draw, excerpt
from explain.word_views.shading import shade
from narrative.generation import Draft, GenerationSettings
from narrative.models import ModelCache
from narrative.store import Store
from narrative.studio import Studio
from narrative.tabs.shared import Owners

OWNER = "somebody"
LONG = ["Once", *(f" word{number:02}" for number in range(60)), " end"]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Store(tmp_path / "studio.db") as store:
        yield Studio(store, ModelCache())


@pytest.fixture
def panel(studio: Studio) -> Why:
    return Why(WordDesk(studio), studio, Owners(), model="")


@pytest.fixture
def draft(studio: Studio, tiny_gpt2_folder: Path) -> Draft:
    settings = GenerationSettings(max_new_tokens=12, drafts=1, seed=5)
    for _ in studio.write(OWNER, str(tiny_gpt2_folder), "There is a blue curtain", settings, stop=Event()):
        pass
    sheet = studio.store.current(OWNER)
    assert sheet is not None
    return sheet.drafts[0]


def answers(
    panel: Why, draft: Draft, *, turn: Any = 1, token: int = 4, clicked: bool = True, session: str = "page"
) -> list[dict[str, Any]]:
    given = {"sheet": "any", "draft": draft.id, "token": token, "turn": turn, "clicked": clicked}
    request = cast("gr.Request", SimpleNamespace(session_hash=session))
    return list(panel.answer(OWNER, given, request))


def test_the_answer_is_about_the_word_that_was_chosen(panel: Why, draft: Draft) -> None:
    answer = answers(panel, draft)[-1]
    assert answer["turn"] == 1
    assert answer["word"] in answer["sentence"]
    *before, word = answer["line"]
    assert word[4]
    assert not any(one and one[4] for one in before)
    assert word[0].strip() == answer["word"]
    assert draft.tokens[4].text.strip() in answer["word"]
    assert any(one and one[1] for one in before)


def test_an_older_question_is_left_unanswered(panel: Why, draft: Draft) -> None:
    assert answers(panel, draft, turn=7)
    assert answers(panel, draft, turn=6, token=8) == []
    assert answers(panel, draft, turn=6, token=8, session="another page")


def test_for_a_word_that_nobody_clicked_no_model_is_loaded(studio: Studio, draft: Draft) -> None:
    studio.models = ModelCache()
    panel = Why(WordDesk(studio), studio, Owners(), model="")
    assert answers(panel, draft, clicked=False) == [{"turn": 1, "hollow": True}]
    assert len(studio.models) == 0
    assert answers(panel, draft, turn=2)[-1]["sentence"]
    assert answers(panel, draft, turn=3, token=5, clicked=False)[-1]["sentence"], "by now it is at hand"


def test_a_word_of_a_model_that_is_gone_gets_a_sentence(studio: Studio, panel: Why, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "draft", lambda *_: Draft(**{**vars(draft), "model": "no-such-model"}))
    answer = answers(panel, draft)[-1]
    assert "no-such-model" in answer["trouble"]
    assert "line" not in answer


def test_a_word_with_nothing_before_it_gets_a_sentence(studio: Studio, panel: Why, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Draft(**{**vars(draft), "prompt": "", "prompt_ids": ()})
    monkeypatch.setattr(studio, "draft", lambda *_: alone)
    assert "nothing before it" in answers(panel, alone, token=0)[-1]["told"]


@pytest.mark.parametrize(("turn", "token"), [("first", 4), (None, 4), (1, 4000)])
def test_what_no_page_would_send_gets_a_sentence(panel: Why, draft: Draft, turn: Any, token: int) -> None:
    answer = answers(panel, draft, turn=turn, token=token)[-1]
    assert answer.get("trouble") or answer.get("told")


def test_the_word_the_end_before_it_and_the_strongest_of_the_rest_are_shown() -> None:
    scores = [0.0] * len(LONG)
    for place, score in {0: 0.1, 3: 0.9, 5: -1.0, 7: 0.8, 9: 0.7, 11: 0.75, 50: 0.2}.items():
        scores[place] = score
    words = shade(made_importance(scores, LONG)).words
    places = excerpt(words)
    near = [place for place in places if place > 20]
    assert near == list(range(near[0], len(LONG)))
    assert sum(len(LONG[place]) for place in near[:-1]) <= NEAR
    assert [place for place in places if place < 20] == [3, 5, 7, 11], f"the {MOST} strongest, for or against"


def test_what_is_left_out_is_told_by_a_gap() -> None:
    scores = [0.0] * len(LONG)
    scores[3] = 1.0
    line = draw(made_importance(scores, LONG))["line"]
    assert [None if word is None else word[0] for word in line[:3]] == [None, " word02", None]
    assert line.count(None) == 2
    short = draw(made_importance([0.2, 0.5, 0.0], ["A", " fox", " laughed"], prompt=1))["line"]
    assert [word[0] for word in short] == ["A", " fox", " laughed"]


def test_a_line_that_ends_is_shown_as_a_sign() -> None:
    line = draw(made_importance([0.2, 0.5, 0.1, 0.0], ["A", " fox", "\n", "He"], prompt=1))["line"]
    assert [word[0] for word in line] == ["A", " fox", "\n¶ ", "He"]
