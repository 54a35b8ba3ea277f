"""`python app.py`: composes the tabs around one shared state and launches. It knows no model code."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: otherwise it asks two hosts

import gradio as gr
from gradio.utils import get_upload_folder

from explain.asking import WordDesk
from explain.tabs import attention, sheets, why, words
from narrative.errors import NarrativeError
from narrative.example import load_example
from narrative.home import database, uploads
from narrative.jobs import Queue
from narrative.models import ModelCache, default_model
from narrative.store import Store
from narrative.studio import Bookshelf, Studio
from narrative.studio.foreseeing import Foresight
from narrative.studio.workbench import Workbench
from narrative.tabs import api, generate, header, serving, shared, theme, train
from narrative.training.estimate import estimate

OPEN_SESSIONS = 2000
LARGEST_FILE = "500mb"  # that a browser may send: a scanned book as PDF or a year's archive as zip; larger ones are for the command line


def compose(studio: Studio, bookshelf: Bookshelf, bench: Workbench, files: serving.Serving, model: str) -> gr.Blocks:
    """The page: header, then one tab after the other. Only here do they meet."""
    desk = WordDesk(studio)
    page = gr.Blocks(title="Narrative", analytics_enabled=False)
    with page:
        owner, selection = shared.owner_state(), shared.selection_state()
        with gr.Column(elem_id="shell"):
            picker, card = header.build_header(model)
            common = shared.Shared(page, shared.Owners(), selection, owner, picker, card, shared.notice_line(), shared.courier())
            with gr.Tabs(elem_id="nav", overflow_behavior="wrap"):
                with gr.Tab("Generate", id="generate") as writing:
                    drawn, draw = generate.build(common, studio, model=model, beside=partial(why.build, common, desk, studio, model=model))
                with gr.Tab("Attention", id="attention") as looking:
                    attention.build(common, studio, looking)
                with gr.Tab("Word importance", id="words") as asking:
                    words.build(common, desk, studio, asking)
                with gr.Tab("Train", id="train") as training:
                    train.build(common, studio, bookshelf, bench, files, training)
        header.wire_header(common, studio)
        writing.select(draw, [owner, selection], drawn, **shared.QUIET)
        api.expose(studio, model)
    page.queue(default_concurrency_limit=8)
    return page


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    what = "Narrative: a studio in the browser for editors who write with language models."
    parser = argparse.ArgumentParser(prog="app.py", description=what)
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=host, help="address to listen on; 0.0.0.0 for the whole network (default: %(default)s)")
    port = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT") or "7860"
    parser.add_argument("--port", type=_port, default=port, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--model", help="the model to begin with: a name from `narrative models`, a folder or a hub id (default: the first that ships)"
    )
    parser.add_argument("--share", action="store_true", help="also open a public link through gradio.live")
    parser.add_argument(
        "--auth", action="append", default=[], metavar="USER:PASSWORD",
        help="ask for a name and a password; may be given several times, or be a file with one USER:PASSWORD a line",
    )  # fmt: skip
    return parser.parse_args(arguments)


def logins(given: Sequence[str]) -> list[tuple[str, str]] | None:
    """(user, password) pairs from `--auth`. Raises `NarrativeError` for what is neither a pair nor a file of pairs."""
    pairs = []
    for entry in given:
        for line in _lines(Path(entry)) if Path(entry).is_file() else [entry]:
            user, colon, password = line.partition(":")
            if not (user and colon and password):
                raise NarrativeError("--auth takes USER:PASSWORD, or a file with one USER:PASSWORD a line.")
            pairs.append((user, password))
    return pairs or None


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Launch and stay. The page is there at once; the model gets ready behind it."""
    options = read_arguments(arguments)
    try:
        auth = logins(options.auth)
        model = options.model or _first_model()
        studio = Studio(Store(database()), ModelCache(), example=load_example(model) if model else ())
        os.environ.setdefault("GRADIO_TEMP_DIR", str(uploads()))  # beside the shelves, so that what was dropped is moved and not copied
        bench, files = Workbench(Queue(studio.store.database), Foresight(estimate)), serving.Serving()
        page = compose(studio, Bookshelf(Path(get_upload_folder())), bench, files, model)
        studio.import_engine()
        server, *_ = page.launch(
            server_name=options.host, server_port=options.port, share=options.share, auth=auth, quiet=True, show_error=False,
            max_file_size=LARGEST_FILE, state_session_capacity=OPEN_SESSIONS, prevent_thread_lock=True, ssr_mode=False,
            **theme.look(sheets.STYLE, attention.STYLE, words.STYLE, why.STYLE),
        )  # fmt: skip
    except NarrativeError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"can't listen on {options.host}, port {options.port}: {str(error).splitlines()[0]}")
    server.mount(serving.PREFIX, files)
    threading.Thread(target=bench.take_up, daemon=True, name="take up jobs").start()
    threading.Thread(target=studio.warm_up, args=(model,), daemon=True, name="warm up").start()
    print(f"Narrative is at {page.local_url}{f' and at {page.share_url}' if page.share_url else ''}. Ctrl-C ends it.", flush=True)
    page.block_thread()
    return 0


def _refuse(sentence: str) -> int:
    print(f"app.py: {sentence}", file=sys.stderr)
    return 2


def _first_model() -> str:
    """The model that ships first; '' when none lies here, and then the page says how to get one."""
    try:
        return default_model()
    except NarrativeError:
        return ""


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be a whole number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
