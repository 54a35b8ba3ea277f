"""The design's rules that import-linter can't see, as claims over the source tree."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = [ROOT / "app.py", *sorted((ROOT / "narrative").rglob("*.py")), *sorted((ROOT / "explain").rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PROSE = [ROOT / name for name in ("README.md", "pyproject.toml", "requirements.txt", ".ci/run")]
ASSETS = [path for package in ("narrative", "explain") for path in (ROOT / package).rglob("*.[cj]s*")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it; relative imports stay out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module and not node.level}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_lists_that_the_other_tests_walk_are_not_empty() -> None:
    assert {"app.py", "narrative/cli.py", "explain/__init__.py"} <= {name_of(path) for path in PRODUCT}
    assert {"tests/conftest.py", "tests/test_architecture.py"} <= {name_of(path) for path in TESTS}
    assert ASSETS


def test_gradio_is_imported_only_by_the_app_and_the_tabs() -> None:
    users = {name_of(path) for path in PRODUCT if any(module.partition(".")[0] == "gradio" for module in imported(path))}
    assert "app.py" in users
    assert [name for name in users if name != "app.py" and "/tabs/" not in name] == []


def test_nothing_imports_the_app() -> None:
    assert [name_of(path) for path in PRODUCT if any(module.partition(".")[0] == "app" for module in imported(path))] == []


def test_the_product_imports_no_test_and_only_what_it_declares() -> None:
    declared = {re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-") for line in PROJECT["dependencies"]}
    used = {module.partition(".")[0] for path in PRODUCT for module in imported(path)}
    foreign = used - set(sys.stdlib_module_names) - {"narrative", "explain", "__future__"}
    providers = packages_distributions()
    undeclared = [name for name in foreign if not declared & {owner.lower().replace("_", "-") for owner in providers.get(name, [name])}]
    assert undeclared == []


def test_no_drawer_for_everything() -> None:
    drawers = {"utils.py", "util.py", "misc.py", "helpers.py", "common.py"}
    assert [name_of(path) for path in PRODUCT + TESTS if path.name in drawers] == []


def test_no_file_is_longer_than_300_lines_and_no_function_longer_than_60() -> None:
    long_files = [name_of(path) for path in PRODUCT if len(path.read_text(encoding="utf-8").splitlines()) > 300]
    long_functions = [
        f"{name_of(path)}: {node.name}" for path in PRODUCT for node in functions(path) if (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert (long_files, long_functions) == ([], [])


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?<![\w.~$}/:*-])/" + r"(?:root|work|home(?!/somebody)|Users|opt|mnt|media|srv)/\w",  # a path of somebody's machine
        r"[A-Z]:\\" + "Users",
        r"\b(?:TO" + "DO|FIX" + r"ME|X" + r"XX)\b",
        "NotImplemented" + "Error",
    ],
)
def test_no_machine_path_and_no_unfinished_business(pattern: str) -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in PRODUCT + TESTS + PROSE + ASSETS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_every_package_and_every_asset_is_installed() -> None:
    for path in PRODUCT[1:]:
        assert (path.parent / "__init__.py").exists(), f"{name_of(path.parent)} would be left out of an installation"
    assert [name_of(path) for path in ASSETS if path.parent.name != "assets"] == []


def test_public_modules_say_what_they_are_for() -> None:
    assert [name_of(path) for path in PRODUCT if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_every_test_claims_something() -> None:
    """By itself, or through a function of its own file."""
    claims = re.compile(r"\bassert\b|\bassert_|raises\(|expect\(")
    silent = []
    for path in TESTS:
        sources = {node.name: ast.unparse(node) for node in functions(path)}
        claiming = [name for name, source in sources.items() if claims.search(source)]
        calls = re.compile("|".join([claims.pattern, *(rf"\b{name}\(" for name in claiming if not name.startswith("test_"))]))
        tests = {name: source.partition(":\n")[2] for name, source in sources.items() if name.startswith("test_")}
        silent += [f"{name_of(path)}: {name}" for name, body in tests.items() if not calls.search(body)]
    assert silent == []


def test_spaces_gets_the_same_requirements_as_everybody() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == PROJECT["dependencies"]


def front_matter() -> dict[str, str]:
    head = README.split("---\n")[1]
    return dict(line.split(": ", 1) for line in head.splitlines())


def test_the_readme_opens_with_what_a_space_needs() -> None:
    assert README.startswith("---\n")
    head = front_matter()
    assert (head["sdk"], head["app_file"], head["license"]) == ("gradio", "app.py", "apache-2.0")
    assert (ROOT / head["app_file"]).exists()
    assert f"gradio>={'.'.join(head['sdk_version'].split('.')[:2])},<7" in PROJECT["dependencies"]
    assert head["python_version"].strip('"') in PROJECT["requires-python"]
    assert len(head["short_description"]) <= 60  # a Space refuses longer ones


def test_the_readme_shows_a_picture_that_is_there_then_the_two_commands() -> None:
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert picture
    assert (ROOT / picture[1]).exists()
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    assert README.index(picture[0]) < README.index(blocks[0])
    assert blocks[0].count("\n") == blocks[1].count("\n") == 1
    assert blocks[0].rstrip().endswith("&& .venv/bin/python app.py")
    assert blocks[1].rstrip().endswith("&& .venv/bin/python -m pytest")


def test_the_readmes_file_tree_names_what_is_there() -> None:
    tree = README.split("## What lies where")[1].split("```")[1]
    named = [line.split()[0] for line in tree.splitlines() if line.strip() and not line.startswith("text")]
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []
    for package in ("narrative", "explain"):
        modules = {name_of(path).split("/")[1] for path in PRODUCT if name_of(path).startswith(f"{package}/")}
        described = {name.rstrip("/").split("/")[1] for name in named if name.startswith(f"{package}/")}
        assert modules - {"__init__.py", "__main__.py"} == described
