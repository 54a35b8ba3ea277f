"""The `narrative` command: stdout is the answer, stderr the talk, and bad input is one line and exit 2."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from narrative import __version__
from narrative.cli import COMMANDS, main
from narrative.commands.options import field_docstrings
from narrative.commands.output import clean
from narrative.corpus import write_corpus
from narrative.formats import Record
from narrative.generation import Generation, GenerationSettings, Step, generate
from narrative.models import LanguageModel
from narrative.training import Architecture, TrainingSettings

PROMPT = "There is a blue curtain."
CAPTURE = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def patient_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `main` sets for its own process is taken back after each test."""
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "error")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@pytest.fixture
def writer(tiny_gpt2_folder: Path) -> list[str]:
    return ["--model", str(tiny_gpt2_folder), "--max-new-tokens", "12"]


@pytest.fixture
def published(publish: Callable[..., Path], tiny_gpt2_folder: Path) -> None:
    """A model by the name of "tiny"."""
    publish(tiny_gpt2_folder, "tiny")


def call(*arguments: str) -> int:
    """The exit status, also when argparse ends the process itself."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def answer(capsys: CAPTURE, *arguments: str) -> Any:
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)  # one value and nothing beside it


def tales(name: str, *, count: int = 40) -> None:
    draw = random.Random(name)
    sides = [
        [
            Record(f"{side}{number}", side, "", "", " ".join(draw.choices(("fox", "sea", "door", "old", "and"), k=30)))
            for number in range(count)
        ]
        for side in ("learned", "held back")
    ]
    write_corpus(name, train=sides[0], test=sides[1], origin="made up", licence="CC0-1.0")


def test_drafts_are_those_of_the_library_with_every_probability(writer: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    printed = answer(capsys, "generate", PROMPT, *writer, "--seed", "1")["drafts"]
    generation = generate(tiny_gpt2, PROMPT, settings=GenerationSettings(max_new_tokens=12, seed=1))
    for _ in generation:
        pass
    assert len(printed) == 3
    assert len({draft["text"] for draft in printed}) == 3
    for one, draft in zip(printed, generation.drafts, strict=True):
        assert one["text"] == draft.text
        assert one["perplexity"] == pytest.approx(draft.perplexity)
        assert one["stopped"] == draft.stopped
        assert [token["rank"] for token in one["tokens"]] == [token.rank for token in draft.tokens]
        assert [token["logprob"] for token in one["tokens"]] == pytest.approx([token.logprob for token in draft.tokens])
        assert {len(token["alternatives"]) for token in one["tokens"]} == {10}
        assert set(one["tokens"][0]["alternatives"][0]) == {"id", "text", "logprob"}


def test_the_same_call_prints_the_same_bytes(writer: list[str], capsys: CAPTURE) -> None:
    arguments = ["generate", PROMPT, *writer, "--seed", "1", "--json"]
    first, second = (main(arguments) or capsys.readouterr().out for _ in range(2))
    assert first == second
    assert main([*arguments, "--seed", "2"]) == 0
    assert capsys.readouterr().out != first


def test_the_shipped_model_writes_three_drafts_and_the_same_ones_in_another_process(capsys: CAPTURE) -> None:
    arguments = ["generate", PROMPT, "--drafts", "3", "--seed", "1", "--json"]
    assert main(arguments) == 0
    here = capsys.readouterr().out
    command = [sys.executable, "-m", "narrative.cli", *arguments]
    there = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()
    texts, again = ([draft["text"] for draft in json.loads(printed)["drafts"]] for printed in (here, there))
    assert texts == again
    assert len(set(texts)) == 3
    assert all(len(text.split()) > 20 for text in texts)


def test_every_setting_arrives_under_its_own_name(writer: list[str], capsys: CAPTURE) -> None:
    wanted = {
        "strategy": "top-k",
        "temperature": 0.7,
        "top_k": 7,
        "top_p": 0.5,
        "repetition_penalty": 1.2,
        "max_new_tokens": 3,
        "drafts": 2,
        "seed": 9,
    }
    assert set(wanted) == {field.name for field in fields(GenerationSettings)}
    options = [text for name, value in wanted.items() for text in ("--" + name.replace("_", "-"), str(value))]
    drafts = answer(capsys, "generate", PROMPT, *writer, *options)["drafts"]
    assert [draft["settings"] for draft in drafts] == [wanted] * 2


def test_text_is_prompt_and_draft_with_a_rule_between_several(writer: list[str], capsys: CAPTURE) -> None:
    expected = [draft["text"] for draft in answer(capsys, "generate", PROMPT, *writer, "--drafts", "2")["drafts"]]
    assert main(["generate", PROMPT, *writer, "--drafts", "2"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count(PROMPT) == 2
    assert [line.strip("- ") for line in printed.out.splitlines() if line.startswith("--- ")] == ["1 of 2", "2 of 2"]
    assert all(PROMPT + clean(text) in printed.out for text in expected)
    assert printed.err.count("perplexity") == 2


def test_one_draft_streams_to_a_terminal_and_is_the_same_text(writer: list[str], capsys: CAPTURE, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["generate", PROMPT, *writer, "--drafts", "1"]
    assert main(arguments) == 0
    whole = capsys.readouterr().out
    pieces = []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(
        "builtins.print", lambda text="", **how: pieces.append(str(text) + str(how.get("end", "\n"))) if "file" not in how else None
    )
    assert main(arguments) == 0
    assert "".join(pieces) == whole
    assert len(pieces) > 5


def test_a_dash_reads_the_prompt_from_standard_input(writer: list[str], capsys: CAPTURE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("“Une forêt”, \xff\n".encode("latin-1", "replace") + b"\n")))
    prompts = {draft["prompt"] for draft in answer(capsys, "generate", "-", *writer)["drafts"]}
    assert prompts == {"?Une for\N{REPLACEMENT CHARACTER}t?, \N{REPLACEMENT CHARACTER}\n"}


def test_a_prompt_longer_than_the_model_reads_is_continued_with_a_warning(writer: list[str], capsys: CAPTURE) -> None:
    assert main(["generate", "a fox and the sea " * 40, *writer, "--json"]) == 0
    printed = capsys.readouterr()
    dropped = json.loads(printed.out)["drafts"][0]["dropped"]
    assert dropped > 0
    assert f"no longer saw the first {dropped:,} tokens" in printed.err


def test_control_characters_of_a_model_never_reach_the_terminal(writer: list[str], capsys: CAPTURE) -> None:
    assert main(["generate", PROMPT, *writer, "--max-new-tokens", "60", "--temperature", "10", "--drafts", "8"]) == 0
    assert not [letter for letter in capsys.readouterr().out if ord(letter) < 32 and letter not in "\n\t"]


def test_an_interrupt_ends_the_writing_and_prints_what_is_there(
    writer: list[str], capsys: CAPTURE, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Generation.__iter__

    def interrupted(self: Generation) -> Iterator[Step]:
        for step in steps(self):
            if step.index == 2:
                os.kill(os.getpid(), signal.SIGINT)
            yield step

    monkeypatch.setattr(Generation, "__iter__", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert main(["generate", PROMPT, *writer, "--json"]) == 130
    drafts = json.loads(capsys.readouterr().out)["drafts"]
    assert [len(draft["tokens"]) for draft in drafts] == [3, 3, 3]
    assert {draft["stopped"] for draft in drafts} == {"asked"}
    assert signal.getsignal(signal.SIGINT) is before


BAD = [
    (["generate", ""], "The seed text is empty"),
    (["generate", " \n "], "The seed text is empty"),
    (["generate", "a\0b"], "U+0000"),
    (["generate", "x" * 1_000_000], "1,000,000 characters; at most"),
    (["generate", "x", "--temperature", "nan"], "Temperature is nan; it must be a number more than 0"),
    (["generate", "x", "--temperature", "0"], "'greedy'"),
    (["generate", "x", "--temperature", "-1"], "Temperature is -1.0"),
    (["generate", "x", "--temperature", "hot"], "Temperature is 'hot'; it must be a number more than 0"),
    (["generate", "x", "--top-p", "0"], "Top-p is 0.0; it must be a number more than 0 and at most 1"),
    (["generate", "x", "--top-p", "1.5"], "Top-p is 1.5"),
    (["generate", "x", "--top-k", "0"], "Top-k is 0; it must be a whole number from 1"),
    (["generate", "x", "--drafts", "2.5"], "Drafts is '2.5'; it must be a whole number from 1 to 16"),
    (["generate", "x", "--strategy", "best"], "Unknown strategy 'best'. Choose one of: greedy, top-k, nucleus"),
    (["generate", "x", "--model", "nosuch"], "'nosuch'. Here are: "),
    (["generate", "x", "--tempo", "3"], "--tempo"),
    (["generate", "x", "--temperature"], "--temperature"),
    (["generate"], "PROMPT"),
    (["write", "x"], "'write' (choose from"),
    ([], "COMMAND"),
    (["corpus"], "ACTION"),
    (["corpus", "show", "nosuch"], "No corpus 'nosuch'"),
    (["corpus", "build", "--name", "x"], "PATH"),
    (["corpus", "build", "x.txt"], "--name"),
    (["corpus", "build", "x.txt", "--name", "../x"], "'../x' can't be a corpus name"),
    (["corpus", "build", "x.txt", "--name", "tales"], "There is a corpus 'tales' already"),
    (["corpus", "build", "x.txt", "--name", "x", "--quality", "high"], "Quality is 'high'; it must be a number from 0 to 1"),
    (["corpus", "build", "x.txt", "--name", "x", "--without", "commas"], "Unknown cleaning rule 'commas'. Choose one of: mojibake"),
    (["corpus", "build", "x.txt", "--name", "x", "--notes", "burn"], "Unknown notes 'burn'. Choose one of: place, drop"),
    (["corpus", "build", "x.txt", "--name", "x", "--tokenizer", "nosuch"], "'nosuch'. Here are: "),
    (["train", "--base", "tiny"], "at least one corpus"),
    (["train", "--corpus", "nosuch", "--base", "tiny"], "No corpus 'nosuch'. Here are: tales"),
    (["train", "--corpus", "tales"], "needs a base model"),
    (["train", "--corpus", "tales", "--base", "nosuch"], "'nosuch'. Here are: "),
    (["train", "--corpus", "tales:nan", "--base", "tiny"], "The weight of corpus 'tales' is nan"),
    (["train", "--corpus", "tales", "--base", "tiny", "--layers", "3"], "--layers: only with --method scratch"),
    (["train", "--corpus", "tales", "--method", "scratch", "--name", "../x"], "Job name '../x' must be"),
    (["train", "--corpus", "tales", "--method", "scratch", "--heads", "3"], "can't be shared out among 3 heads"),
    (["train", "--resume", "nosuch"], "There is no job 'nosuch'"),
    (["train", "--corpus", "tales", "--preset", "best"], "Unknown preset 'best'. Choose one of: house style, lora, scratch"),
    (["train", "--corpus", "tales", "--preset", "lora"], "needs a base model"),
    (["train", "--corpus", "tales", "--preset", "lora", "--base", "tiny", "--size", "5m"], "--size: only with --method scratch"),
    (["train", "--corpus", "tales", "--method", "scratch", "--size", "huge"], "Unknown size 'huge'. Choose one of: 5m, 30m"),
    (["train", "--corpus", "tales", "--base", "tiny", "--gradient-checkpointing", "yes"], "yes"),
    (
        ["train", "--corpus", "tales", "--base", "tiny", "--method", "lora", "--lora-rank", "0"],
        "Lora rank is 0; it must be a whole number from 1",
    ),
    (["jobs"], "ACTION"),
    (["jobs", "show"], "JOB"),
    *(
        (["jobs", action, "nosuch"], "There is no job 'nosuch'. There are none yet.")
        for action in ("show", "log", "stop", "resume", "delete")
    ),
    (["jobs", "delete", "../tales"], "There is no job '../tales'"),
    (["publish", "nosuch"], "There is no job 'nosuch'"),
    (["publish", "nosuch", "--public"], "--public is for the hub"),
    (["train", "--resume", "nosuch", "--epochs", "3"], "Leave the other settings out"),
]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments)[:50] for arguments, _ in BAD])
def test_bad_input_is_exit_2_and_one_line_that_says_what_is_wrong(arguments: list[str], message: str, capsys: CAPTURE) -> None:
    tales("tales", count=1)
    assert call(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("narrative")
    assert message in printed.err
    assert "Traceback" not in printed.err


def test_only_errors_raised_on_purpose_are_made_into_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr("narrative.commands.models.catalogue", broken)
    with pytest.raises(ZeroDivisionError):
        main(["models"])


@pytest.mark.usefixtures("published")
def test_models_are_listed_with_their_cards(capsys: CAPTURE) -> None:
    tiny = next(card for card in answer(capsys, "models")["models"] if card["name"] == "tiny")
    assert (tiny["layers"], tiny["width"], tiny["here"], tiny["origin"]) == (2, 32, True, "published")
    assert main(["models"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if " published" in line] == ["tiny"]


def test_a_corpus_is_shown_with_its_sides(capsys: CAPTURE) -> None:
    tales("tales")
    shown = answer(capsys, "corpus", "show", "tales")
    assert shown["files"] == [
        {"path": "learned", "status": "read", "reason": None, "split": "train"},
        {"path": "held back", "status": "read", "reason": None, "split": "test"},
    ]
    assert (shown["records"], shown["words"], shown["train"]["words"]) == (80, 2400, 1200)
    assert len(shown["fingerprint"]) == 64
    assert main(["corpus", "show", "tales"]) == 0
    assert "1 sources, 40 records, 1,200 words" in capsys.readouterr().out


def test_a_corpus_is_built_from_files_and_its_report_is_one_json_value(tmp_path: Path, capsys: CAPTURE) -> None:
    (tmp_path / "books").mkdir()
    for number in range(3):
        text = "\n\n".join(f"Chapter {n}\n\nIt was year {number} of the fox, day {n}, and {'she ran on ' * 20}." for n in range(20))
        (tmp_path / "books" / f"{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "books" / "junk.pdf").write_bytes(b"%PDF-1.4 cut")
    arguments = ["corpus", "build", str(tmp_path / "books"), "--name", "foxes", "--duplicates", "0", "--without", "blank lines,hard wraps"]
    report = answer(capsys, *arguments)
    assert [(file["path"], file["status"]) for file in report["files"]] == [
        ("0.txt", "read"), ("1.txt", "read"), ("2.txt", "read"), ("junk.pdf", "refused"),
    ]  # fmt: skip
    assert report["files"][3]["reason"]
    assert report["words"] == sum(file["words"] for file in report["files"]) == report["train"]["words"] + report["test"]["words"]
    assert "hard wraps" not in report["settings"]["rules"]
    assert answer(capsys, "corpus", "show", "foxes") == report
    assert main(["corpus", "show", "foxes"]) == 0
    assert "junk.pdf: refused" in capsys.readouterr().out


def test_help_answers_without_the_heavy_libraries() -> None:
    heavy = "'torch', 'transformers', 'gradio', 'numpy'"
    code = f"import sys; from narrative.cli import main\ntry: main(['--help'])\nfinally: print([m for m in ({heavy}) if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.endswith("[]\n")
    assert all(f"\n    {name} " in ended.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: CAPTURE) -> None:
    assert call(command, "--help") == 0
    assert COMMANDS[command].summary[1:] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("settings", [GenerationSettings, TrainingSettings, Architecture])
def test_every_setting_has_a_sentence_and_an_option(settings: type, capsys: CAPTURE) -> None:
    command = "generate" if settings is GenerationSettings else "train"
    call(command, "--help")
    printed = " ".join(capsys.readouterr().out.split())
    for field in fields(settings):
        assert field_docstrings(settings)[field.name].endswith((".", ")."))
        if field.name not in ("corpora", "architecture"):
            assert "--" + field.name.replace("_", "-") + " " in printed


def test_the_version_is_the_packages(capsys: CAPTURE) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"narrative {__version__}\n"


def test_a_reader_that_goes_away_causes_no_noise() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "narrative.cli", "models"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")
