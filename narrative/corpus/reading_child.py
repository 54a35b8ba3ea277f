"""The process that opens files from strangers: `python -m narrative.corpus.reading_child`, driven by `ReadingProcess`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from narrative.corpus.kind import kind_of
from narrative.corpus.limits import MAX_DOCUMENT, MB, READ_MEMORY
from narrative.corpus.options import ReadOptions
from narrative.errors import NarrativeError


def main() -> int:
    answers = os.fdopen(os.dup(1), "wb")  # the answers' own way out: a reader that prints must not speak among them
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _bound_memory()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        options = ReadOptions(**{**asked["options"], "columns": tuple(asked["options"]["columns"])})
        for answer in _answers(Path(asked["path"]), asked["name"], options):
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()
    return 0


def _answers(path: Path, name: str, options: ReadOptions) -> Iterator[dict[str, Any]]:
    try:
        reader, warnings = kind_of(path, name)
        found = 0
        for document in reader.read(path, options):
            if _size(document) > MAX_DOCUMENT:
                raise NarrativeError(f"It holds more than {MAX_DOCUMENT / MB:,.0f} MB of text in one piece. Divide it.")
            found += bool(document.words)
            yield {"format": reader.name, "document": asdict(replace(document, warnings=warnings + document.warnings))}
            warnings = ()  # said once
        yield {"end": True} if found else {"refused": "There is no text in it."}
    except NarrativeError as error:
        yield {"refused": str(error)}
    except MemoryError:
        yield {"refused": f"Reading it takes more than {READ_MEMORY / MB:,.0f} MB of memory."}
    except Exception as error:  # noqa: BLE001  # a reader's own fault; the report names it, and the other files are read
        yield {"refused": f"Its reader failed: {type(error).__name__}: {error}."}


def _size(document: Any) -> int:
    return sum(len(paragraph.text) for section in document.sections for paragraph in section.paragraphs)


def _bound_memory() -> None:
    try:
        import resource  # not on Windows, where the system's own limits have to do
    except ImportError:
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    most = pages * resource.getpagesize() + READ_MEMORY
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    sys.exit(main())
