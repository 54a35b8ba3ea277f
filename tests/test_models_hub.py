"""Hub models, against a small hub on this machine; no test leaves it."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from narrative.errors import BrokenModelError, HubUnavailableError, ModelError, UnknownModelError, UnsafeModelError
from narrative.models import LanguageModel, catalogue, describe, hub, load_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """Repositories by name, each a folder; and what was asked for."""

    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    answer: int | None = None  # a status for every request

    def owner_of(self, path: str) -> str | None:
        return next((name for name in self.repositories if path == name or path.startswith(f"{name}/")), None)

    def listing(self, name: str) -> bytes:
        files = [{"rfilename": file.name, "size": file.stat().st_size} for file in self.repositories[name].iterdir()]
        return json.dumps({"id": name, "sha": COMMIT, "siblings": files, "tags": [], "downloads": 0}).encode()

    def downloaded(self, ending: str) -> bool:
        return any(path.endswith(ending) for path in self.asked)


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    served = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    _point_to(monkeypatch, f"http://127.0.0.1:{server.server_port}", tmp_path / "cache")
    yield served
    server.shutdown()
    server.server_close()
    thread.join(5)


def _point_to(monkeypatch: pytest.MonkeyPatch, endpoint: str, cache: Path) -> None:
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


def _handler(served: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(f"{self.command} {self.path.split('?')[0]}")
            if served.answer:
                return self.reply(served.answer, b"")
            path = self.path.split("?")[0].removeprefix("/api/models/").strip("/")
            name = served.owner_of(path)
            if name is None:
                return self.reply(401, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            if "/resolve/" not in path:
                return self.reply(200, served.listing(name))
            if name in served.gated:
                return self.reply(403, b"{}", {"X-Error-Code": "GatedRepo"})
            data = (served.repositories[name] / path.split("/")[-1]).read_bytes()
            return self.reply(200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT})

        do_HEAD = do_GET  # noqa: N815 - the name is http.server's

        def reply(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def test_a_hub_model_is_downloaded_once_and_then_needs_no_network(
    fake_hub: FakeHub, tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_hub.repositories["gpt2"] = tiny_gpt2_folder
    assert not _suggestion("gpt2").here
    stages: list[tuple[str, float]] = []
    loaded = load_model("gpt2", progress=lambda stage, share: stages.append((stage, share)))
    assert (loaded.name, loaded.fingerprint, loaded.card.title) == ("gpt2", tiny_gpt2.fingerprint, "GPT-2")
    assert any(stage.startswith("Downloading gpt2: ") for stage, _ in stages)
    shares = [share for _, share in stages]
    assert shares == sorted(shares)
    assert _suggestion("gpt2").here
    assert describe("gpt2") == loaded.card
    fake_hub.asked.clear()
    assert load_model("gpt2").fingerprint == loaded.fingerprint
    assert fake_hub.asked == []
    assert capfd.readouterr() == ("", "")


def _suggestion(name: str) -> object:
    return next(card for card in catalogue() if card.name == name)


def test_a_model_in_several_files_is_downloaded_whole(
    fake_hub: FakeHub, tiny_llama: LanguageModel, tiny_llama_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_llama_folder, tmp_path / "shards"))
    (folder / "model.safetensors").unlink()
    tiny_llama.model.save_pretrained(folder, max_shard_size="60KB")
    fake_hub.repositories["somebody/shards"] = folder
    assert load_model("somebody/shards").card.parameters == tiny_llama.card.parameters
    cached = hub.cached("somebody/shards")
    assert cached is not None
    min(cached.glob("model-*.safetensors")).unlink()  # as after a download that was cut off
    assert hub.cached("somebody/shards") is None
    assert load_model("somebody/shards").card.parameters == tiny_llama.card.parameters


def test_pickles_and_code_are_refused_before_weights_are_downloaded(fake_hub: FakeHub, tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    pickled = Path(shutil.copytree(tiny_gpt2_folder, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    coded = Path(shutil.copytree(tiny_gpt2_folder, tmp_path / "coded"))
    (coded / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.C"}}))
    fake_hub.repositories |= {"somebody/pickled": pickled, "somebody/coded": coded}
    with pytest.raises(UnsafeModelError, match=r"pytorch_model\.bin, a pickle"):
        load_model("somebody/pickled")
    with pytest.raises(UnsafeModelError, match="never runs code"):
        load_model("somebody/coded")
    assert not fake_hub.downloaded(".bin")
    assert not fake_hub.downloaded(".safetensors")
    assert not fake_hub.downloaded(".py")


def test_an_index_of_the_hub_never_leads_elsewhere(fake_hub: FakeHub, tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_gpt2_folder, tmp_path / "index"))
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../evil.safetensors"}}))
    fake_hub.repositories["somebody/index"] = folder
    with pytest.raises(BrokenModelError, match="only safetensors files in the same folder are read"):
        load_model("somebody/index")


def test_an_unknown_or_gated_model_is_told_apart_from_a_dead_hub(fake_hub: FakeHub, tiny_gpt2_folder: Path) -> None:
    with pytest.raises(UnknownModelError, match="The hub has no model 'somebody/nothing'"):
        load_model("somebody/nothing")
    fake_hub.repositories["somebody/secret"] = tiny_gpt2_folder
    fake_hub.gated.add("somebody/secret")
    with pytest.raises(ModelError, match="somebody/secret is given only to those who accept its terms"):
        load_model("somebody/secret")
    fake_hub.answer = 503
    with pytest.raises(HubUnavailableError, match="it answered 503"):
        load_model("somebody/secret")


def test_without_network_the_error_says_so_at_once_and_lists_what_is_here(
    tiny_gpt2_folder: Path, narrative_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_gpt2_folder, narrative_home / "models" / "fable-5m")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _point_to(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}", tmp_path / "cache")
        started = time.monotonic()
        with pytest.raises(HubUnavailableError, match=r"'gpt2' is not on this machine .*no connection.*Here are: .*fable-5m"):
            load_model("gpt2")
    assert time.monotonic() - started < 5
    assert load_model("fable-5m").model


def test_a_hub_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SOONEST", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        _point_to(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path / "cache")
        with pytest.raises(HubUnavailableError, match="no answer"):
            load_model("gpt2")


def test_a_resolver_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(hub, "PATIENCE", 0.3)
    monkeypatch.setattr(hub, "_files", lambda _repository: release.wait(10))
    _point_to(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    with pytest.raises(HubUnavailableError, match=r"no answer in 0\.3 seconds"):
        load_model("gpt2")
    release.set()


def test_offline_by_choice_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_to(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnavailableError, match="HF_HUB_OFFLINE is set"):
        load_model("gpt2")


def test_a_misspelt_adapter_costs_no_download(fake_hub: FakeHub, tiny_gpt2_folder: Path) -> None:
    fake_hub.repositories["gpt2"] = tiny_gpt2_folder
    with pytest.raises(UnknownModelError, match="'talez'"):
        load_model("gpt2", adapter="talez")
    assert fake_hub.asked == []
