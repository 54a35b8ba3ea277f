"""What a keeper does on the page, each act translated into one call of the bookshelf and the views it changes."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from narrative.errors import SettingsError, require_choice, shown
from narrative.studio import Bookshelf, Place, Upload, corpora
from narrative.tabs.shared import Owners, said, sorry, text_of
from narrative.tabs.train.book_view import draw_book
from narrative.tabs.train.corpora_view import draw_corpora, draw_report
from narrative.tabs.train.form import draw_form, options_of, settings_of
from narrative.tabs.train.shelf_view import Wanted, draw_news, draw_shelf

VIEWS = ("work", "shelf", "book", "report", "form", "corpora", "courier", "notice")
MOST_AT_ONCE = 5_000  # files in one drop
Data = dict[str, Any]


class Keeping:
    """The handlers of this tab. Gradio calls them from its threads; what they share is in the bookshelf."""

    def __init__(self, bookshelf: Bookshelf, owners: Owners) -> None:
        self.bookshelf, self.owners = bookshelf, owners

    def open(self, owner: str, request: gr.Request) -> tuple[Any, ...]:
        """The tab was opened: everything as it is. -> VIEWS"""
        try:
            me = self.owners.of(owner, request)
            return _answer(
                work=draw_news(self.bookshelf.news(me)), shelf=self._shelf(me, {}), corpora=draw_corpora(corpora.listed()),
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            return _answer(notice=sorry(error))

    def open_form(self, owner: str, request: gr.Request) -> tuple[Any, ...]:
        """By itself, after `open`: with the cleaning rules comes the whole engine, which takes a moment the first time. -> VIEWS"""
        try:
            return _answer(form=draw_form(self.bookshelf.form(self.owners.of(owner, request))))
        except Exception as error:  # noqa: BLE001
            return _answer(notice=sorry(error))

    def act(self, owner: str, model: str, data: Data, request: gr.Request) -> tuple[Any, ...]:
        """-> VIEWS"""
        try:
            require_choice("act", data.get("act"), ACTS)
            return _answer(**ACTS[data["act"]](self, self.owners.of(owner, request), data | {"model": model}))
        except Exception as error:  # noqa: BLE001
            return _answer(notice=sorry(error))

    # ---- the shelf

    def _shelf(self, me: str, data: Data) -> Any:
        entries, undo = self.bookshelf.entries(me), self.bookshelf.last_edit(me)
        return draw_shelf(entries, self.bookshelf.edits(me), Wanted.of(data.get("list")), undo)

    def relist(self, me: str, data: Data) -> Data:
        return {"shelf": self._shelf(me, data)}

    def drop(self, me: str, data: Data) -> Data:
        files = data.get("files")
        if not isinstance(files, list) or len(files) > MOST_AT_ONCE:
            raise SettingsError(f"Drop at most {MOST_AT_ONCE:,} files at once; more fit into a zip.")
        uploads = [Upload(text_of(file, "path"), text_of(file, "name")) for file in files if isinstance(file, dict)]
        self.bookshelf.take(me, uploads, options=options_of(self.bookshelf.form(me)))
        return {"notice": said("")} | self.tick(me, data)

    def undo(self, me: str, data: Data) -> Data:
        self.bookshelf.undo(me)
        return {"shelf": self._shelf(me, data), "notice": said("Taken back.")}

    def clear(self, me: str, data: Data) -> Data:
        self.bookshelf.clear(me)
        return {"shelf": self._shelf(me, data), "book": None, "notice": said("The shelf is empty. Corpora that were built from it stay.")}

    # ---- one book

    def _book(self, me: str, data: Data) -> Any:
        if not isinstance(data.get("place"), dict):
            return None
        place, form = _place(data["place"]), self.bookshelf.form(me)
        opened = self.bookshelf.leaf(me, place, rules=settings_of(form).rules)
        return draw_book(self.bookshelf.entry(me, place.file), self.bookshelf.edits(me), opened)

    def leaf(self, me: str, data: Data) -> Data:
        return {"book": self._book(me, data), "report": None}

    def close(self, me: str, data: Data) -> Data:
        return {"book": None, "report": None, "shelf": self._shelf(me, data)}

    def exclude_file(self, me: str, data: Data) -> Data:
        self.bookshelf.exclude_file(me, text_of(data, "file"), excluded=data.get("excluded") is True)
        return self._edited(me, data)

    def exclude_chapter(self, me: str, data: Data) -> Data:
        place = _place(data.get("chapter"))
        excluded = data.get("excluded") is True
        self.bookshelf.exclude_chapter(me, place.file, place.document, place.section, excluded=excluded)
        return self._edited(me, data)

    def name(self, me: str, data: Data) -> Data:
        title, author = text_of(data, "title")[:300], text_of(data, "author")[:300]
        self.bookshelf.name(me, text_of(data, "file"), title=title, author=author)
        return self._edited(me, data) | {"notice": said("Kept. Title and author will stand so in the corpus.")}

    def _edited(self, me: str, data: Data) -> Data:
        return {"book": self._book(me, data), "shelf": self._shelf(me, data)}

    # ---- building

    def decide(self, me: str, data: Data) -> Data:
        """Something in a form changed: keep it, and show an open book as the new rules leave it."""
        before = self.bookshelf.form(me)
        given = {key: value for key, value in data.items() if key in ("build", "reading") and isinstance(value, dict)}
        self.bookshelf.keep_form(me, {**before, **given})
        old, new = before.get("build") or {}, given.get("build") or {}
        return {"book": self._book(me, data)} if data.get("place") and old.get("rules") != new.get("rules") else {}

    def build(self, me: str, data: Data) -> Data:
        form = {**self.bookshelf.form(me), "build": data.get("build")}
        settings = settings_of(form, model=str(data["model"] or ""))
        wish = form["build"] if isinstance(form["build"], dict) else {}
        self.bookshelf.build(me, text_of(wish, "name").strip(), settings, replace=wish.get("replace") is True)
        self.bookshelf.keep_form(me, form | {"build": {**wish, "replace": False}})
        return {"notice": said("")} | self.tick(me, data)

    def stop(self, me: str, _: Data) -> Data:
        self.bookshelf.stop(me)
        return {"work": draw_news(self.bookshelf.news(me))}

    def tick(self, me: str, data: Data) -> Data:
        """How far is it? When it is over: how it ended, and what came of it."""
        news = self.bookshelf.settle(me)
        views: Data = {"work": draw_news(news)}
        if news is None or not news.running or news.kind == "reading":
            views["shelf"] = self._shelf(me, data)
        if news is None or news.running:
            return views
        views |= {
            "corpora": draw_corpora(corpora.listed()),
            "notice": said(news.outcome, kind="wrong" if news.ended == "failed" else "quiet"),
        }
        if news.corpus and news.ended == "done":
            views |= {"book": None, "report": draw_report(corpora.find(news.corpus))}
        return views

    # ---- corpora

    def report(self, _: str, data: Data) -> Data:
        return {"report": draw_report(corpora.find(text_of(data, "name"))), "book": None}

    def delete(self, _: str, data: Data) -> Data:
        name = text_of(data, "name")
        corpora.delete(name)
        return {"report": None, "corpora": draw_corpora(corpora.listed()), "notice": said(f"The corpus “{name}” is deleted.")}

    def download(self, _: str, data: Data) -> Data:
        made = corpora.export_report(text_of(data, "name"), text_of(data, "kind"))
        content = base64.b64encode(made.data).decode()
        return {"courier": {"kind": "file", "name": made.name, "type": made.media_type, "data": content, "number": time.time_ns()}}


ACTS: dict[str, Callable[[Keeping, str, Data], Data]] = {
    "list": Keeping.relist, "drop": Keeping.drop, "undo": Keeping.undo, "clear": Keeping.clear, "leaf": Keeping.leaf,
    "close": Keeping.close, "exclude file": Keeping.exclude_file, "exclude chapter": Keeping.exclude_chapter, "name": Keeping.name,
    "form": Keeping.decide, "build": Keeping.build, "stop": Keeping.stop, "tick": Keeping.tick, "report": Keeping.report,
    "delete": Keeping.delete, "download": Keeping.download,
}  # fmt: skip


def _answer(**views: Any) -> tuple[Any, ...]:
    return tuple(views.get(name, gr.skip()) for name in VIEWS)


def _place(given: Any) -> Place:
    """Where on the shelf, as the page sent it."""
    if isinstance(given, dict) and isinstance(given.get("file"), str):
        document, section, page = (given.get(name, 0) for name in ("document", "section", "page"))
        if all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in (document, section, page)):
            return Place(given["file"], document, section, page, only=given.get("only") is True)
    raise SettingsError(f"The page sent {shown(given)}, which names no chapter. Reload it.")
