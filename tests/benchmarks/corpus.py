"""Books in: how long a big archive takes, and how much memory.

    python -m tests.benchmarks.corpus --data DIR [--files N]

`DIR` holds `fiction-*.jsonl.xz` (254 MB of text in three files). Each build runs in a process of its own, over one file,
then two, then all: time and peak memory (of the process and of its reader) should grow with the text and not at all.
The ePub part makes one of 10 MB from the same text and reads it in this process.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from html import escape
from itertools import islice
from pathlib import Path

LIMITS = {"minutes for all": 10.0, "peak memory, GB": 1.5, "ePub, MB of text a minute, at least": 20.0}
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
EPUB_BYTES = 10_000_000


def build(files: list[Path]) -> dict[str, float]:
    """Run one build in this process. -> its figures"""
    from narrative.corpus import load_corpus
    from narrative.corpus.build import build_from_files
    from narrative.corpus.building import BuildSettings, Progress
    from narrative.corpus.options import ReadOptions

    began, stages = time.perf_counter(), {}
    for news in build_from_files(files, "benchmark", settings=BuildSettings(), options=ReadOptions()):
        stages[news.stage if isinstance(news, Progress) else "reading"] = time.perf_counter() - began
    corpus = load_corpus("benchmark")
    size = corpus.train.bytes + corpus.test.bytes
    memory = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
    totals = {"seconds": time.perf_counter() - began, "megabytes": size / 1e6, "memory": memory / 1e9}
    return totals | {"duplicate passages": corpus.report["duplicate_passages"]} | {f"{stage} done": at for stage, at in stages.items()}


def in_a_process(files: list[Path]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tests.benchmarks.corpus", "--one", *map(str, files)]
        return dict(json.loads(subprocess.check_output(command, env={**os.environ, "NARRATIVE_HOME": home}, text=True)))


def epub_of(data: Path, path: Path) -> int:
    """An ePub of about EPUB_BYTES of real prose. -> the bytes of its text"""
    size, parts = 0, []
    with lzma.open(min(data.glob("fiction-*.jsonl.xz")), "rt", encoding="utf-8") as lines:
        for line in lines:
            for chapter in json.loads(line)["text"].split("\n## "):
                size += len(chapter.encode())
                parts.append("".join(f"<p>{escape(text)}</p>" for text in chapter.split("\n\n")))
            if size > EPUB_BYTES:
                break
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", CONTAINER)
        for number, part in enumerate(parts):
            page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><h1>{number}</h1>{part}</body></html>'
            book.writestr(f"{number}.xhtml", page)
        items = "".join(f'<item id="c{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(parts)))
        spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(parts)))
        head = '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        book.writestr("book.opf", f"{head}<manifest>{items}</manifest><spine>{spine}</spine></package>")
    return size


def epub_speed(data: Path) -> float:
    """Megabytes of text a minute."""
    from narrative.corpus.options import ReadOptions
    from narrative.corpus.readers import READERS

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.epub"
        size = epub_of(data, path)
        began = time.perf_counter()
        assert sum(document.words for document in READERS["ePub"].read(path, ReadOptions())) > size / 10
        return size / 1e6 / (time.perf_counter() - began) * 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--files", type=int, default=3, help="how many of the files the last build takes")
    parser.add_argument("--one", type=Path, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(build(options.one)))
        return
    print(f"ePub: {epub_speed(options.data):,.0f} MB of text a minute (at least {LIMITS['ePub, MB of text a minute, at least']:g})")
    files = list(islice(sorted(options.data.glob("fiction-*.jsonl.xz")), options.files))
    for count in range(1, len(files) + 1):
        print(f"{count} of {len(files)} files:", ", ".join(f"{key} {value:,.2f}" for key, value in in_a_process(files[:count]).items()))
    print(f"wanted for all three: {LIMITS['minutes for all'] * 60:g} seconds, {LIMITS['peak memory, GB']:g} GB")


if __name__ == "__main__":
    main()
