"""Where a model, a seed text and the store meet. It knows nothing of pages; a tab draws what it yields.

Every run yields a `Stage` while the model is being loaded and a `Progress` about fifteen times a second while it writes.
What is written is in the store from the first word on, about once a second, and also when whoever watches goes away.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import queue
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from narrative.errors import NarrativeError, PromptError, SettingsError, StoreError, require_whole
from narrative.example import EXAMPLE, PROMPT, write_example
from narrative.generation import Draft, Generation, GenerationSettings, generate, regenerate
from narrative.generation.settings import MOST_TOKENS
from narrative.models import LanguageModel, ModelCache, default_model
from narrative.store import Sheet, Store
from narrative.studio.runs import Runs
from narrative.studio.saving import Place, Saving
from narrative.studio.words import brief, new_seed, word_of

log = logging.getLogger(__name__)

ADOPTED = "The example"
FRAMES_A_SECOND = 15
FIRST_PAGE = 3.0  # seconds that the model waits for somebody to open a page before it is loaded all the same
DRAWING = 0.3  # seconds that a browser takes to draw a page it has just been given
AT_LEAST = 40  # tokens that a branch near the end of a draft still gets


@dataclass(frozen=True)
class Stage:
    """What is being done before the first word, and how far it is (0 to 1, or None)."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Progress:
    """A sheet while it is being written. `active` are the ids of the drafts that are growing."""

    sheet: str
    drafts: tuple[Draft, ...]
    active: frozenset[str]


Run = Generator[Stage | Progress, None, None]


class Studio:
    """One for the whole app; every call names the owner, and the store refuses what isn't theirs."""

    def __init__(self, store: Store, models: ModelCache, *, example: tuple[Draft, ...] = ()) -> None:
        self.store = store
        self.models = models
        self.example = example
        self.runs = Runs()
        self._warm, self._first_page = threading.Event(), threading.Event()

    @staticmethod
    def import_engine() -> None:
        """Import what writing needs, before any page is served: three seconds that would fall on the first page or the first word."""
        importlib.import_module("torch")
        importlib.import_module("transformers.models.gpt2.modeling_gpt2")  # the shipped model's

    def page_opened(self) -> None:
        """A page has what it shows; now the machine is free for the model."""
        self._first_page.set()

    def warm_up(self, model: str) -> None:
        """Load the model that is asked for first and write the example if none lies there. For a thread of its own.

        It lets the first page through before it, for loading would keep that waiting.
        """
        if self._first_page.wait(FIRST_PAGE):
            time.sleep(DRAWING)
        try:
            loaded = self.models.get(model or default_model())
            self.example = self.example or write_example(loaded)
            for _ in generate(loaded, PROMPT, settings=GenerationSettings(drafts=1, max_new_tokens=2)):
                pass  # the first tokens of a process are slow
        except NarrativeError as error:
            log.warning("the first model could not be made ready: %s", error)
        finally:
            self._warm.set()

    def example_drafts(self, wait: float = 20) -> tuple[Draft, ...]:
        """The example. When it is being written just now, whoever asks waits up to `wait` seconds."""
        if not self.example:
            self._first_page.set()  # this page has nothing to show before the model is there
            self._warm.wait(wait)
        return self.example

    # ---- reading

    def sheet(self, owner: str, sheet: str) -> Sheet:
        """The sheet of that id; the example becomes the owner's own as soon as something is done with it."""
        return self._adopt(owner) if sheet == EXAMPLE else self.store.sheet(owner, sheet)

    def drafts(self, owner: str, sheet: str) -> tuple[Draft, ...]:
        """All drafts of a sheet; the example stays everybody's."""
        return self.example_drafts() if sheet == EXAMPLE else self.store.sheet(owner, sheet).drafts

    def draft(self, owner: str, draft: str) -> Draft:
        return next((one for one in self.example if one.id == draft), None) or self.store.draft(owner, draft)

    def follow(self, owner: str, token: str) -> Sheet:
        """Open what a link points to: one's own sheet as it is, a foreign one as a copy."""
        sheet = self.store.follow(token)
        with contextlib.suppress(StoreError):
            return self.store.open(owner, sheet.id)
        return self.store.put(owner, tuple(draft.copy() for draft in sheet.drafts), label=f"From a link: {brief(sheet.drafts[0].prompt)}")

    # ---- writing

    def write(self, owner: str, model: str, prompt: str, settings: GenerationSettings, *, stop: threading.Event) -> Run:
        """New drafts of `prompt`, side by side on a new sheet."""
        loaded = yield from self.load(model)
        yield from self._record(owner, generate(loaded, prompt, settings=settings), Place(label=brief(prompt)), stop)

    def branch(self, owner: str, sheet: str, draft: str, *, at: int, token: int | None, stop: threading.Event) -> Run:
        """A new sheet on which `draft` goes another way from token `at` on: with `token`, or with a new seed."""
        place, old = self._place(owner, sheet, draft)
        require_whole("the word to branch from", at, low=0, high=max(0, len(old.tokens) - 1))
        require_whole("the chosen word", token or 0, low=0, high=2**31)
        here = word_of(old, at)
        other = next((word.text.strip() for word in old.tokens[at].alternatives if word.id == token), "") if old.tokens else ""
        label = f"From “{here}” once more" if token is None else f"“{other or 'another word'}” instead of “{here}”"
        length = min(MOST_TOKENS, max(old.settings.max_new_tokens, at + min(AT_LEAST, old.settings.max_new_tokens)))
        settings = replace(old.settings, drafts=1, max_new_tokens=length, seed=new_seed() if token is None else old.settings.seed)
        loaded = yield from self.load(old.model)
        yield from self._record(owner, regenerate(loaded, old, at=at, token=token, settings=settings), replace(place, label=label), stop)

    def again(self, owner: str, sheet: str, draft: str, *, stop: threading.Event) -> Run:
        """A new sheet on which `draft` is written once more, from the first word, with a new seed."""
        place, old = self._place(owner, sheet, draft)
        settings = replace(old.settings, drafts=1, seed=new_seed())
        loaded = yield from self.load(old.model)
        yield from self._record(owner, generate(loaded, old.prompt, settings=settings), replace(place, label=f"{place.name} again"), stop)

    def go_on(self, owner: str, sheet: str, draft: str, *, more: int, stop: threading.Event) -> Run:
        """A new sheet on which `draft` has up to `more` further tokens."""
        place, old = self._place(owner, sheet, draft)
        if len(old.tokens) >= MOST_TOKENS:
            raise SettingsError(f"This draft has {len(old.tokens)} tokens, the most there is. Copy its end into the seed text to go on.")
        settings = replace(old.settings, drafts=1, max_new_tokens=min(MOST_TOKENS, len(old.tokens) + more))
        loaded = yield from self.load(old.model)
        generation = regenerate(loaded, old, at=len(old.tokens), settings=settings)
        yield from self._record(owner, generation, replace(place, label=f"{place.name}, longer"), stop)

    def sketch(self, model: str, prompt: str, settings: GenerationSettings) -> Iterator[tuple[Draft, ...]]:
        """Drafts for a program: nothing is stored."""
        generation = generate(self.models.get(model), prompt, settings=settings)
        shown = 0.0
        for _ in generation:
            if time.monotonic() - shown >= 1 / FRAMES_A_SECOND:
                shown = time.monotonic()
                yield generation.drafts
        yield generation.drafts

    def load(self, name: str) -> Generator[Stage, None, LanguageModel]:
        """The model of that name, by way of the stages of its loading. Raises `ModelError`."""
        inbox: queue.SimpleQueue[Stage | LanguageModel | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                inbox.put(self.models.get(name, progress=lambda text, share: inbox.put(Stage(text, share))))
            except BaseException as error:  # noqa: BLE001 - raised again below, in the thread of whoever asked
                inbox.put(error)

        threading.Thread(target=work, daemon=True, name="load model").start()
        while True:
            item = inbox.get()
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, LanguageModel):
                return item
            yield item

    # ---- how a run gets into the store

    def _record(self, owner: str, generation: Generation, place: Place, stop: threading.Event) -> Run:
        save = Saving(self.store, owner, place, generation)
        active = frozenset(draft.id for draft in generation.drafts)
        steps, shown = iter(generation), 0.0
        if stop.is_set():
            generation.stop()
        try:
            for _ in steps:
                if stop.is_set():
                    generation.stop()
                save.now_and_then()
                if time.monotonic() - shown >= 1 / FRAMES_A_SECOND:
                    shown = time.monotonic()
                    yield Progress(save.sheet, place.around(generation.drafts), active)
        finally:  # also when the browser's tab was closed or the model failed
            generation.stop()
            for _ in steps:
                pass
            save.now()
        if not save.sheet:
            raise PromptError("Stopped before the first word. Nothing was written.")
        yield Progress(save.sheet, place.around(generation.drafts), frozenset())

    def _place(self, owner: str, sheet: str, draft: str) -> tuple[Place, Draft]:
        number = next((index for index, one in enumerate(self.example) if one.id == draft), None) if sheet == EXAMPLE else None
        whole = self.sheet(owner, sheet)
        if number is None:
            wanted = self.store.draft(owner, draft)
            number = next((index for index, one in enumerate(whole.drafts) if one.id == wanted.id), None)
        if number is None:
            raise SettingsError(f"There is no such draft on the sheet “{brief(whole.label)}”. Open it in the history again.")
        return Place(label=whole.label, parent=whole.id, others=whole.drafts, number=number), whole.drafts[number]

    def _adopt(self, owner: str) -> Sheet:
        """The owner's own copy of the example, made once."""
        made = next((entry.id for entry in self.store.tree(owner) if entry.label == ADOPTED and entry.parent is None), None)
        return (
            self.store.sheet(owner, made) if made else self.store.put(owner, tuple(draft.copy() for draft in self.example), label=ADOPTED)
        )
