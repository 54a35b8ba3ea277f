"""What a page fetches by itself: Plotly's script, from the package that ships it, and models to keep.

Neither goes through Gradio's own files, whose addresses would show where things lie on this machine.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import plotly

PREFIX = "/narrative"
SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
A_PIECE = 1 << 20
OFFERED = 32  # downloads that wait to be fetched
GOOD_FOR = 600.0  # seconds
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Serving:
    """A small ASGI application. A download lies behind a word that nobody can guess, for ten minutes and one fetch: no login is
    asked for here, so an address that somebody keeps or passes on must be worth nothing."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._offers: OrderedDict[str, tuple[Path, float]] = OrderedDict()  # word -> what, and until when

    def offer(self, file: Path) -> str:
        """-> the address, from the root of the page"""
        word = secrets.token_urlsafe(24)
        with self._lock:
            self._offers[word] = file, self._clock() + GOOD_FOR
            while len(self._offers) > OFFERED:
                self._offers.popitem(last=False)
        return f"{PREFIX}/{word}/{quote(file.name)}"

    async def __call__(self, scope: Message, _: Callable[[], Awaitable[Message]], send: Send) -> None:
        if scope["type"] != "http":
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).removeprefix(PREFIX).strip("/")
        if path == f"plotly-{plotly.__version__}.js":
            await _file(SCRIPT, [(b"content-type", b"text/javascript"), (b"cache-control", b"public, max-age=31536000, immutable")], send)
            return
        file = self._take(path.partition("/")[0]) if scope.get("method", "GET") == "GET" else None
        if file is None or not file.is_file():
            await _gone(send)
            return
        named = f"attachment; filename*=utf-8''{quote(file.name)}".encode()
        await _file(file, [(b"content-type", b"application/zip"), (b"content-disposition", named), (b"cache-control", b"no-store")], send)

    def _take(self, word: str) -> Path | None:
        """What was offered under this word, once."""
        with self._lock:
            file, until = self._offers.pop(word, (None, 0.0))
        return file if self._clock() < until else None


def script_address() -> str:
    return f"{PREFIX}/plotly-{plotly.__version__}.js"


async def _file(path: Path, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    """Piece by piece: a model is larger than what should lie in memory for one reader."""
    with path.open("rb") as file:
        size = str(path.stat().st_size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"content-length", size)]})
        while piece := await asyncio.to_thread(file.read, A_PIECE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"There is nothing here any more.", "more_body": False})
