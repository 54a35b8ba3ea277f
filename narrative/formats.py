"""Records <-> the text a model reads. One format, one entry in `FORMATS`; training and generation share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from narrative.errors import CorpusError, require_choice, shown

START, END, PADDING = "<|startoftext|>", "<|endoftext|>", "<|pad|>"  # added where a vocabulary has no such token of its own


@dataclass(frozen=True)
class Record:
    """One piece of text to learn from: a chapter, a story, a tweet.

    `source` names the file or book it came from (the unit that a split keeps whole), `metadata` holds whatever else
    is known as text (author, tags, gid, label).
    """

    id: str
    source: str
    title: str
    section: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """What a model reads of one record: `given` comes first, `learned` is what it should write then."""

    given: str
    learned: str

    @property
    def text(self) -> str:
        return self.given + self.learned


@dataclass(frozen=True)
class Format:
    """How a record becomes training text, and how an editor's words become a prompt of the same shape."""

    name: str
    summary: str
    example: Callable[[Record, str], Example]  # (record, column); raises `CorpusError` when the record lacks the column
    prompt: Callable[[str], str]
    field: str = ""  # the metadata column that is usual; '' where none is needed
    packed: bool = True  # texts run on, block after block; otherwise one record is one row
    learns_given: bool = True  # whether the loss counts on `given` too (of a decoder-only model; an encoder only reads)
    framed: bool = False  # a row stands between a start token and an end token, and is filled up with a pad token of its own


def value_of(record: Record, column: str) -> str:
    """The record's value in a metadata column, on one line. Raises `CorpusError` naming the columns that there are."""
    value = record.metadata.get(column)
    if value is None or not str(value).strip():
        here = ", ".join(sorted(name for name, entry in record.metadata.items() if str(entry).strip()))
        has = f"Columns it has: {here}." if here else "It has no columns besides its text."
        raise CorpusError(f"Record {shown(record.id)} has nothing in the column {shown(column)}, which this format needs. {has}")
    return " ".join(str(value).split())


def _stream(record: Record, _: str) -> Example:
    return Example("", record.text)


def _prefix(record: Record, column: str) -> Example:
    mark = value_of(record, column)
    return Example("", "\n".join(f"{mark}|{line}" if line.strip() else line for line in record.text.split("\n")))


def _tags(record: Record, column: str) -> Example:
    return Example(f"Tags: {value_of(record, column)}\nStory:\n", record.text.strip())


def _label(record: Record, column: str) -> Example:
    label = value_of(record, column)
    return Example(f"Text: {' '.join(record.text.split())}\n{column.capitalize()}:", f" {label}")


FORMATS: dict[str, Format] = {
    "stream": Format(
        name="stream",
        summary="continuous text; an end-of-text token stands between records",
        example=_stream,
        prompt=lambda text: text,
    ),
    "prefix": Format(
        name="prefix",
        summary="continuous text in which every line begins with a metadata value, such as the number of its book: 1234|a line",
        example=_prefix,
        prompt=lambda text: text,
        field="gid",
    ),
    "tags": Format(
        name="tags",
        summary="tags, then the story that has them; only the story is learned",
        example=_tags,
        prompt=lambda tags: f"Tags: {tags}\nStory:\n",
        field="tags",
        packed=False,
        learns_given=False,
    ),
    "label": Format(
        name="label",
        summary="a text, then its label, between start and end tokens",
        example=_label,
        prompt=lambda text: f"Text: {' '.join(text.split())}\nLabel:",
        field="label",
        packed=False,
        framed=True,
    ),
}


def format_named(name: str) -> Format:
    """The format of that name; `SettingsError` names the others."""
    require_choice("format", name, FORMATS)
    return FORMATS[name]
