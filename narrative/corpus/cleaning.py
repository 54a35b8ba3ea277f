"""A document as it was read -> as a model should learn it, by rules that can each be switched off and that say what they did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from narrative.corpus.document import Document, Paragraph, Section
from narrative.corpus.matter import MATTER
from narrative.corpus.rules.characters import MOJIBAKE, UNICODE
from narrative.corpus.rules.furniture import FURNITURE
from narrative.corpus.rules.gutenberg import GUTENBERG
from narrative.corpus.rules.lines import BLANKS, HYPHENS, WRAPS
from narrative.corpus.rules.manner import Manner
from narrative.corpus.rules.rule import PLAIN, Rule
from narrative.errors import require_choice

RULES: dict[str, Rule] = {rule.name: rule for rule in (MOJIBAKE, UNICODE, HYPHENS, FURNITURE, WRAPS, BLANKS, GUTENBERG, MATTER)}
DEFAULTS = tuple(rule.name for rule in RULES.values() if rule.on)
SHOWN = 2_000  # characters of a removed text that are kept for the report
PASSES = 8
"""Rules are applied until nothing changes, so that cleaning twice is cleaning once. Text that never settles is left as it is."""
_PLAIN = re.compile(f"[{PLAIN}]*+")


@dataclass(frozen=True)
class Change:
    """What one rule did to a document."""

    times: int = 0
    """Paragraphs that it changed or took out."""
    characters: int = 0
    """Characters that stood there before and don't any more, each counted as often as it is missing."""


@dataclass(frozen=True)
class Removed:
    """What one rule took out whole of one section."""

    rule: str
    section: str
    text: str  # its beginning
    words: int


@dataclass(frozen=True)
class Cleaned:
    document: Document
    counts: Mapping[str, Change]  # every rule that was on, also those that found nothing
    removed: tuple[Removed, ...]


@dataclass(frozen=True)
class Comparison:
    """One paragraph before and after. `after` is None when it was taken out; `rules` names those that touched it."""

    section: str
    before: Paragraph
    after: Paragraph | None
    rules: tuple[str, ...]


@dataclass(slots=True)
class _Proof:
    """A paragraph in work."""

    before: Paragraph
    after: Paragraph | None
    changes: dict[str, int] = field(default_factory=dict)  # rule -> characters


def clean(document: Document, *, rules: Collection[str] = DEFAULTS) -> Cleaned:
    """`document` after `rules`, applied in the order of `RULES`, and what each of them did.

    A section of which nothing is left goes too. Cleaning what is clean changes nothing. Raises `SettingsError` for an unknown rule.
    """
    chosen = _chosen(rules)
    pages = _proofs(document, chosen)
    cleaned = _left(_retitled(document, chosen), pages)[0]
    return Cleaned(cleaned, _counted(pages, chosen), tuple(_removed(document, pages)))


def compare(document: Document, rules: Collection[str] = DEFAULTS) -> Iterator[Comparison]:
    """Every paragraph of `document` with what `clean` makes of it, in order. Raises `SettingsError` for an unknown rule."""
    for section, page in zip(document.sections, _proofs(document, _chosen(rules)), strict=True):
        for proof in page:
            yield Comparison(section.title, proof.before, proof.after, tuple(proof.changes))


def _chosen(names: Collection[str]) -> list[Rule]:
    for name in names:
        require_choice("cleaning rule", name, RULES)
    return [rule for rule in RULES.values() if rule.name in names]


def _proofs(document: Document, rules: list[Rule]) -> list[list[_Proof]]:
    manner = Manner(document)
    mends = [rule for rule in rules if rule.mend]
    pages = [[_mended(paragraph, mends, manner) for paragraph in section.paragraphs] for section in document.sections]
    cuts = [rule for rule in rules if rule.cut]
    titled = _retitled(document, rules)
    for _ in range(PASSES):
        if not sum(_cut(titled, pages, rule) for rule in cuts):
            break
    return pages


def _left(document: Document, pages: list[list[_Proof]]) -> tuple[Document, list[list[_Proof]]]:
    """The document as far as it is still there, and the proofs of its paragraphs."""
    sections, proofs = [], []
    for section, page in zip(document.sections, pages, strict=True):
        left = [(proof, proof.after) for proof in page if proof.after is not None]
        if left or not page:
            untitled = page and page[0].before.kind == "heading" and page[0].after is None  # the name of a list that is gone
            title = "" if untitled else section.title
            sections.append(Section(title, tuple(after for _, after in left), section.role))
            proofs.append([proof for proof, _ in left])
    return replace(document, sections=tuple(sections)), proofs


def _is_plain(text: str) -> bool:
    return text[:1] != " " and text[-1:] != " " and "  " not in text and _PLAIN.fullmatch(text) is not None


def _mended(paragraph: Paragraph, rules: list[Rule], manner: Manner) -> _Proof:
    proof = _Proof(paragraph, paragraph)
    if _is_plain(paragraph.text):
        return proof
    now = paragraph
    for _ in range(PASSES):
        earlier = now
        for rule in rules:
            if rule.mend is None or not rule.touches(now.text):
                continue
            after = rule.mend(now, manner)
            if after != now:
                proof.changes[rule.name] = proof.changes.get(rule.name, 0) + _missing(now.text, after.text)
                now = after
        if now == earlier:
            proof.after = now if now.text or not paragraph.text else None
            return proof
    return _Proof(paragraph, paragraph)


def _missing(before: str, after: str) -> int:
    if after in before:  # nothing, or something at one end: a quick answer to the most frequent case
        return len(before) - len(after)
    return sum((Counter(before) - Counter(after)).values())


def _cut(document: Document, pages: list[list[_Proof]], rule: Rule) -> int:
    """Let `rule` take paragraphs out of what is left; how many it did."""
    if rule.cut is None:
        return 0
    left, proofs = _left(document, pages)
    places = rule.cut(left)
    for at, index in places:
        proof = proofs[at][index]
        proof.changes[rule.name] = proof.changes.get(rule.name, 0) + len(left.sections[at].paragraphs[index].text)
        proof.after = None
    return len(places)


def _retitled(document: Document, rules: list[Rule]) -> Document:
    """Names are repaired as the headings are that repeat them; that is not counted twice."""
    mends = [rule for rule in rules if rule.mend]
    manner = Manner(document)

    def repaired(name: str) -> str:
        after = _mended(Paragraph(name, "heading"), mends, manner).after
        return after.text if after else ""

    sections = tuple(replace(section, title=repaired(section.title)) for section in document.sections)
    return replace(document, title=repaired(document.title), author=repaired(document.author), sections=sections)


def _counted(pages: list[list[_Proof]], rules: list[Rule]) -> Mapping[str, Change]:
    times: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for page in pages:
        for proof in page:
            if proof.changes:
                times.update(proof.changes.keys())
                characters.update(proof.changes)
    return {rule.name: Change(times[rule.name], characters[rule.name]) for rule in rules}


def _removed(document: Document, pages: list[list[_Proof]]) -> Iterator[Removed]:
    """One entry per section and rule, in the order of the document."""
    for section, page in zip(document.sections, pages, strict=True):
        gone: dict[str, list[str]] = {}
        for proof in page:
            if proof.after is None:
                gone.setdefault(list(proof.changes)[-1], []).append(proof.before.text)
        for rule, texts in gone.items():
            yield Removed(rule, section.title, "\n\n".join(texts)[:SHOWN], sum(len(text.split()) for text in texts))
