"""Files are read in a process of their own: whatever a hostile file does to its reader, the build goes on.

The child gets one JSON line a file on its input and answers with one JSON line a document, then `end` or `refused`.
It has a bound on its memory and its parent a bound on its silence; a child that dies is replaced for the next file.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.limits import READ_SECONDS
from narrative.corpus.options import ReadOptions
from narrative.errors import DocumentError

ROOT = Path(__file__).resolve().parents[2]  # where the package lies, installed or not
AHEAD = 4  # documents the child may be ahead of whoever reads them


class ReadingProcess:
    """Reads files one after another. A context manager, so that no child outlives its build."""

    def __init__(self, *, silence: float = READ_SECONDS) -> None:
        self._silence = silence
        self._child: _Child | None = None

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, path: Path, *, name: str, options: ReadOptions) -> Iterator[tuple[str, Document]]:
        """(format, document) for each document of the file that its owner calls `name`.

        Raises `DocumentError` with the reason when the file can't be read, or not to its end. Leaving the loop early is
        allowed; the child is then replaced.
        """
        if self._child is None or not self._child.alive:
            self.close()
            self._child = _Child()
        child, done = self._child, False
        try:
            child.ask({"path": str(path.resolve()), "name": name, "options": asdict(options)})
            while "document" in (answer := child.answer(self._silence)):
                yield answer["format"], document_from_json(answer["document"])
            done = True
        finally:
            if not done:
                self.close()
        if "refused" in answer:
            raise DocumentError(answer["refused"])

    def close(self) -> None:
        """Ends the child, whatever it is doing."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    def __init__(self) -> None:
        command = [sys.executable, "-m", "narrative.corpus.reading_child"]
        # what it says beside its answers is nobody's: a pipe that is not read would stop it
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=AHEAD)
        threading.Thread(target=self._forward, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # a child that died at once: its missing answer says so
            pipe = cast("IO[bytes]", self._process.stdin)
            pipe.write(json.dumps(question).encode() + b"\n")
            pipe.flush()

    def answer(self, silence: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=silence)
        except queue.Empty:
            raise DocumentError(f"Its reader said nothing for {silence:,.0f} seconds and was stopped.") from None
        if not line:
            self._lines.put(line)  # the end stays the end
            status = self._process.wait()
            raise DocumentError(f"Its reader broke down (exit status {status}): the file is damaged, or too much for it.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        while self._lines.get():  # the thread may be waiting for room; the end of the pipe is its last line
            pass
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _forward(self) -> None:
        try:
            for line in cast("IO[bytes]", self._process.stdout):
                self._lines.put(line)
        finally:
            self._lines.put(b"")


def document_from_json(stored: dict[str, Any]) -> Document:
    """What `asdict` made of a document, as a document again."""
    sections = tuple(
        Section(section["title"], tuple(Paragraph(**paragraph) for paragraph in section["paragraphs"]), section["role"])
        for section in stored["sections"]
    )
    return Document(**{**stored, "sections": sections, "warnings": tuple(stored["warnings"])})
