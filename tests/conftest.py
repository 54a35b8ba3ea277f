"""Fixtures that every test may use: tiny models in folders, an empty NARRATIVE_HOME, a catalogue to fill."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from made_tales import write_tales
from tiny_models import gpt2, llama, neo, t5, t5_tokenizer, write_tiny
from xdist.scheduler import LoadScopeScheduling

from narrative import home
from narrative.corpus import Corpus
from narrative.models import LanguageModel, load_model

torch.set_num_threads(1)  # tiny tensors gain nothing from a second thread, and two test runs side by side would wait for each other


class TogetherScheduling(LoadScopeScheduling):
    """A file's tests share its fixtures, the browser tests one app: each such group stays in one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if "browser" in file.split("/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    return TogetherScheduling(config, log)


@pytest.fixture(autouse=True)
def narrative_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A NARRATIVE_HOME of the test's own, so that no test sees what is published on this machine."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NARRATIVE_HOME", str(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def threads() -> Iterator[None]:
    """Trainings in this process set torch's threads; the next file's tests get theirs back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-gpt2", gpt2)


@pytest.fixture(scope="session")
def tiny_neo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-neo", neo)


@pytest.fixture(scope="session")
def tiny_llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-llama", llama)


@pytest.fixture(scope="session")
def tiny_t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-t5", t5, tokenizer=t5_tokenizer())


@pytest.fixture(scope="session")
def tiny_gpt2(tiny_gpt2_folder: Path) -> LanguageModel:
    return load_model(str(tiny_gpt2_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_neo(tiny_neo_folder: Path) -> LanguageModel:
    return load_model(str(tiny_neo_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_llama(tiny_llama_folder: Path) -> LanguageModel:
    return load_model(str(tiny_llama_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_t5(tiny_t5_folder: Path) -> LanguageModel:
    return load_model(str(tiny_t5_folder), device="cpu")


@pytest.fixture(scope="session", params=["tiny_gpt2", "tiny_neo", "tiny_llama", "tiny_t5"])
def tiny_model(request: pytest.FixtureRequest) -> LanguageModel:
    """Each of the four in turn."""
    model: LanguageModel = request.getfixturevalue(request.param)
    return model


@pytest.fixture(scope="session")
def tales(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Sixty little tales to learn from, seventeen to test on."""
    return write_tales(tmp_path_factory.mktemp("corpora"), "tales", count=60)


@pytest.fixture
def gpt2_copy(tiny_gpt2_folder: Path, tmp_path: Path) -> Path:
    """A folder to spoil."""
    return Path(shutil.copytree(tiny_gpt2_folder, tmp_path / "copy"))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of shipped models."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setattr(home, "SHIPPED", folder)
    return folder


@pytest.fixture
def publish() -> Callable[..., Path]:
    """publish(folder, name, **card): the model in the catalogue under that name; its new folder."""

    def copy(model: Path, name: str, **card: Any) -> Path:
        folder = Path(shutil.copytree(model, home.published_models() / name))
        (folder / "narrative.json").write_text(json.dumps(card), encoding="utf-8")
        return folder

    return copy


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test when anything looks up a host or connects."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
