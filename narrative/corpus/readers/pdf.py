"""PDF: text as printed, without what only the page needs, put back into paragraphs and chapters."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.limits import MAX_PART, MB
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers.pdf_lines import Line, columns, pieces
from narrative.corpus.readers.pdf_pages import without_heads_and_feet
from narrative.corpus.readers.pdf_paragraphs import LARGER, Joiner, Measures, Printed, measured, paragraphs, plain
from narrative.corpus.readers.pdf_runs import Budget, PageText
from narrative.errors import DocumentError

MAX_PAGES = 20_000
HEADING_WORDS = 25
JUNK_TITLES = re.compile(
    r"untitled\b.*|microsoft (word|powerpoint)\b.*|(presentation|document|slide)\s*\d*|.*\.(docx?|indd|qxd|pdf|pptx?|tex|dvi|rtf)",
    re.IGNORECASE,
)
JUNK_AUTHORS = re.compile(r"(user|admin|administrator|owner|unknown|anonymous|author|root|\W*)", re.IGNORECASE)
SCANNED = "no text in it: it is scanned; run OCR first"

logging.getLogger("pypdf").addHandler(logging.NullHandler())  # what it mends is no news to the keeper; what it can't is an error here
logging.getLogger("pypdf").propagate = False

Marked = tuple[Paragraph, int]  # the level of a heading, 0 of all others


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for files that are damaged, protected, hostile or only pictures."""
    try:
        size = path.stat().st_size
        if size > MAX_PART:
            raise DocumentError(f"The file has {size / MB:,.0f} MB; at most {MAX_PART / MB:,.0f} MB of PDF are read.")
        with path.open("rb") as file:
            if b"%PDF-" not in file.read(1024):
                raise DocumentError("This is no PDF file: it does not start like one.")
            document = _document(PdfReader(file), options)
    except DocumentError:
        raise
    except OSError as error:
        raise DocumentError(f"The file can't be opened: {error.strerror or error}.") from error
    except Exception as error:  # damaged files lead pypdf into every kind of exception
        reason = str(error) if isinstance(error, PyPdfError) and str(error) else type(error).__name__
        raise DocumentError(f"The file is damaged: {reason.rstrip('.')}.") from error
    yield document


def _document(reader: PdfReader, options: ReadOptions) -> Document:
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentError("The file is protected by a password. Save a copy without it.")
    count = len(reader.pages)
    if count > MAX_PAGES:
        raise DocumentError(f"The file has {count:,} pages; at most {MAX_PAGES:,} are read.")
    pages, warnings = _pages(reader)
    if not any(pages):
        raise DocumentError(f"There is {SCANNED}.")
    pages, _ = without_heads_and_feet(pages)
    lined = [[replace(line, page=page) for line in columns(lines)] for page, lines in enumerate(pages)]
    outline = _outline(reader)
    measures = measured(lined, outline)
    printed = paragraphs(lined, measures, notes=options.notes == "place")
    joiner = Joiner(line for lines in lined for line in lines)
    sections = _sections(_marked(printed, joiner, measures, outline))
    title, author = _metadata(reader)
    language = reader.root_object.get("/Lang", "")
    return Document(title, sections, author, str(language).strip() if isinstance(language, str) else "", warnings=tuple(warnings))


def _pages(reader: PdfReader) -> tuple[list[list[Line]], list[str]]:
    """The pieces of text on each page, and what could not be read."""
    pages: list[list[Line]] = []
    budget = Budget()
    counts: Counter[str] = Counter()
    for page in reader.pages:
        text = PageText(page, reader, budget)
        runs = text.runs()
        counts += Counter(turned=text.turned, trimmed=text.trimmed, unknown=text.unknown, empty=0)
        content = [run for run in runs if not run.artifact]
        if not any(run.text.strip() for run in content):  # a program that calls everything decoration
            content = runs
        pages.append(pieces(content))
        counts["empty"] += not pages[-1] and _has_picture(page)
    sentences = {
        "empty": f"{{:,}} of {len(pages):,} pages have no text: they are scanned; run OCR first.",
        "turned": "{:,} characters that stand sideways on their page were left out.",
        "trimmed": "{:,} characters outside the trimmed page were left out.",
        "unknown": "{:,} characters were left out: their fonts do not say which letters they show.",
    }
    return pages, [sentence.format(counts[what]) for what, sentence in sentences.items() if counts[what]]


def _has_picture(page: Any) -> bool:
    resources = page.get("/Resources")
    resources = {} if resources is None else resources.get_object()
    return bool(resources.get("/XObject")) if isinstance(resources, dict) else False


def _outline(reader: PdfReader) -> dict[str, int]:
    """The bookmarks and their levels, where the file has them and they are whole."""
    levels: dict[str, int] = {}
    waiting: list[tuple[Any, int]] = [(reader.outline, 0)]
    while waiting:
        entry, level = waiting.pop()
        if isinstance(entry, list):
            waiting += [(inner, level + 1) for inner in entry]
        elif isinstance(title := entry.get("/Title"), str) and plain(title):
            levels[plain(title)] = min(level, levels.get(plain(title), level))
    return levels


def _marked(printed: list[Printed], joiner: Joiner, measures: Measures, outline: dict[str, int]) -> list[Marked]:
    """Paragraphs with the level of those that are headings: by the bookmarks, by their size, by being bold and alone."""
    sizes = sorted({part.size for part in printed if part.size >= LARGER * measures.size}, reverse=True)
    bold_text = sum(len(line.text) for part in printed if part.bold for line in part.lines)
    all_bold = bold_text * 2 > sum(len(line.text) for part in printed for line in part.lines)
    texts = [joiner.text(part) for part in printed]
    listed = sum(plain(text) in outline for text in texts) > 1
    marked: list[Marked] = []
    for part, text in zip(printed, texts, strict=True):
        level = outline.get(plain(text), 0)
        short = len(text.split()) <= HEADING_WORDS and part.kind == "text"
        if not level and short and part.size in sizes and re.search(r"[^\W_]", text):
            level = sizes.index(part.size) + (20 if listed else 1)
        if not level and short and part.bold and not all_bold and not text.endswith((".", ",", ";")) and re.search(r"[^\W\d_]", text):
            level = len(sizes) + (20 if listed else 1)
        marked.append((Paragraph(text, "heading" if level else part.kind), level))
    return marked


def _sections(marked: list[Marked]) -> tuple[Section, ...]:
    """Cut at the top level of headings that comes more than once: a book's title stands once and is no chapter."""
    levels = Counter(level for _, level in marked if level)
    cut = min([level for level, count in levels.items() if count > 1] or levels, default=0)
    parts: list[list[Paragraph]] = []
    for paragraph, level in marked:
        if not parts or (0 < level <= cut and not all(before.kind == "heading" for before in parts[-1])):
            parts.append([])
        parts[-1].append(paragraph)
    return tuple(Section(" ".join(part[0].text.split()) if part[0].kind == "heading" else "", tuple(part)) for part in parts)


def _metadata(reader: PdfReader) -> tuple[str, str]:
    """Title and author, unless a program filled them in by itself."""
    found = reader.metadata
    values = [found.get(key) if found else None for key in ("/Title", "/Author")]
    title, author = (" ".join(value.replace("\0", "").split()) if isinstance(value, str) else "" for value in values)
    return "" if JUNK_TITLES.fullmatch(title) else title, "" if JUNK_AUTHORS.fullmatch(author) else author
