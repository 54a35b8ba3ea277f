"""`python -m explain`: stdout is the answer, stderr the talk, files open offline, and bad input is one line and exit 2."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plotly.offline import get_plotlyjs
from tiny_models import gpt2, write_tiny

from explain.__main__ import COMMANDS, main
from explain.attention import capture
from explain.compare import difference
from explain.passage import passage_of, read_text
from explain.roles import ROLES, head_roles
from explain.shades import shades
from narrative.generation import Draft, GenerationSettings, generate
from narrative.home import database
from narrative.models import LanguageModel, load_model
from narrative.store import Store

CAPTURE = pytest.CaptureFixture[str]
PROMPT, COMPLETION = "The fox saw the sea.", " The old fox laughed."
HARM = "The fox </script><img src=x onerror=alert(1)> saw"


@pytest.fixture(autouse=True)
def patient_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `main` sets for its own process is taken back after each test."""
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "error")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@pytest.fixture
def text(tiny_gpt2_folder: Path) -> list[str]:
    return ["--model", str(tiny_gpt2_folder), "--prompt", PROMPT, "--completion", COMPLETION]


@pytest.fixture(scope="module")
def draft(tiny_gpt2: LanguageModel) -> Draft:
    generation = generate(tiny_gpt2, PROMPT, settings=GenerationSettings(drafts=1, max_new_tokens=6, seed=1))
    for _ in generation:
        pass
    return generation.drafts[0]


@pytest.fixture
def stored(draft: Draft) -> Draft:
    with Store(database()) as store:
        store.put(store.new_owner(), [draft], label="somebody's")
    return draft


def call(*arguments: str) -> int:
    """The exit status, also when argparse ends the process itself."""
    try:
        return main(["attention", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def answer(capsys: CAPTURE, *arguments: str) -> Any:
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)  # one value and nothing beside it


def test_the_json_tells_what_every_head_does(text: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    told = answer(capsys, *text)
    maps = capture(tiny_gpt2, read_text(tiny_gpt2, PROMPT, COMPLETION))
    roles = head_roles(maps.by_words().map())
    assert told["tokens"] == [piece.label for piece in maps.passage.sequence]
    assert (told["unit"], told["layers"], told["heads"]) == ("pieces", 2, 4)
    assert told["labels"] == [list(row) for row in roles.names]
    assert {label for row in told["labels"] for label in row} <= set(ROLES)
    assert np.allclose(told["strength"], roles.strength, atol=1e-6)
    assert told["prompt_tokens"] == len(maps.passage.prompt)
    assert (told["fingerprint"], told["trimmed"], told["notes"]) == (tiny_gpt2.fingerprint, "", [])
    assert "attention" not in told


def test_with_full_every_weight_is_there(text: list[str], tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    given = np.array(answer(capsys, *text, "--full")["attention"]["self"])
    ids = [[piece.id for piece in read_text(tiny_gpt2, PROMPT, COMPLETION).sequence]]
    other = load_model(tiny_gpt2.name, device="cpu").model
    other.set_attn_implementation("eager")
    with torch.no_grad():
        expected = torch.cat(other(torch.tensor(ids), output_attentions=True).attentions).numpy()
    assert given.shape == expected.shape
    assert np.abs(given - expected).max() < 1e-6


def test_words_and_a_hidden_sink_change_what_is_given(text: list[str], capsys: CAPTURE) -> None:
    pieces, words = answer(capsys, *text), answer(capsys, *text, "--words", "--hide-sink", "--full")
    assert words["unit"] == "words"
    assert len(words["tokens"]) < len(pieces["tokens"])
    assert "".join(words["tokens"][: words["prompt_tokens"]]) == PROMPT.replace(" ", "")
    weights = np.array(words["attention"]["self"])
    assert weights.shape[2:] == (len(words["tokens"]),) * 2
    assert not weights[..., 0].any()
    assert words["labels"] == pieces["labels"]  # told by words and with the first word in sight, whatever is shown


def test_an_encoder_decoder_gives_its_tokens_by_side(tiny_t5_folder: Path, capsys: CAPTURE) -> None:
    arguments = ["--model", str(tiny_t5_folder), "--prompt", PROMPT, "--completion", COMPLETION, "--full"]
    told = answer(capsys, *arguments, "--part", "cross")
    assert set(told["tokens"]) == {"encoder", "decoder"}
    assert told["prompt_tokens"] == len(told["tokens"]["encoder"])
    assert told["part"] == "cross"
    assert {name: np.array(weights).shape for name, weights in told["attention"].items()} == {
        name: (2, 4, len(told["tokens"][queries]), len(told["tokens"][keys]))
        for name, queries, keys in (("encoder", "encoder", "encoder"), ("decoder", "decoder", "decoder"), ("cross", "decoder", "encoder"))
    }


def test_a_text_that_is_too_long_is_cut_and_that_is_said(text: list[str], capsys: CAPTURE) -> None:
    assert call(*text, "--limit", "8", "--json") == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert len(told["tokens"]) == 8
    assert "At most 8 tokens" in told["trimmed"]
    assert told["trimmed"] in printed.err
    assert told["notes"] == [told["trimmed"]]


def test_a_draft_is_found_by_its_id_whoever_wrote_it(stored: Draft, tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    told = answer(capsys, "--draft", stored.id)
    assert told["tokens"] == [piece.label for piece in passage_of(tiny_gpt2, stored).sequence]
    assert told["prompt_tokens"] == len(stored.prompt_ids)
    assert told["notes"] == []


@pytest.mark.usefixtures("no_network")
def test_the_draft_brings_its_model_and_another_one_is_told(stored: Draft, tiny_llama_folder: Path, capsys: CAPTURE) -> None:
    assert answer(capsys, "--draft", stored.id)["fingerprint"] == stored.fingerprint
    other = answer(capsys, "--draft", stored.id, "--model", str(tiny_llama_folder))
    assert other["fingerprint"] != stored.fingerprint
    assert stored.model in other["notes"][0]


def test_looking_for_a_draft_makes_no_database(capsys: CAPTURE) -> None:
    assert call("--draft", "nosuch") == 2
    assert "There is no draft 'nosuch'" in capsys.readouterr().err
    assert not database().exists()


def test_a_dash_reads_the_prompt_from_standard_input(text: list[str], capsys: CAPTURE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PROMPT.encode() + b"\n")))
    dashed = ["-" if word == PROMPT else word for word in text]
    assert answer(capsys, *dashed) == answer(capsys, *text)


def test_the_summary_is_a_few_plain_lines(text: list[str], capsys: CAPTURE) -> None:
    assert call(*text) == 0
    printed = capsys.readouterr()
    assert "2 layers of 4 heads" in printed.out
    counts = [int(count) for count in re.findall(r"(\d+) (?:previous|same|first|broad|induction|other)", printed.out)]
    assert sum(counts) == 8
    assert "not proof of why" in printed.err


@pytest.mark.parametrize("view", ["head", "model", "neuron", "heatmap"])
def test_every_view_is_a_page_that_asks_no_host_and_a_table(view: str, tiny_gpt2_folder: Path, tmp_path: Path, capsys: CAPTURE) -> None:
    page, table = tmp_path / "look.html", tmp_path / "look.csv"
    arguments = ["--model", str(tiny_gpt2_folder), "--prompt", HARM, "--view", view, "--html", str(page), "--csv", str(table)]
    assert call(*arguments) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert str(page) in printed.err
    assert str(table) in printed.err
    own = page.read_text(encoding="utf-8").replace(get_plotlyjs(), "")
    assert own.lower().startswith("<!doctype html>")
    assert re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", own) is None
    assert "<img" not in own
    assert table.read_text(encoding="utf-8").startswith("map,layer,head,query,query_text,key,key_text,weight,drawn\n")


def test_the_table_holds_the_chosen_layers_weights_as_they_are_drawn(
    text: list[str], tiny_gpt2: LanguageModel, tmp_path: Path, capsys: CAPTURE
) -> None:
    told = answer(capsys, *text, "--view", "head", "--layer", "2", "--csv", str(tmp_path / "look.csv"))
    one = capture(tiny_gpt2, read_text(tiny_gpt2, PROMPT, COMPLETION)).map()
    drawn = shades(one)
    with (tmp_path / "look.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tokens = len(told["tokens"])
    assert len(rows) == 4 * tokens * (tokens + 1) // 2
    for row in rows:
        place = (1, int(row["head"]) - 1, int(row["query"]) - 1, int(row["key"]) - 1)
        assert row["layer"] == "2"
        assert float(row["weight"]) == pytest.approx(float(one.weights[place]), rel=1e-5)
        assert float(row["drawn"] or 0) == pytest.approx(drawn.weight(int(drawn.levels[place])), abs=0.501e-4)


def test_two_models_are_compared_head_by_head(text: list[str], tmp_path: Path, tiny_gpt2: LanguageModel, capsys: CAPTURE) -> None:
    tuned = load_model(str(write_tiny(tmp_path / "tuned", gpt2, seed=1)), device="cpu")
    files = ["--html", str(tmp_path / "look.html"), "--csv", str(tmp_path / "look.csv")]
    told = answer(capsys, *text, "--compare", tuned.name, "--full", *files)["compared"]
    expected = difference(*(capture(model, read_text(model, PROMPT, COMPLETION)) for model in (tiny_gpt2, tuned)))
    assert np.allclose(told["distance"], expected.distance, atol=1e-6)
    assert np.allclose(told["difference"], expected.map.weights, atol=1e-6)
    with (tmp_path / "look.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    most = np.unravel_index(expected.distance.argmax(), expected.distance.shape)
    assert (int(row["layer"]) - 1, int(row["head"]) - 1) == most
    assert get_plotlyjs() in (tmp_path / "look.html").read_text(encoding="utf-8")


BAD = [
    (["--prompt", ""], "The seed text is empty"),
    (["--prompt", " \n "], "The seed text is empty"),
    (["--prompt", "x", "--view", "pie"], "Unknown view 'pie'. Choose one of: head, model, neuron, heatmap."),
    (["--prompt", "x", "--part", "side"], "Unknown kind of attention 'side'. Choose one of: self, encoder, decoder, cross."),
    (["--prompt", PROMPT, "--part", "cross"], "Unknown kind of attention 'cross'. Choose one of: self."),
    (["--prompt", PROMPT, "--layer", "99"], "Layer is 99; it must be a whole number from 1 to 2."),
    (["--prompt", PROMPT, "--layer", "0"], "Layer is 0; it must be a whole number from 1 to 2."),
    (["--prompt", PROMPT, "--head", "5"], "Head is 5; it must be a whole number from 1 to 4."),
    (["--prompt", PROMPT, "--layer", "two"], "'two'"),
    (["--prompt", PROMPT, "--limit", "1"], "The number of tokens to look at is 1; it must be a whole number from 2"),
    (["--prompt", "x", "--pieces", "--words"], "--words"),
    (["--prompt", "x", "--view", "neuron", "--words"], "leave --words and --hide-sink out"),
    (["--prompt", "x", "--full"], "--full belongs to --json"),
    (["--prompt", "x", "--html", "nosuch/look.html"], "There is no folder 'nosuch'"),
    (["--prompt", "x", "--csv", "."], "'.' is no file that could be replaced"),
    (["--prompt", "x", "--draft", "y"], "leave --prompt and --completion out"),
    (["--prompt", "x", "--compare", "y", "--view", "head"], "leave --view out"),
    ([], "There is no text: give --prompt, or --draft"),
    (["--draft", "狐"], "There is no draft '狐'"),
    (["--prompt", "x", "--colour", "red"], "--colour"),
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
    assert message in printed.err


@pytest.mark.usefixtures("no_network")
def test_an_unknown_model_is_named(capsys: CAPTURE) -> None:
    assert call("--prompt", "x", "--model", "nosuch") == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "'nosuch'. Here are: " in printed.err


def test_a_neuron_view_that_would_not_be_true_is_refused(tiny_t5_folder: Path, tmp_path: Path, capsys: CAPTURE) -> None:
    arguments = ["--model", str(tiny_t5_folder), "--prompt", PROMPT, "--completion", COMPLETION, "--view", "neuron"]
    assert call(*arguments, "--html", str(tmp_path / "look.html")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "look.html").exists()


def test_an_interrupt_ends_without_a_traceback(text: list[str], monkeypatch: pytest.MonkeyPatch, capsys: CAPTURE) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("explain.reading.desk.capture", interrupted)
    assert call(*text, "--json") == 130
    assert capsys.readouterr().out == ""


def test_only_errors_raised_on_purpose_are_made_into_a_line(text: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("explain.reading.desk.capture", broken)
    with pytest.raises(ZeroDivisionError):
        call(*text)


def test_help_answers_without_the_heavy_libraries() -> None:
    heavy = "'torch', 'transformers', 'gradio', 'numpy', 'plotly'"
    code = (
        "import sys; from explain.__main__ import main\ntry: main(['attention', '--help'])\n"
        f"finally: print([m for m in ({heavy}) if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.endswith("[]\n")
    assert all(option in ended.stdout for option in ("--model", "--prompt", "--draft", "--view", "--html", "--csv", "--json", "--full"))


def test_the_version_and_the_commands_are_told(capsys: CAPTURE) -> None:
    for asked in ("--version", "--help"):
        with pytest.raises(SystemExit) as ended:
            main([asked])
        assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("narrative ")
    assert all(name in printed for name in COMMANDS)
