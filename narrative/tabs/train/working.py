"""What a keeper does with jobs on the page, each act translated into one call of the workbench."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from narrative.errors import NarrativeError, SettingsError, require_choice
from narrative.models import describe
from narrative.studio import Bookshelf, Studio
from narrative.studio.foreseeing import Foreseen
from narrative.studio.workbench import Workbench
from narrative.tabs.header import card_page, choices
from narrative.tabs.serving import Serving
from narrative.tabs.shared import Owners, said, sorry, text_of
from narrative.tabs.train.details import size
from narrative.tabs.train.job_form import draw_choices, draw_form, settings_of, values_of, wish_for, wish_of
from narrative.tabs.train.watching import MOST_COMPARED, Wish, draw_jobs, tag_of

FORM = "job"  # under which the form lies beside that of the books
Data = dict[str, Any]


class Working:
    """The handlers of the jobs half. What they share is in the workbench; what one browser typed, on its owner's shelf."""

    def __init__(self, bench: Workbench, studio: Studio, bookshelf: Bookshelf, owners: Owners, serving: Serving) -> None:
        self.bench, self.studio, self.bookshelf, self.owners, self.serving = bench, studio, bookshelf, owners, serving

    def look(self, owner: str, data: Data, request: gr.Request) -> tuple[Any, ...]:
        """A poll. -> jobs, courier, notice"""
        try:
            return self._answer(self._view(self.owners.of(owner, request), data))
        except Exception as error:  # noqa: BLE001 - a page must answer with a sentence, whatever happened
            return self._answer({}, notice=sorry(error))

    def act(self, owner: str, model: str, data: Data, request: gr.Request) -> tuple[Any, ...]:
        """-> jobs, courier, notice"""
        me = self.owners.of(owner, request)
        more: Data = {}
        try:
            require_choice("act", data.get("act"), ACTS)
            more = ACTS[data["act"]](self, me, data | {"model": model})
            return self._answer(self._view(me, data | more.pop("look", {})) | more.pop("view", {}), **more)
        except Exception as error:  # noqa: BLE001
            return self._answer({}, notice=sorry(error))

    def use(self, event: Data) -> Iterator[tuple[Any, ...]]:
        """Publish, choose it and load it; the page goes to where it writes. -> jobs, notice, model, card"""
        try:
            yield gr.skip(), said("Bringing the model into the catalogue…"), gr.skip(), gr.skip()
            name = self.bench.publish(text_of(event, "name"))
            yield {"at": time.time_ns(), "used": name}, gr.skip(), gr.update(choices=choices(), value=name), card_page(name)
            for stage in self.studio.load(name):
                yield gr.skip(), said(stage.text, share=stage.share), gr.skip(), gr.skip()
            yield gr.skip(), said(f"{describe(name).title} is ready to write."), gr.skip(), gr.skip()
        except Exception as error:  # noqa: BLE001
            yield gr.skip(), sorry(error), gr.skip(), gr.skip()

    def fetch(self, event: Data) -> Iterator[tuple[Any, ...]]:
        """Pack the model, and tell the page where it can be fetched. -> jobs, notice"""
        try:
            yield gr.skip(), said("Packing the model…")
            made = self.bench.archive(text_of(event, "name"))
            parcel = {"url": self.serving.offer(made), "name": made.name}
            yield {"at": time.time_ns(), "fetch": parcel}, said(f"{made.name}, {size(made.stat().st_size)}, is on its way.")
        except Exception as error:  # noqa: BLE001
            yield gr.skip(), sorry(error)

    def push(self, event: Data) -> Iterator[Any]:
        """-> notice"""
        try:
            yield said("Pushing to the hub…")
            address = self.bench.push(text_of(event, "name"), text_of(event, "repository"))
            yield said(f"It is on the hub, for you alone: {address}")
        except Exception as error:  # noqa: BLE001
            yield sorry(error)

    # ---- what is shown

    def _view(self, me: str, data: Data) -> Data:
        wish = Wish.of(data)
        view = draw_jobs(self.bench, wish, token=self.bench.can_push())
        corpora = draw_choices(self.bench.corpora())
        tag = tag_of(corpora)
        if wish.have.get("corpora") != tag:
            view["corpora"] = {"tag": tag, "value": corpora}
        if data.get("foreseeing") is True:
            view |= self._estimate(me)
        return view | {"at": time.time_ns(), "turn": data.get("turn") if isinstance(data.get("turn"), int) else 0}

    def _estimate(self, me: str) -> Data:
        foreseen = self.bench.foreseen(me)
        return {"estimate": draw_foreseen(foreseen) if foreseen else None}

    def _answer(self, view: Data, **more: Any) -> tuple[Any, ...]:
        return view or {"at": time.time_ns()}, more.get("courier", gr.skip()), more.get("notice", gr.skip())

    # ---- the form

    def _kept(self, me: str) -> Mapping[str, Any]:
        kept = self.bookshelf.form(me).get(FORM)
        return kept if isinstance(kept, dict) else {}

    def _keep(self, me: str, wish: Data) -> None:
        self.bookshelf.keep_form(me, {**self.bookshelf.form(me), FORM: wish})

    def form(self, me: str, data: Data) -> Data:
        """The whole form, as it was left."""
        drawn = draw_form(self._kept(me), self.bench.corpora(), model=str(data["model"] or "")) | {"machine": self.bench.machine()}
        return {"view": {"form": drawn}}

    def decide(self, me: str, data: Data) -> Data:
        """Something in the form was changed: keep it, say what the preset makes of it, and begin to work out what it would cost."""
        wish = wish_of(data.get("wish") or {})
        self._keep(me, wish)
        view: Data = {"values": values_of(wish), "wrong": ""}
        try:
            self.bench.foresee(me, settings_of(wish))
        except NarrativeError as error:
            self.bench.foresight.forget(me)
            view |= {"wrong": str(error), "estimate": None}
        return {"view": view}

    def calm(self, me: str, _: Data) -> Data:
        """Nobody wants the estimate any more."""
        self.bench.foresight.forget(me)
        return {"view": {"estimate": None}}

    def start(self, me: str, data: Data) -> Data:
        wish = wish_of(data.get("wish") or {})
        self._keep(me, wish)
        try:
            row = self.bench.start(me, settings_of(wish), name=wish["name"].strip())
        except NarrativeError as error:
            return {"view": {"wrong": str(error)}}
        self._keep(me, wish | {"name": ""})
        told = said(f"“{row.name}” is in the queue and begins by itself. You can close this page.")
        return {"look": {"job": row.name, "page": 0}, "view": {"wrong": "", "started": row.name} | self._estimate(me), "notice": told}

    def duplicate(self, me: str, data: Data) -> Data:
        name = text_of(data, "name")
        wish = wish_for(self.bench.settings(name))
        self._keep(me, wish)
        drawn = draw_form(wish, self.bench.corpora(), model="") | {"machine": self.bench.machine(), "again": True}
        return {"view": {"form": drawn}, "notice": said(f"The form has the settings of “{name}” now. Change what you like, and start.")}

    # ---- a job

    def stop(self, _: str, data: Data) -> Data:
        row = self.bench.stop(text_of(data, "name"))
        return {"notice": said(row.reason or f"“{row.name}” stops after this step, with a checkpoint.")}

    def resume(self, _: str, data: Data) -> Data:
        row = self.bench.resume(text_of(data, "name"))
        return {"notice": said(f"“{row.name}” goes on as soon as its turn comes.")}

    def delete(self, _: str, data: Data) -> Data:
        name = text_of(data, "name")
        self.bench.delete(name)
        return {"notice": said(f"The job “{name}” is deleted. What was published of it stays.")}

    def numbers(self, _: str, data: Data) -> Data:
        names = data.get("names")
        if not isinstance(names, list) or not 1 <= len(names) <= MOST_COMPARED:
            raise SettingsError("Choose the jobs whose numbers you want.")
        table = self.bench.measurements_table([str(name) for name in names]).encode("utf-8-sig")  # without the mark, Excel misreads accents
        parcel = {"kind": "file", "name": f"{names[0]}.csv", "type": "text/csv", "data": base64.b64encode(table).decode()}
        return {"courier": parcel | {"number": time.time_ns()}}


ACTS: dict[str, Callable[[Working, str, Data], Data]] = {
    "form": Working.form, "decide": Working.decide, "calm": Working.calm, "start": Working.start, "duplicate": Working.duplicate,
    "stop": Working.stop, "resume": Working.resume, "delete": Working.delete, "numbers": Working.numbers,
}  # fmt: skip


def draw_foreseen(foreseen: Foreseen) -> Data:
    estimate = foreseen.estimate
    if estimate is None:
        return {"working": foreseen.working, "sentence": "", "warnings": [foreseen.wrong] if foreseen.wrong else []}
    share = f"{estimate.trainable:,} of {estimate.parameters:,} weights learn ({100 * estimate.share:.2g} %)"
    if estimate.trainable == estimate.parameters:
        share = f"All {estimate.parameters:,} weights learn"
    more = f"{share}; {estimate.tokens:,} tokens to learn from, {estimate.test_tokens:,} held back to test on."
    return {"working": False, "sentence": estimate.sentence, "more": more, "warnings": list(estimate.warnings)}
