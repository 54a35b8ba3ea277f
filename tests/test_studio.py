"""The studio without a page: what is written is in the store, whatever happens to whoever watches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrative.errors import NarrativeError, PromptError, SettingsError, StoreError, UnknownModelError
from narrative.example import EXAMPLE, load_example, write_example
from narrative.generation import GenerationSettings
from narrative.models import LanguageModel, ModelCache
from narrative.store import Sheet, Store
from narrative.studio import Progress, Run, Stage, Studio, brief

OWNER, STRANGER = "somebody", "somebody else"
SETTINGS = GenerationSettings(max_new_tokens=8, drafts=2, seed=5)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Store(tmp_path / "studio.db") as store:
        yield Studio(store, ModelCache())


@pytest.fixture
def name(tiny_gpt2_folder: Path) -> str:
    return str(tiny_gpt2_folder)


def finished(run: Run) -> Progress:
    moments = [moment for moment in run if isinstance(moment, Progress)]
    return moments[-1]


def written(studio: Studio, name: str, prompt: str = "Once upon a time", settings: GenerationSettings = SETTINGS) -> Sheet:
    progress = finished(studio.write(OWNER, name, prompt, settings, stop=threading.Event()))
    return studio.store.sheet(OWNER, progress.sheet)


def test_what_was_written_is_the_current_sheet(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    assert studio.store.current(OWNER) == sheet
    assert [draft.stopped is not None for draft in sheet.drafts] == [True, True]
    assert sheet.label == "Once upon a time"


def test_loading_is_told_in_stages_before_the_first_word(studio: Studio, name: str) -> None:
    moments = list(studio.write(OWNER, name, "Once", SETTINGS, stop=threading.Event()))
    kinds = [type(moment) for moment in moments]
    assert kinds[0] is Stage
    assert kinds == sorted(kinds, key=lambda kind: kind is Progress)


def test_drafts_only_grow_while_they_are_written(studio: Studio, name: str) -> None:
    settings = GenerationSettings(max_new_tokens=40, drafts=1, seed=5)
    before = ""
    for moment in studio.write(OWNER, name, "Once", settings, stop=threading.Event()):
        if isinstance(moment, Progress):
            assert moment.drafts[0].text.startswith(before)
            before = moment.drafts[0].text


def test_stop_keeps_the_partial_drafts(studio: Studio, name: str) -> None:
    stop = threading.Event()
    run = studio.write(OWNER, name, "Once", GenerationSettings(max_new_tokens=4000, drafts=1, seed=1), stop=stop)
    last: Progress | None = None
    for moment in run:
        if isinstance(moment, Progress):
            stop.set()
            last = moment
    assert last is not None
    kept = studio.store.sheet(OWNER, last.sheet).drafts[0]
    assert kept == last.drafts[0]
    assert 1 <= len(kept.tokens) < 4000
    assert kept.stopped is not None


def test_a_stop_before_the_first_word_stores_nothing_and_says_so(studio: Studio, name: str) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(PromptError, match="before the first word"):
        finished(studio.write(OWNER, name, "Once", SETTINGS, stop=stop))
    assert studio.store.tree(OWNER) == []


def test_a_closed_tab_leaves_its_drafts(studio: Studio, name: str) -> None:
    run = studio.write(OWNER, name, "Once", GenerationSettings(max_new_tokens=4000, drafts=1, seed=1), stop=threading.Event())
    moment = next(moment for moment in run if isinstance(moment, Progress))
    run.close()
    kept = studio.store.sheet(OWNER, moment.sheet).drafts[0]
    assert kept.tokens
    assert kept.stopped is not None


def test_a_branch_is_a_new_sheet_with_the_other_drafts_beside_it(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    old = sheet.drafts[1]
    token = old.tokens[2].alternatives[3].id
    progress = finished(studio.branch(OWNER, sheet.id, old.id, at=2, token=token, stop=threading.Event()))
    branch = studio.store.sheet(OWNER, progress.sheet)
    assert branch.parent == sheet.id
    assert branch.drafts[0] == sheet.drafts[0]
    assert branch.drafts[1].ids[:3] == (*old.ids[:2], token)
    assert branch.drafts[1].parent == old.id
    assert studio.store.sheet(OWNER, sheet.id) == sheet


def test_a_branch_near_the_end_still_gets_room(studio: Studio, name: str) -> None:
    sheet = written(studio, name, settings=GenerationSettings(max_new_tokens=30, drafts=1, seed=5))
    old = sheet.drafts[0]
    at = len(old.tokens) - 1
    progress = finished(studio.branch(OWNER, sheet.id, old.id, at=at, token=None, stop=threading.Event()))
    assert progress.drafts[0].settings.max_new_tokens == max(30, at + 30)
    assert progress.drafts[0].settings.seed != old.settings.seed


def test_again_draws_a_new_recorded_seed(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    progress = finished(studio.again(OWNER, sheet.id, sheet.drafts[0].id, stop=threading.Event()))
    assert progress.drafts[0].settings.seed != SETTINGS.seed
    assert progress.drafts[0].prompt == sheet.drafts[0].prompt
    assert progress.drafts[1] == sheet.drafts[1]


def test_go_on_continues_from_the_last_token(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    old = next(draft for draft in sheet.drafts if draft.stopped == "length")
    progress = finished(studio.go_on(OWNER, sheet.id, old.id, more=6, stop=threading.Event()))
    longer = next(draft for draft in progress.drafts if draft.parent == old.id)
    assert longer.ids[: len(old.ids)] == old.ids
    assert len(longer.ids) > len(old.ids)


def test_nobody_branches_from_the_drafts_of_others(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    with pytest.raises(StoreError):
        finished(studio.branch(STRANGER, sheet.id, sheet.drafts[0].id, at=0, token=None, stop=threading.Event()))
    assert studio.store.tree(STRANGER) == []


@pytest.mark.parametrize("at", [-1, 8, 10**9, "2", None])
def test_a_word_that_is_not_there_is_refused(studio: Studio, name: str, at: object) -> None:
    sheet = written(studio, name)
    with pytest.raises(SettingsError):
        finished(studio.branch(OWNER, sheet.id, sheet.drafts[0].id, at=at, token=None, stop=threading.Event()))  # type: ignore[arg-type]


def test_a_draft_of_another_sheet_is_refused(studio: Studio, name: str) -> None:
    one, other = written(studio, name), written(studio, name, "Another")
    with pytest.raises(SettingsError, match="no such draft"):
        finished(studio.again(OWNER, one.id, other.drafts[0].id, stop=threading.Event()))


def test_an_unknown_model_is_refused_and_nothing_is_stored(studio: Studio) -> None:
    with pytest.raises(UnknownModelError):
        finished(studio.write(OWNER, "no such model", "Once", SETTINGS, stop=threading.Event()))
    assert studio.store.current(OWNER) is None


def test_a_link_gives_a_copy_to_others_and_the_sheet_itself_to_its_owner(studio: Studio, name: str) -> None:
    sheet = written(studio, name)
    token = studio.store.link(OWNER, sheet.id)
    assert studio.follow(OWNER, token).id == sheet.id
    copy = studio.follow(STRANGER, token)
    assert [draft.text for draft in copy.drafts] == [draft.text for draft in sheet.drafts]
    assert {draft.id for draft in copy.drafts}.isdisjoint(draft.id for draft in sheet.drafts)
    assert copy.owner == STRANGER


def test_the_example_becomes_ones_own_when_something_is_done_with_it(studio: Studio, tiny_gpt2: LanguageModel, name: str) -> None:
    studio.models.get(name)
    studio.example = write_example(tiny_gpt2)
    first = studio.example[0]
    assert studio.draft(OWNER, first.id) is first
    progress = finished(studio.branch(OWNER, EXAMPLE, first.id, at=1, token=None, stop=threading.Event()))
    assert progress.drafts[0].ids[:1] == first.ids[:1]
    assert studio.store.tree(OWNER)[0].label == "The example"
    assert studio.sheet(OWNER, EXAMPLE).id == studio.sheet(OWNER, EXAMPLE).id
    assert studio.store.tree(STRANGER) == []


def test_an_example_that_was_written_is_found_at_the_next_start(tiny_gpt2: LanguageModel, narrative_home: Path) -> None:
    assert load_example(tiny_gpt2.name) == ()
    drafts = write_example(tiny_gpt2)
    assert load_example(tiny_gpt2.name) == drafts
    for path in (narrative_home / "examples").iterdir():
        path.write_text('{"drafts": [1, 2', encoding="utf-8")
    assert load_example(tiny_gpt2.name) == ()


def test_the_model_is_loaded_after_the_first_page_or_when_none_comes(
    studio: Studio, tiny_gpt2: LanguageModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    monkeypatch.setattr(studio.models, "get", lambda asked, **_: (loads.append(asked), tiny_gpt2)[1])
    monkeypatch.setattr("narrative.studio.studio.FIRST_PAGE", 30.0)
    studio.example = (finished(studio.write(OWNER, name, "Once", SETTINGS, stop=threading.Event())).drafts[0],)
    loads.clear()
    warm = threading.Thread(target=studio.warm_up, args=(name,))
    warm.start()
    warm.join(0.3)
    assert loads == []
    studio.page_opened()
    warm.join(10)
    assert loads == [name]
    monkeypatch.setattr("narrative.studio.studio.FIRST_PAGE", 0.05)
    Studio(studio.store, studio.models, example=studio.example).warm_up(name)
    assert loads == [name, name]


def test_a_sketch_for_a_program_stores_nothing(studio: Studio, name: str) -> None:
    *_, drafts = studio.sketch(name, "Once", SETTINGS)
    assert len(drafts) == 2
    with studio.store.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM drafts").fetchone()[0] == 0
    with pytest.raises(NarrativeError):
        list(studio.sketch(name, " ", SETTINGS))


def test_a_page_has_one_run_at_a_time_and_stop_reaches_it_while_it_waits(studio: Studio) -> None:
    runs = studio.runs
    assert runs.arm("page")
    assert not runs.arm("page")
    assert runs.arm("other page")
    assert runs.others("page") == 1
    assert runs.stop("page")
    assert runs.event("page").is_set()
    runs.release("page")
    assert not runs.stop("page")
    assert runs.arm("page")
    assert not runs.event("page").is_set()


def test_labels_are_short_and_on_one_line() -> None:
    assert brief("a\n b\tc") == "a b c"
    assert len(brief("word " * 1000)) <= 48
