"""What is set beside a map: another method's, another model's, or that of another draft."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from explain.asking.ask import WHOLE, Ask
from explain.asking.background import Working
from explain.asking.comparing import KINDS, METHOD, MODEL, Comparison, compare
from explain.asking.desk import Text, WordDesk
from explain.importance import WordImportance
from explain.methods import METHODS
from explain.reading import Source
from narrative.errors import ExplainError, require_choice
from narrative.studio import Stage, Studio

Steps = Generator[Stage | Working, None, Comparison]


def beside(
    desk: WordDesk, studio: Studio, owner: str, text: Text, ask: Ask, importance: WordImportance, wanted: str
) -> Steps:  # fmt: skip
    """`wanted`: "method:NAME", "model:NAME" or "draft:ID". Raises `SettingsError` for anything else, `ExplainError` where there is
    nothing to compare."""
    kind, _, name = wanted.partition(":")
    require_choice("thing to compare with", kind, KINDS)
    if kind == METHOD:
        require_choice("method", name, METHODS)
        other = yield from desk.explain(text, replace(ask, method=name))
        titles = METHODS[ask.method].title, METHODS[name].title
    elif kind == MODEL:
        read, again = yield from desk.read_by(name, text, ask)
        other = yield from desk.explain(read, again)
        titles = _title(text), _title(read)
    else:
        draft = studio.draft(owner, name)
        written = yield from desk.open(Source(draft.model, draft))
        if not written.passage.completion:
            raise ExplainError("That draft is empty: there is nothing in it to compare with.")
        other = yield from desk.explain(written, replace(ask, aim=WHOLE, start=0, stop=0, instead=""))
        titles = "This draft", f"Draft {draft.number + 1}, all that was written"
    return compare(importance, other, kind=kind, titles=titles)


def _title(text: Text) -> str:
    return text.model.card.title or text.model.name
