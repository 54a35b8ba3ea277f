"""InDesign Markup (.idml): the stories in the order in which a reader of the printed pages meets them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.package import Package, resolve
from narrative.corpus.readers.idml_layout import Frame, layers_unseen, spread_frames
from narrative.corpus.readers.idml_sections import sections
from narrative.corpus.readers.idml_story import StoryReader, Tally, Typed, count_words
from narrative.corpus.readers.idml_styles import Styles, language_tag
from narrative.corpus.xml import parse_xml
from narrative.errors import DocumentError

INDD = bytes.fromhex("0606edf5d81d46e5")
MAP = "designmap.xml"
PACKAGING = "{http://ns.adobe.com/AdobeInDesign/idml/1.0/packaging}"
RDF_LIST = ".//{http://purl.org/dc/elements/1.1/}%s//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
JUNK_TITLES = re.compile(r"untitled\b.*|sans titre\b.*|unbenannt\b.*|.*\.indd", re.IGNORECASE)
MAX_ANCHORS = 20
"""Frames inside the text of frames inside the text of frames: levels that are followed."""

PARENT = "on parent pages (running heads, page numbers)"
UNPLACED = "in stories that no frame shows"


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document. Raises `DocumentError` for .indd files and for packages that are damaged, hostile or without text."""
    try:
        with path.open("rb") as file:
            start = file.read(len(INDD))
    except OSError as error:
        raise DocumentError(f"The file can't be opened: {error.strerror}.") from error
    if start == INDD:
        raise DocumentError("This is an InDesign document; in InDesign choose File > Export > InDesign Markup (IDML) and bring that.")
    with Package(path) as package:
        try:
            document = _Publication(package, options).document()
        except RecursionError as error:
            raise DocumentError("The text is nested deeper than any layout needs.") from error
    yield document


class _Publication:
    """The parts of one package, and what was found and left out while they are read."""

    def __init__(self, package: Package, options: ReadOptions) -> None:
        if MAP not in package:
            raise DocumentError(f"This is no InDesign file: the package has no {MAP}.")
        self._package = package
        self._map = parse_xml(package.read(MAP), what=MAP)
        self._styles = Styles(self._resource("Styles"))
        self._tally = Tally(Counter(), Counter())
        self._layers = layers_unseen(self._map)
        self._rightward = all(item.get("PageBinding") != "RightToLeft" for item in self._resource("Preferences").iter("DocumentPreference"))
        self._parts = {_story_id(part): part for part in self._sources("Story")}
        self._waiting = dict(self._parts)  # stories that were not read yet
        self._notes = options.notes == "place"
        self._endnotes = self._endnote_texts()

    def document(self) -> Document:
        frames = [frame for part in self._sources("Spread") for frame in self._frames(part)]
        order = story_order(frames)
        warnings: list[str] = []
        if not order and self._waiting:
            order = [story for story in self._waiting if story not in {frame.story for frame in frames}]
            warnings.append("No frame on a page shows text, so the stories are read in the order of the file.")
        blocks = [block for story in order if (block := self._block(story)) is not None]
        self._count_left_out(frames)
        body = sections(blocks, self._styles)
        if not body:
            raise DocumentError("There is no text in it" + self._reasons(": all of it stands ", " and ") + ".")
        if self._tally.left_out:
            warnings.append("Left out were" + self._reasons(" ", ", ") + ".")
        title, author, language = self._metadata()
        return Document(title, body, author, language, warnings=tuple(warnings))

    def _sources(self, tag: str) -> list[str]:
        """The parts that the map names under one tag, in its order."""
        return [resolve(MAP, source) for item in self._map.iter(PACKAGING + tag) if (source := item.get("src"))]

    def _resource(self, tag: str) -> Any:
        """A part that a file may lack."""
        found = [part for part in self._sources(tag) if part in self._package]
        return parse_xml(self._package.read(found[0]), what=found[0]) if found else self._map

    def _frames(self, part: str) -> Iterator[Frame]:
        root = parse_xml(self._package.read(part), what=part)
        for spread in root.iter("Spread"):
            yield from spread_frames(spread, self._layers, rightward=self._rightward)

    def _story(self, part: str) -> Any:
        return next(parse_xml(self._package.read(part), what=part).iter("Story"), None)

    def _endnote_texts(self) -> dict[str, Any]:
        """The texts of all endnotes, by the id of their reference: InDesign keeps them in one story of their own."""
        texts = {}
        for part in self._parts.values():
            content = self._package.read(part)
            if b'IsEndnoteStory="true"' in content:
                ranges = parse_xml(content, what=part).iter("EndnoteRange")
                texts.update({text.get("SourceEndnote", ""): text for text in ranges})
        return texts

    def _block(self, story: str, depth: int = 0) -> tuple[list[Typed], str] | None:
        """The paragraphs of a story with those of the frames inside it, and the story's role; None when it was read before."""
        part = self._waiting.pop(story, None)
        root = None if part is None else self._story(part)
        if root is None:
            return None
        reader = StoryReader(self._styles, self._tally, notes=self._notes, endnotes=self._endnotes, layers=self._layers)
        typed: list[Typed] = []
        for item in reader.read(root):
            if isinstance(item, Typed):
                typed.append(item)
            elif depth < MAX_ANCHORS and (inside := self._block(item.story, depth + 1)):
                typed += inside[0]
        return typed, "contents" if root.get("AppliedTOCStyle", "n") != "n" else "body"

    def _count_left_out(self, frames: Iterable[Frame]) -> None:
        """Every story that was not read, with the reason that its first frame gives."""
        reasons = {frame.story: frame.unseen for frame in reversed(list(frames)) if frame.unseen}
        for part in self._sources("MasterSpread") if self._waiting else ():
            for item in parse_xml(self._package.read(part), what=part).iter():
                reasons.setdefault(item.get("ParentStory", ""), PARENT)
        for story, part in self._waiting.items():
            root = self._story(part)
            words = 0 if root is None else count_words(root)
            if words:
                self._tally.left_out[reasons.get(story, UNPLACED)] += words

    def _reasons(self, before: str, between: str) -> str:
        counts = sorted(self._tally.left_out.items(), key=lambda item: -item[1])
        return before + between.join(f"{words:,} word{'s' if words != 1 else ''} {where}" for where, words in counts) if counts else ""

    def _metadata(self) -> tuple[str, str, str]:
        """Title, author and language; the language the text is set in when the metadata don't say one."""
        found = {"title": "", "creator": "", "language": ""}
        if "META-INF/metadata.xml" in self._package:
            root = parse_xml(self._package.read("META-INF/metadata.xml"), what="META-INF/metadata.xml", recover=True)
            for name in found:
                values = [" ".join((item.text or "").split()) for item in root.iterfind(RDF_LIST % name)]
                found[name] = ", ".join(value for value in values if value) if name == "creator" else next(iter(values), "")
        if JUNK_TITLES.fullmatch(found["title"]):
            found["title"] = ""
        spoken = self._tally.languages.most_common(1)
        return found["title"], found["creator"], found["language"] or (language_tag(spoken[0][0]) if spoken else "")


def story_order(frames: list[Frame]) -> list[str]:
    """The stories that are seen, each once: where its thread starts, or where it is first seen when the start isn't."""
    seen = [frame for frame in frames if not frame.unseen]
    started = {frame.story for frame in seen if frame.first}
    return list(dict.fromkeys(frame.story for frame in seen if frame.first or frame.story not in started))


def _story_id(part: str) -> str:
    """InDesign names the part after the story: Stories/Story_u1ab.xml."""
    return part.rpartition("/")[2].removeprefix("Story_").removesuffix(".xml")
