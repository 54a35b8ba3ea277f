"""Why this word? The instant answer beside the drafts, for the word that was just chosen, and a way into the whole tab."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from explain.asking import SPAN, Ask, Text, WordDesk
from explain.importance import WordImportance
from explain.tabs.newest import Newest
from explain.tabs.sheets import asset
from explain.tabs.texts import Origin, origin_of, place_of
from explain.tabs.watching import watched
from explain.tabs.wiring import BRIEF
from explain.word_views.sentences import sentence_of, shortened
from explain.word_views.shading import Shaded, shade
from explain.words import Span
from narrative.errors import ExplainError, SettingsError, shown
from narrative.models import SEQ2SEQ
from narrative.selection import Selection
from narrative.studio import Studio
from narrative.tabs.shared import Owners, Shared, payload, sorry

STYLE = asset("why.css")
EXACT, ROUGH = "ablation", "input x gradient"
AT_A_GLANCE = 1e10  # multiplications that one core does well within a second
_TOLD = {EXACT: "Each word left out in turn.", ROUGH: "Instant and rough."}
NEAR = 84  # characters before the word that are shown: about three lines
STRONG = 0.5  # share of the scale from which an earlier word is shown too
MOST = 4  # of those
_LOST = "The model cuts this draft into other pieces now, so the word can't be found in it again. Choose another draft."
_TEMPLATE = """
<section class="why" aria-labelledby="why-title" aria-busy="false">
  <h2 id="why-title"><span class="lead">Why</span> <span class="chosen" dir="auto">this word</span><span class="lead">?</span></h2>
  <p class="hollow">Click a word: here stands which words brought it about.</p>
  <p class="stage" role="status" aria-live="polite"></p>
  <p class="trouble" role="alert" hidden></p>
  <div class="answer" hidden>
    <p class="line" dir="auto"></p>
    <p class="key" aria-hidden="true">against <span class="scale"></span> for</p>
    <p class="sentence" aria-live="polite"></p>
    <ul class="notes"></ul>
  </div>
  <p class="about" hidden><span class="how"></span> <button type="button" class="link more"
    title="Other methods, and whether the answer is true">More in Word importance</button></p>
</section>
"""

Data = dict[str, Any]


def build(shared: Shared, desk: WordDesk, studio: Studio, *, model: str) -> None:
    """Lay the panel out where it is called. `model`: the one that the app begins with."""
    with gr.Column(elem_classes=["card", "why-card"]):
        page = gr.HTML(None, html_template=_TEMPLATE, js_on_load=asset("why.js"), apply_default_css=False, elem_id="why")
    panel = Why(desk, studio, shared.owners, model=model)

    def ask(owner: str, event: gr.EventData, request: gr.Request) -> Iterator[Data]:
        yield from panel.answer(owner, payload(event), request)

    page.ask(ask, shared.owner, page, **BRIEF)


class Why:
    """The page says itself which word it means, and numbers what it asks: an older question is left as soon as a newer one came."""

    def __init__(self, desk: WordDesk, studio: Studio, owners: Owners, *, model: str) -> None:
        self.desk, self.studio, self.owners, self.model = desk, studio, owners, model
        self.newest = Newest()

    def answer(self, owner: str, data: Data, request: gr.Request) -> Iterator[Data]:
        """Stages of loading, then the answer, or a sentence that says why there is none; nothing to a question that is not the newest."""
        turn, session = data.get("turn"), str(request.session_hash)
        try:
            if not isinstance(turn, int):
                raise SettingsError(f"The page sent {shown(turn)} as the number of its question. Reload it.")
            self.newest.note(session, turn)
            wanted = data | {"source": "draft", "model": "", "opening": True}
            origin = origin_of(self.studio, self.owners.of(owner, request), Selection(), wanted)
            if data.get("clicked") is not True and not self._at_hand(origin.source.model):
                yield {"turn": turn, "hollow": True}
                return
            passed, stages = partial(self.newest.passed, session, turn), partial(_stage, turn)
            text = yield from watched(self.desk.open(origin.source), passed, stages)
            importance = text and (yield from watched(self.desk.explain(text, ask_for(origin, text)), passed, stages))
            if importance:
                yield {"turn": turn} | draw(importance, notes=text.notes)
        except ExplainError as error:
            yield {"turn": turn, "told": str(error)}
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            yield {"turn": turn, "trouble": sorry(error)["text"]}

    def _at_hand(self, name: str) -> bool:
        """A word that nobody clicked, for it was marked when a sheet was opened, is not worth the loading of a model."""
        return name == self.model or self.studio.models.holds(name)


def _stage(turn: int, step: Data) -> Data | None:
    """What is being done; how far it is matters to nobody who waits less than a second."""
    return {"turn": turn, "stage": step["stage"]} if "stage" in step else None


def ask_for(origin: Origin, text: Text) -> Ask:
    """The word that the chosen token is in. Raises `ExplainError` where the draft's tokens are others now."""
    place = place_of(origin, text.passage)
    word = next((span for span in text.words() if place is not None and span.start <= place < span.stop), None)
    if word is None:
        raise ExplainError(_LOST)
    return Ask(aim=SPAN, start=word.start, stop=word.stop, method=quickest(text, word))


def quickest(text: Text, word: Span) -> str:
    """Leaving out each word in turn tells more than a gradient, where it takes no longer than a glance: one reading a word."""
    passage = text.passage
    read = len(passage.encoder) if passage.kind == SEQ2SEQ else 0  # tokens: there are fewer words
    readings = read + sum(1 for span in text.words() if span.start < word.start)
    return EXACT if text.model.model.num_parameters() * (read + word.stop) * readings <= AT_A_GLANCE else ROUGH


def draw(importance: WordImportance, *, notes: tuple[str, ...] = ()) -> Data:
    """[text, colour, what the pointer says, whether the model wrote it, whether it is the word itself] a word, None for what is left
    out between two."""
    strip = shade(importance)
    places = excerpt(strip.words)
    line: list[list[Any] | None] = [None] if places and any(word.text for word in strip.words[: places[0]]) else []
    for place, after in zip(places, [*places[1:], places[-1] + 1], strict=True):
        word = strip.words[place]
        line.append([word.text if word.text.strip() else f"{word.text}{word.label} ", word.colour, word.told, word.own, word.target])
        line += [None] if after > place + 1 else []
    return {
        "word": shortened(importance.question.label), "line": line, "gradient": strip.gradient, "legend": f"{strip.low} to {strip.high}",
        "sentence": sentence_of(importance), "notes": list(notes), "about": _TOLD[importance.method],
    }  # fmt: skip


def excerpt(words: tuple[Shaded, ...]) -> list[int]:
    """The places, in text order, of the target, the words just before it, and the strongest of the earlier ones."""
    target = [word.place for word in words if word.target]
    first = target[0]
    length = 0
    while first > 0 and words[first - 1].counts and length + len(words[first - 1].text) <= NEAR:
        first -= 1
        length += len(words[first].text)
    earlier = [word for word in words[:first] if abs(word.share) >= STRONG and word.text.strip()]
    strongest = sorted(earlier, key=lambda word: -abs(word.share))[:MOST]
    return [*sorted(word.place for word in strongest), *range(first, target[-1] + 1)]
