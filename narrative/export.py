"""Drafts as files an editor can open anywhere: plain text, Markdown and Word, each with the settings that wrote it.

What is written is `draft.prompt + draft.text`. Characters that no text file can hold (NUL, half characters) become U+FFFD.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

from narrative.errors import require_choice
from narrative.generation.draft import STOPPED, Draft
from narrative.text import writable

SERIF = "Georgia"
LONGEST_NAME = 60  # characters, the ending included
LONGEST_PROPERTY = 255  # characters; what Word takes in a property
RESERVED = {"con", "prn", "aux", "nul", "conin", "conout", "clock"} | {f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)}

Value = str | int | float | None
Facts = Mapping[str, Value]


@dataclass(frozen=True)
class Exported:
    """A file, not yet on a disk."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Writer:
    """One kind of file: its media type, and how a draft and the time it was written become bytes."""

    media_type: str
    write: Callable[[Draft, datetime], bytes]


def export(draft: Draft, kind: str, *, created: float | None = None) -> Exported:
    """`draft` as a file of that kind (see `WRITERS`). `created`: when it was written, in seconds since 1970; None: now.

    Raises `SettingsError` for a kind that there isn't.
    """
    require_choice("kind of file", kind, WRITERS)
    when = datetime.now(UTC) if created is None else datetime.fromtimestamp(created, UTC)
    writer = WRITERS[kind]
    return Exported(file_name(draft.prompt, kind), writer.media_type, writer.write(draft, when.replace(microsecond=0)))


def file_name(prompt: str, kind: str) -> str:
    """The prompt's first words as a name that Windows, macOS and Linux take: letters, digits and hyphens only."""
    longest = LONGEST_NAME - len(kind) - 1
    words = "".join(_for_a_name(sign) for sign in unicodedata.normalize("NFC", prompt[:1000])).split()
    name = ""
    for word in words:
        if name and len(name) + 1 + len(word) > longest:
            break
        name = f"{name}-{word}" if name else word[:longest]
    if unicodedata.normalize("NFKC", name).casefold() in RESERVED:
        name = f"draft-{name}"
    return f"{name or 'draft'}.{kind}"


def _for_a_name(sign: str) -> str:
    """Letters, digits and accents stay, apostrophes and invisible marks go, all else parts words."""
    category = unicodedata.category(sign)
    if sign.isalnum() or category.startswith("M"):
        return sign
    return "" if sign in "'\u2019" or category == "Cf" else " "


def facts(draft: Draft, when: datetime) -> dict[str, Value]:
    """What wrote the draft: only the settings that its strategy reads."""
    settings = draft.settings
    drawn: dict[str, dict[str, Value]] = {
        "greedy": {},
        "top-k": {"temperature": settings.temperature, "top-k": settings.top_k},
        "nucleus": {"temperature": settings.temperature, "top-p": settings.top_p},
    }
    perplexity = draft.perplexity
    branched: dict[str, Value] = (
        {} if draft.at is None else {"branched at token": draft.at + 1, "chosen by hand": "yes" if draft.forced else "no"}
    )
    return {
        "model": _one_line(draft.model),
        "fingerprint": _shortened(_one_line(draft.fingerprint), 64),
        "strategy": settings.strategy,
        **drawn[settings.strategy],
        "repetition penalty": settings.repetition_penalty,
        "longest": settings.max_new_tokens,
        "seed": settings.seed,
        "draft": f"{draft.number + 1} of {settings.drafts}",
        **branched,
        "tokens": len(draft.tokens),
        "perplexity": None if perplexity is None else round(perplexity, 2),
        "stopped": STOPPED.get(draft.stopped or "", "not finished"),
        "date": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def title(draft: Draft) -> str:
    """The prompt's first words on one line."""
    return _shortened(_one_line(draft.prompt[:1000]), 80) or "Draft"


# --- .txt


def _write_txt(draft: Draft, when: datetime) -> bytes:
    """The text as it is, an empty line, and one closing line."""
    return f"{_text(draft)}\n\n— Narrative: {_sentence(facts(draft, when))}\n".encode()


# --- .md


def _write_md(draft: Draft, when: datetime) -> bytes:
    """YAML front matter, then the text in CommonMark that shows every character as it is."""
    values = {"title": title(draft), **{name.replace(" ", "_").replace("-", "_"): value for name, value in facts(draft, when).items()}}
    front = "".join(f"{name}: {_yaml(value)}\n" for name, value in values.items())
    return f"---\n{front}---\n\n{markdown(_text(draft))}\n".encode()


def _yaml(value: Value) -> str:
    """A YAML 1.1 scalar; text is quoted, so that none of it is read as structure."""
    if value is None:
        return "null"
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda match: f"\\u{ord(match[0]):04x}", quoted)
    number = repr(value)
    return re.sub(r"^(\d+)e", r"\1.0e", number)  # YAML 1.1 takes 1e-05 for text


def markdown(text: str) -> str:
    """CommonMark whose rendering is `text`, character by character: paragraphs where it has an empty line, else hard breaks."""
    body = text.rstrip("\n")
    paragraphs = re.split(r"(?<=[^\n])\n\n", body)
    shown = "\n\n".join("\\\n".join(_markdown_line(line) for line in paragraph.split("\n")) for paragraph in paragraphs)
    return shown + "&#10;" * (len(text) - len(body))


def _markdown_line(line: str) -> str:
    """A line without any meaning to Markdown. White space at its ends, which would be dropped, becomes entities."""
    line = re.sub(r"[\\`*_{}\[\]<>&|~$^]", r"\\\g<0>", line)
    line = re.sub(r"^[#+\-=:%]", r"\\\g<0>", line)
    line = re.sub(r"^(\d+)([.)])", r"\1\\\2", line)
    return re.sub(r"^\s|\s$|\r", lambda match: f"&#{ord(match[0])};", line)


# --- .docx


def _write_docx(draft: Draft, when: datetime) -> bytes:
    """Seed text and continuation as paragraphs in a serif face; what wrote them in the file's properties."""
    document = Document()
    _set_type(document)
    for line in _lines(_text(draft)):
        paragraph = document.add_paragraph(line)
        if _right_to_left(line):
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))  # noqa: SLF001  python-docx has no name for it
    values = facts(draft, when)
    properties = document.core_properties
    properties.title = title(draft)
    properties.author = properties.last_modified_by = "Narrative"
    properties.subject = _shortened(f"Draft {values['draft']}, written by {values['model']}", LONGEST_PROPERTY)
    properties.keywords = _shortened(
        "; ".join(f"{name}={_shown(values[name])}" for name in ("fingerprint", "strategy", "seed", "perplexity", "model")), LONGEST_PROPERTY
    )
    properties.comments = _comments(values)
    properties.created = properties.modified = when
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _set_type(document: WordDocument) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = SERIF, Pt(12)
    for script in ("w:cs", "w:eastAsia"):
        style.element.rPr.rFonts.set(qn(script), SERIF)
    spacing = style.paragraph_format
    spacing.space_after, spacing.line_spacing_rule, spacing.line_spacing = Pt(0), WD_LINE_SPACING.MULTIPLE, 1.4


def _lines(text: str) -> list[str]:
    """The paragraphs: one a line, at most one empty one in a row and none at the ends."""
    lines = [line if line.strip() else "" for line in re.split("\r\n|\r|\n", text)]
    kept = [line for before, line in zip(["", *lines], lines, strict=False) if line or before]
    return kept[:-1] if kept and not kept[-1] else kept


def _right_to_left(line: str) -> bool:
    """Whether the first letter of a paragraph, which decides its direction, is Hebrew, Arabic or the like."""
    strong = (direction for direction in map(unicodedata.bidirectional, line) if direction in ("L", "R", "AL"))
    return next(strong, "L") != "L"


def _comments(values: Facts) -> str:
    """Model, settings and perplexity. A very long model name gives way, since Word takes no more than 255 characters."""
    told = {name: value for name, value in values.items() if name not in ("fingerprint", "tokens", "stopped", "date")}
    spare = LONGEST_PROPERTY - len(_sentence({**told, "model": ""}))
    return _shortened(_sentence({**told, "model": _shortened(str(told["model"]), max(spare, 1))}), LONGEST_PROPERTY)


# --- shared by the writers


def _text(draft: Draft) -> str:
    return writable(draft.prompt + draft.text)


def _sentence(values: Facts) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items()) + "."


def _shown(value: Value) -> str:
    return "unknown" if value is None else str(value)


def _one_line(text: str) -> str:
    return " ".join(writable(text).split())


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


WRITERS: dict[str, Writer] = {
    "txt": Writer("text/plain; charset=utf-8", _write_txt),
    "md": Writer("text/markdown; charset=utf-8", _write_md),
    "docx": Writer("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _write_docx),
}
