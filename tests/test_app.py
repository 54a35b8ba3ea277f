"""`python app.py`: its options, and what it says to bad ones."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from narrative.errors import NarrativeError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def app() -> ModuleType:
    """app.py lies beside the packages, not in one."""
    spec = importlib.util.spec_from_file_location("app", ROOT / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "app.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_help_names_every_option() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in ("--host", "--port", "--model", "--share", "--auth"):
        assert option in done.stdout


@pytest.mark.parametrize("port", ["0", "65536", "many", "-1", "80.5"])
def test_a_port_that_is_none_is_refused(app: ModuleType, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        app.read_arguments(["--port", port])
    assert left.value.code == 2
    assert "from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["PORT", "GRADIO_SERVER_PORT"])
def test_the_port_comes_from_the_environment_where_spaces_set_it(app: ModuleType, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "4321")
    assert app.read_arguments([]).port == 4321


def test_logins_come_from_the_command_line_and_from_files(app: ModuleType, tmp_path: Path) -> None:
    listed = tmp_path / "editors.txt"
    listed.write_text("ada:with:colons\n\n grace:secret \n", encoding="utf-8")
    assert app.logins(["joan:pass", str(listed)]) == [("joan", "pass"), ("ada", "with:colons"), ("grace", "secret")]
    assert app.logins([]) is None


@pytest.mark.parametrize("entry", ["nobody", ":password", "user:", ""])
def test_a_login_without_name_or_password_is_refused(app: ModuleType, entry: str) -> None:
    with pytest.raises(NarrativeError, match="USER:PASSWORD"):
        app.logins([entry])


def test_a_port_in_use_is_one_line_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("app")
def test_gradio_is_told_to_ask_no_host() -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
