"""What lies open: passages captured once, however often they are looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from explain.ablation import AblationMap, Target, ablation_map
from explain.attention import capture
from explain.compare import AttentionDifference, difference
from explain.passage import MOST_SHOWN, Passage, passage_of, read_as, read_text, reread
from explain.reading.look import Look
from explain.results import AttentionMap, AttentionMaps
from explain.roles import HeadRoles, head_roles
from narrative.errors import PromptError
from narrative.generation import Draft
from narrative.models import LanguageModel
from narrative.studio import Stage, Studio

KEPT = 4  # passages with their maps: 80 MB each for 256 tokens and 12 x 12 heads, twice that once the first word was left out
KEPT_MODELS = 2  # whose passages are kept: a passage keeps its model in memory


@dataclass(frozen=True)
class Source:
    """A text to be looked at: a draft, or words that somebody typed."""

    model: str
    """Who is to read it: a name that the studio can load."""
    draft: Draft | None = None
    prompt: str = ""
    completion: str = ""
    until: int | None = None
    """A token of the draft that must be seen when the text is longer than the limit."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A passage with all that its maps tell. What costs time is worked out when it is first asked for, and then kept."""

    model: LanguageModel
    pieces: AttentionMaps
    notes: tuple[str, ...] = ()
    """Sentences about what is shown and what isn't."""
    _shown: dict[tuple[str, bool], AttentionMaps] = field(default_factory=dict)
    _roles: dict[str, HeadRoles] = field(default_factory=dict)
    _surveys: dict[tuple[str, str, Target], AblationMap] = field(default_factory=dict)

    @property
    def passage(self) -> Passage:
        return self.pieces.passage

    @cached_property
    def words(self) -> AttentionMaps:
        return self.pieces.by_words()

    def maps(self, look: Look) -> AttentionMaps:
        """By the unit that was chosen, without the sink if it was hidden."""
        shown = look.unit, look.hide_sink
        if shown not in self._shown:
            maps = self.words if look.unit == "words" else self.pieces
            self._shown[shown] = maps.without_sink() if look.hide_sink else maps
        return self._shown[shown]

    def map(self, look: Look) -> AttentionMap:
        """The map that is looked at. A part that this model doesn't have gives the one to begin with."""
        maps = self.maps(look)
        return maps.map(look.part if look.part in {one.name for one in maps.maps} else None)

    def roles(self, name: str) -> HeadRoles:
        """What the heads of that map do on this text. By words and with the sink, whatever is shown."""
        if name not in self._roles:
            self._roles[name] = head_roles(self.words.map(name))
        return self._roles[name]

    def survey(self, *, part: str, kind: str, target: Target) -> Iterator[AblationMap]:
        """As `ablation_map`; what was worked out whole before comes at once."""
        key = (part, kind, target)
        if key in self._surveys:
            yield self._surveys[key]
            return
        for result in ablation_map(self.model, self.passage, part=part, kind=kind, target=target):
            if result.done == result.effects.shape[0]:
                self._surveys[key] = result
            yield result


def passage_for(model: LanguageModel, source: Source, *, limit: int = MOST_SHOWN) -> tuple[Passage, str]:
    """The passage, and a sentence when it isn't read just as it was written; "" when it is."""
    draft = source.draft
    if draft is None:
        return read_text(model, source.prompt, source.completion, limit=limit), ""
    if model.fingerprint == draft.fingerprint:
        return passage_of(model, draft, limit=limit, until=source.until), ""
    if model.name == draft.model:
        told = "The weights of this model have changed since the draft was written: it may look elsewhere now."
    else:
        told = f"This draft was written by {draft.model}; here {model.card.title or model.name} reads it."
    try:
        return passage_of(model, draft, limit=limit, until=source.until), told
    except PromptError:
        return reread(model, draft.prompt, draft.text, limit=limit), told


def passage_again(model: LanguageModel, passage: Passage) -> Passage:
    """The same text for another model: by the same tokens if they say the same to it."""
    prompt, completion = ("".join(piece.text for piece in part) for part in (passage.prompt, passage.completion))
    return read_as(model, passage) or reread(model, prompt, completion, limit=passage.limit)


def captured(model: LanguageModel, passage: Passage, note: str = "") -> Opened:
    """The passage with its maps. Raises as `capture` does."""
    maps = capture(model, passage)
    return Opened(model, maps, tuple(sentence for sentence in (note, passage.trimmed, *maps.notes) if sentence))


class Desk:
    """One for the whole app. Keeps the `KEPT` passages that were looked at last; thread-safe."""

    def __init__(self, studio: Studio, *, limit: int = MOST_SHOWN) -> None:
        self.studio, self.limit = studio, limit
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, Passage, str], Opened] = OrderedDict()

    def open(self, source: Source) -> Generator[Stage, None, Opened]:
        """Load, read, capture, by way of the stages of that. Raises `ModelError`, `PromptError` or `ExplainError`."""
        model = yield from self.studio.load(source.model)
        passage, note = passage_for(model, source, limit=self.limit)
        return (yield from self._opened(model, passage, note))

    def compared(self, opened: Opened, other: str, *, look: Look) -> Generator[Stage, None, AttentionDifference]:
        """The passage under another model, set against this one. Raises like `open`, and `ExplainError` when they can't be compared."""
        model = yield from self.studio.load(other)
        read = yield from self._opened(model, passage_again(model, opened.passage), "")
        base, tuned = opened.maps(look), read.maps(look)
        return difference(base, tuned, name=opened.map(look).name)

    def _opened(self, model: LanguageModel, passage: Passage, note: str) -> Generator[Stage, None, Opened]:
        key = (model.fingerprint, passage, note)
        with self._lock:
            found = self._open.get(key)
            if found:
                self._open.move_to_end(key)
                return found
        yield Stage("Reading the text once more…")
        opened = captured(model, passage, note)
        with self._lock:
            self._open[key] = opened
            self._make_room()
        return opened

    def _make_room(self) -> None:
        """Only the newest passages, and none of a model that hasn't been read with lately."""
        recent = list(dict.fromkeys(key[0] for key in reversed(self._open)))[:KEPT_MODELS]
        for key in [key for key in self._open if key[0] not in recent]:
            del self._open[key]
        while len(self._open) > KEPT:
            self._open.popitem(last=False)
