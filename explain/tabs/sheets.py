"""Scripts and sheets of the tabs of explaining."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


def asset(*names: str) -> str:
    """These files, one after the other."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


STYLE = asset("explain.css")
