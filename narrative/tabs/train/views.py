"""What the tab shows. Templates are constant: whatever comes from a file or a person is set as text by the scripts."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from narrative.tabs.theme import asset

_FORM = """
<section class="build" aria-labelledby="build-title">
  <h2 id="build-title">Build a corpus</h2>
  <p class="wait">Getting the cleaning rules ready…</p>
  <form novalidate hidden></form>
</section>
"""
_CORPORA = """
<section class="corpora" aria-labelledby="corpora-title">
  <h2 id="corpora-title">Corpora</h2>
  <ol></ol>
  <p class="none">None has been built yet. The first one will stand here.</p>
  <p class="plain">What models learn from on this machine; everybody in the house sees the same ones.</p>
</section>
"""
_WORK = """
<section class="work" aria-label="Work that is going on" hidden>
  <p class="steps" aria-hidden="true"></p>
  <p class="now" role="status"></p>
  <div class="track" role="progressbar" aria-label="How far it is"><span></span></div>
  <p class="aside"></p>
  <button type="button" class="quiet-button" data-act="stop">Stop</button>
</section>
"""
_SHELF = """
<section class="shelf" aria-labelledby="shelf-title">
  <div class="bar-top">
    <h2 class="quiet-title" id="shelf-title">On the shelf</h2>
    <span class="sum"></span><span class="gap"></span>
    <button type="button" class="link" data-act="undo" hidden>Undo</button>
    <span class="confirm"></span>
  </div>
  <div class="drop">
    <p class="invite">Drop books here</p>
    <p class="kinds">ePub, Word, InDesign (IDML), PDF, OpenDocument, RTF, HTML, text, Markdown and tables
    (CSV, JSON lines); folders as zip.</p>
    <p class="choose"><button type="button" class="quiet-button pick">Choose files…</button></p>
    <input type="file" multiple hidden aria-label="Files for the shelf" tabindex="-1">
    <p class="sending" role="status" hidden></p>
    <details class="reading"><summary>How notes and tables are read</summary><form novalidate></form></details>
  </div>
  <div class="find" hidden>
    <label class="visually-hidden" for="find-file">Find a file</label>
    <input id="find-file" type="search" placeholder="Find by title, author or file name" autocomplete="off">
    <span class="kinds-of" role="group" aria-label="Which files are listed"></span>
  </div>
  <ol class="files" aria-label="Files on the shelf"></ol>
  <p class="nothing" hidden></p>
  <nav class="turn" aria-label="Pages of the list"></nav>
  <p class="plain"></p>
</section>
"""
_BOOK = """
<section class="book" aria-labelledby="book-title" hidden>
  <button type="button" class="link back" data-act="close">← All files</button>
  <h2 id="book-title" tabindex="-1" dir="auto"></h2>
  <p class="facts"></p>
  <form class="names" novalidate>
    <label>Title <input name="title" dir="auto" maxlength="300" autocomplete="off"></label>
    <label>Author <input name="author" dir="auto" maxlength="300" autocomplete="off"></label>
    <button type="submit" class="quiet-button">Keep</button>
  </form>
  <p class="own-names plain" hidden></p>
  <ul class="remarks" aria-label="Remarks of the reader" hidden></ul>
  <div class="spread">
    <nav class="chapters" aria-label="Chapters"><h3 class="quiet-title"></h3><ol></ol><p class="turn"></p></nav>
    <article class="leaf" aria-labelledby="leaf-title">
      <div class="leaf-head"><h3 id="leaf-title" dir="auto"></h3><span class="gap"></span><span class="leave"></span></div>
      <p class="told"></p>
      <div class="leaf-tools">
        <label class="switch"><input type="checkbox" role="switch" id="only-changed">Only what cleaning changes</label>
        <details class="quality" hidden><summary></summary><dl></dl><p class="plain">Worked out for stories: varied words and sentences
        and direct speech raise it, repetition and odd signs lower it. It says nothing about whether a text is good.</p></details>
      </div>
      <div class="sides" aria-hidden="true"><span>As it was read</span><span>As it will be learned</span></div>
      <ol class="passages" aria-label="Passages"></ol>
      <nav class="turn" aria-label="Pages of the chapter"></nav>
    </article>
  </div>
  <p class="plain">What is marked on the left goes, what is marked on the right comes; struck through is taken out, with the rule that did
  it. Passages that stand in two files are found only when the corpus is built.</p>
</section>
"""
_REPORT = """
<section class="report" aria-labelledby="report-title" hidden>
  <button type="button" class="link back" data-act="close">← The shelf</button>
  <h2 id="report-title" tabindex="-1"></h2>
  <p class="told"></p>
  <div class="share" role="img"></div>
  <ul class="remarks" hidden></ul>
  <dl class="figures"></dl>
  <div class="doings"></div>
  <div class="values"></div>
  <h3 class="quiet-title">Files</h3>
  <div class="scroll" tabindex="0" role="region" aria-label="Files of the corpus"><table><thead></thead><tbody></tbody></table></div>
  <p class="plain"></p>
</section>
"""


@dataclass(frozen=True)
class Views:
    """The custom views of this tab, in the order in which handlers answer."""

    work: gr.HTML
    shelf: gr.HTML
    book: gr.HTML
    report: gr.HTML
    form: gr.HTML
    corpora: gr.HTML

    def all(self) -> tuple[gr.HTML, ...]:
        return (self.work, self.shelf, self.book, self.report, self.form, self.corpora)


def build_views() -> Views:
    """Left: what to build and what there is. Right: the shelf, and in its place the book or the report that is open."""
    with gr.Column(elem_classes="col-build"):
        with gr.Column(elem_classes=["card", "card-build"]):
            form = _view("form", _FORM)
        with gr.Column(elem_classes=["card", "card-corpora"]):
            corpora = _view("corpora", _CORPORA)
    with gr.Column(elem_classes="col-shelf"):
        work, shelf, book, report = _view("work", _WORK), _view("shelf", _SHELF), _view("book", _BOOK), _view("report", _REPORT)
    return Views(work, shelf, book, report, form, corpora)


def _view(name: str, template: str) -> gr.HTML:
    script = asset("train.js") + asset(f"train_{name}.js")
    return gr.HTML(None, html_template=template, js_on_load=script, apply_default_css=False, elem_id=f"books-{name}")
