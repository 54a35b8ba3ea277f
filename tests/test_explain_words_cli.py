"""`python -m explain words`: the map on stdout, the talk on stderr, targets as people write them, bad input in one line."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from explain.__main__ import main
from explain.asking import Ask
from explain.asking.desk import MOST_EXPLAINED
from explain.baselines import BASELINES
from explain.commands import words as command
from explain.commands.targets import find_target
from explain.importance import DIRECTIONS
from explain.method import MethodSettings
from explain.methods import METHODS, explain_words
from explain.passage import read_text
from explain.question import GROUPINGS, Question, Target, instead_of, next_word, whole
from explain.words import visible
from narrative.generation import Draft, GenerationSettings, generate
from narrative.home import database
from narrative.models import LanguageModel
from narrative.store import Store

CAPTURE = pytest.CaptureFixture[str]
PROMPT, COMPLETION = "The fox saw the old oak tree.", " The old fox saw the fox, and the old fox laughed."
HARM = "The fox </script><img src=x onerror=alert(1)> saw"
QUICK = ["--method", "ablation"]


@pytest.fixture(autouse=True)
def patient_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `main` sets for its own process is taken back after each test."""
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "error")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@pytest.fixture
def prompt(tiny_gpt2_folder: Path) -> list[str]:
    return ["--model", str(tiny_gpt2_folder), "--prompt", PROMPT]


@pytest.fixture
def text(prompt: list[str]) -> list[str]:
    return [*prompt, "--completion", COMPLETION]


def call(*arguments: str) -> int:
    """The exit status, also when argparse ends the process itself."""
    try:
        return main(["words", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def answer(capsys: CAPTURE, *arguments: str) -> Any:
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # one value, without NaN, and nothing beside it


def test_the_json_is_the_map_of_all_that_was_written(text: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    told = answer(capsys, *text, *QUICK)
    expected = explain_words(tiny_gpt2, whole(read_text(tiny_gpt2, PROMPT, COMPLETION)), method="ablation")
    assert told["words"] == [word.label for word in expected.words]
    assert np.allclose(told["scores"], expected.scores, atol=1e-6)
    assert told["target"] == COMPLETION.strip()
    assert (told["method"], told["unit"], told["contrast"], told["fingerprint"]) == ("ablation", "words", None, tiny_gpt2.fingerprint)
    assert (told["direction"], told["direction_means"]) == ("raises", DIRECTIONS["raises"])
    assert told["before"] == pytest.approx(expected.before, abs=1e-4)
    assert (told["baseline"], told["spread"], told["layers"]) == ("the average word", None, None)
    assert told["counted"] == expected.counted().tolist()
    assert (told["settings"], told["notes"]) == (MethodSettings().to_json(), [])
    assert "faithfulness" not in told


def test_the_share_of_the_prompt_and_of_the_models_own_text_is_told(text: list[str], capsys: CAPTURE) -> None:
    told = answer(capsys, *text, *QUICK, "--target", "laughed")
    weight = np.abs(told["scores"])
    own = weight[told["prompt_words"] :].sum() / weight.sum()
    assert told["words"][told["prompt_words"]] == "The"
    assert 0 < own < 1
    assert told["shares"] == {"prompt": pytest.approx(1 - own), "own": pytest.approx(own)}


def test_without_a_completion_the_next_word_is_explained(prompt: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    told = answer(capsys, *prompt)
    expected = next_word(tiny_gpt2, read_text(tiny_gpt2, PROMPT))
    assert told["target"] == expected.label
    assert told["method"] == Ask().method == "integrated gradients"
    assert told["checks"]["completeness_error"] < 0.01
    assert sum(told["scores"]) == pytest.approx(told["checks"]["sum"], abs=1e-6)


def test_a_target_against_another_word_is_the_difference_of_both(text: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    told = answer(capsys, *text, *QUICK, "--target", "laughed", "--contrast", "walked")
    passage = read_text(tiny_gpt2, PROMPT, COMPLETION)
    question = instead_of(tiny_gpt2, Question(passage, Target(*find_target(passage, "laughed"))), "walked")
    assert (told["target"], told["contrast"]) == ("laughed", "walked")
    assert np.allclose(told["scores"], explain_words(tiny_gpt2, question, method="ablation").scores, atol=1e-6)


# 1 The  2 fox  3 saw  4 the  5 old  6 oak  7 tree  8 .   9 The  10 old  11 fox  12 saw  13 the  14 fox  15 ,  16 and  17 the  18 old ...
TARGETS = [
    ("fox", 11, 11), ("fox#2", 14, 14), ("fox#3", 19, 19), ("the old", 17, 18), ("old fox", 10, 11), ("old fox#2", 18, 19), ("oak", 6, 6),
    ("old   oak tree.", 5, 8), ("fox, and", 14, 16), ("11:11", 11, 11), (" 5:7 ", 5, 7), ("laughed", 20, 20), ("8:9", 8, 9),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "first", "last"), TARGETS)
def test_targets_are_words_as_they_stand_or_their_numbers(wanted: str, first: int, last: int, tiny_gpt2: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, PROMPT, COMPLETION)
    words = whole(passage).spans()
    assert find_target(passage, wanted) == (words[first - 1].start, words[last - 1].stop)


def test_a_target_of_an_encoder_decoder_lies_in_what_it_wrote(tiny_t5: LanguageModel, tiny_t5_folder: Path, capsys: CAPTURE) -> None:
    arguments = ["--model", str(tiny_t5_folder), "--prompt", PROMPT, "--completion", COMPLETION]
    passage = read_text(tiny_t5, PROMPT, COMPLETION)
    words = whole(passage).spans()
    number = next(place for place, word in enumerate(words, 1) if word.label == "laughed")
    offset = len(passage.encoder)
    assert find_target(passage, f"{number}:{number}") == (words[number - 1].start - offset, words[number - 1].stop - offset)
    told = answer(capsys, *arguments, *QUICK, "--target", "laughed")
    assert told["words"][number - 1] == told["target"] == "laughed"
    for wanted, message in (("1:2", "only reads the first"), ("tree", "doesn't stand in what was written")):
        assert call(*arguments, "--target", wanted) == 2
        assert message in capsys.readouterr().err


def test_every_setting_is_an_option_and_what_is_listed_here_is_what_there_is() -> None:
    usual = MethodSettings()
    assert {*command.SETTINGS, command.LAYERS} == {one.name for one in fields(MethodSettings)}
    for name, (kind, told) in command.SETTINGS.items():
        assert type(getattr(usual, name)) is kind
        default = re.search(r"\(default: ([\d.]+)\)", told)
        assert default is None or kind(default[1]) == getattr(usual, name)
    assert set(METHODS) <= set(command.METHODS)
    assert (GROUPINGS, tuple(BASELINES), Ask().method) == (command.UNITS, command.BASELINES, command.DEFAULT)
    assert command.MOST == MOST_EXPLAINED
    parser = argparse.ArgumentParser()
    command.configure(parser)
    parsed = vars(parser.parse_args([]))
    assert all(parsed[name] is None for name in (*command.SETTINGS, command.LAYERS))


def test_settings_reach_the_method(text: list[str], capsys: CAPTURE) -> None:
    occlusion = ["--method", "occlusion", "--target", "laughed"]
    told = answer(capsys, *text, *occlusion, "--window", "5", "--unit", "pieces", "--baseline", "neutral")
    assert (told["settings"]["window"], told["unit"], told["baseline"]) == (5, "pieces", "“the”")
    assert told["scores"] != answer(capsys, *text, *occlusion, "--unit", "pieces", "--baseline", "neutral")["scores"]
    tunnel = ["--method", "input x gradient", "--target", "laughed", "--tunnel", "vargrad", "--tunnel-samples", "3", "--seed", "7"]
    told = answer(capsys, *text, *tunnel)
    assert (told["settings"]["tunnel"], told["settings"]["tunnel_samples"], told["settings"]["seed"]) == ("vargrad", 3, 7)
    assert told["direction"] == "high"


def test_sentences_are_a_unit_too(text: list[str], capsys: CAPTURE) -> None:
    assert answer(capsys, *text, *QUICK, "--target", "laughed", "--unit", "sentences")["words"][0] == PROMPT


@pytest.mark.parametrize("view", [["--csv"], ["--html"]])
def test_a_hostile_text_is_a_table_and_a_page_that_ask_no_host(
    view: list[str], tiny_gpt2_folder: Path, tmp_path: Path, capsys: CAPTURE
) -> None:
    file = tmp_path / "map"
    arguments = ["--model", str(tiny_gpt2_folder), "--prompt", HARM, "--completion", " the fox.", *QUICK, *view, str(file)]
    told = answer(capsys, *arguments)
    assert told["words"][:2] == ["The", "fox"]
    written = file.read_text(encoding="utf-8")
    if view == ["--csv"]:
        rows = list(csv.DictReader(io.StringIO(written)))
        assert [float(row["score"]) for row in rows] == pytest.approx(told["scores"], rel=1e-4, abs=1e-6)
        assert [row["side"] for row in rows].count("prompt") == told["prompt_words"]
    else:
        own = written.replace(get_plotlyjs(), "")
        assert own.lower().startswith("<!doctype html>")
        assert re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", own) is None
        assert "<img" not in own


def test_the_check_is_in_the_json_the_page_and_the_summary(text: list[str], tmp_path: Path, capsys: CAPTURE) -> None:
    checked = [*text, *QUICK, "--target", "fox#2", "--check"]
    told = answer(capsys, *checked, "--html", str(tmp_path / "map.html"))["faithfulness"]
    assert {measure["name"] for measure in told["measures"]} >= {"comprehensiveness", "sufficiency"}
    assert all(measure["better"] in {"higher", "lower"} for measure in told["measures"])
    assert set(told["agreement"]) == {"input x gradient"}
    assert told["measures"][0]["title"] in (tmp_path / "map.html").read_text(encoding="utf-8")
    assert call(*checked) == 0
    assert told["sentence"] in capsys.readouterr().out


def test_the_summary_names_the_words_that_did_most(text: list[str], capsys: CAPTURE) -> None:
    told = answer(capsys, *text, *QUICK, "--target", "laughed")
    assert call(*text, *QUICK, "--target", "laughed") == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].startswith("Why “laughed”? Ablation: ")
    strongest = told["words"][int(np.abs(told["scores"]).argmax())]
    assert lines[1].endswith(f"“{strongest}”")
    assert f"The numbers: {DIRECTIONS['raises']}. What stands in for a word: the average word." in lines
    assert "not proof of why" in printed.err


def test_a_draft_is_explained_by_its_id_and_a_long_text_is_cut_and_that_is_said(tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    generation = generate(tiny_gpt2, PROMPT, settings=GenerationSettings(drafts=1, max_new_tokens=6, seed=1))
    for _ in generation:
        pass
    draft: Draft = generation.drafts[0]
    with Store(database()) as store:
        store.put(store.new_owner(), [draft], label="somebody's")
    told = answer(capsys, "--draft", draft.id, *QUICK)
    assert told["target"] == visible(draft.text)
    short = answer(capsys, "--draft", draft.id, *QUICK, "--limit", "9")
    assert "At most 9 tokens" in short["notes"][0]
    assert len(short["words"]) < len(told["words"])


BAD = [
    (["--prompt", "x", "--method", "lme"], "Unknown method 'lme'. Choose one of: input x gradient"),
    (["--prompt", "x", "--unit", "letters"], "Unknown unit 'letters'. Choose one of: words, pieces, sentences"),
    (["--prompt", "x", "--baseline", "zero"], "Unknown baseline 'zero'"),
    (["--prompt", "x", "--target", " "], "--target is empty"),
    (["--prompt", "x", "--contrast", ""], "--contrast is empty"),
    (["--prompt", "x", "--steps", "0"], "The number of steps is 0; it must be a whole number from 1"),
    (["--prompt", "x", "--steps", "many"], "--steps"),
    (["--prompt", "x", "--tunnel", "fog"], "Unknown NoiseTunnel 'fog'"),
    (["--prompt", "x", "--tunnel", "vargrad", "--tunnel-noise", "nan"], "The noise is nan; it must be a number"),
    (["--prompt", "x", "--window", "2"], "Integrated Gradients has no use for --window"),
    (["--prompt", "x", "--tunnel-samples", "4"], "has no use for --tunnel-samples"),
    (["--prompt", "x", "--method", "gradient shap", "--tunnel", "smoothgrad"], "can't go through NoiseTunnel"),
    (["--prompt", "x", "--html", "nosuch/map.html"], "There is no folder 'nosuch'"),
    (["--prompt", " "], "The seed text is empty"),
    (["--prompt", "x\x00"], "U+0000"),
    (["--prompt", "The fox", "--limit", "1"], "The number of tokens to look at is 1"),
    (["--prompt", "x", "--draft", "y"], "leave --prompt and --completion out"),
    ([], "There is no text: give --prompt, or --draft"),
    (["--prompt", "The fox", "--target", "wolf"], "The target 'wolf' doesn't stand in the text"),
    (["--prompt", "The fox", "--target", "wolf " * 1000], "The target 'wolf wolf"),
    (["--prompt", "The fox", "--target", "fox#2"], "The target 'fox' stands there once: there is no number 2"),
    (["--prompt", "The fox", "--target", "fox#0"], "there is no number 0"),
    (["--prompt", "The fox", "--target", "2:1"], "The target is the words 2 to 1; this text has the words 1 to 2"),
    (["--prompt", "The fox", "--target", "1:99"], "this text has the words 1 to 2"),
    (["--prompt", "The fox", "--target", "The"], "The first token has nothing before it"),
    (["--prompt", "The fox saw", "--target", "saw", "--contrast", "saw"], "stands there already"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments)[:50] for arguments, _ in BAD])
def test_bad_input_is_exit_2_and_one_line_that_says_what_is_wrong(
    arguments: list[str], message: str, tiny_gpt2_folder: Path, capsys: CAPTURE
) -> None:
    assert call("--model", str(tiny_gpt2_folder), *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("python -m explain")
    assert len(printed.err) < 600
    assert message in printed.err


def test_an_interrupt_ends_without_a_map(text: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CAPTURE) -> None:
    def interrupted(stage: str, _: float) -> None:
        if "Ablation" in stage:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "show_stage", interrupted)
    assert call(*text, *QUICK, "--json", "--html", str(tmp_path / "map.html")) == 130
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "map.html").exists()


def test_help_answers_without_the_heavy_libraries() -> None:
    heavy = "'torch', 'transformers', 'gradio', 'numpy', 'plotly', 'captum'"
    code = (
        "import sys; from explain.__main__ import main\ntry: main(['words', '--help'])\n"
        f"finally: print([m for m in ({heavy}) if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.endswith("[]\n")
    told = " ".join(ended.stdout.split())
    assert all(name in told for name in METHODS)
    assert all(f"--{one.name.replace('_', '-')}" in told for one in fields(MethodSettings))
