"""Binary Word files (.doc, .dot), which LibreOffice makes into .docx where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from narrative.corpus.document import Document
from narrative.corpus.options import ReadOptions
from narrative.corpus.readers import docx
from narrative.corpus.readers.office_ole import ole_kind
from narrative.errors import DocumentError

CONVERT_SECONDS = 120.0
PROGRAMS = ("soffice", "libreoffice")
_REFUSALS = {
    "": "The file is no binary Word file, whatever its name says.",
    "locked": "The file is protected by a password. Save a copy without it.",
    "other": "The file is an old Microsoft container and no Word document.",
}
# strangers' documents: no macros, and nothing fetched from the network
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse">
<value>true</value></prop></item>
</oor:items>
"""


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """One document, by way of LibreOffice. Raises `DocumentError` where that is missing or can't read the file."""
    kind = ole_kind(path)
    if kind in _REFUSALS:
        raise DocumentError(_REFUSALS[kind])
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise DocumentError("It is a binary Word file, and LibreOffice, which could convert it, is not installed. Save it as .docx.")
    with TemporaryDirectory(prefix="narrative-doc-", ignore_cleanup_errors=True) as folder:
        for document in docx.read(_converted(path, Path(folder), program), options):
            yield replace(document, language="")  # what stands there is the language that LibreOffice runs in


def _converted(path: Path, folder: Path, program: str) -> Path:
    """The same text as .docx in `folder`, where LibreOffice also has its profile, so that a running one is not disturbed."""
    source, out, profile = folder / "book.doc", folder / "out", folder / "profile"
    source.symlink_to(path.resolve())
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    _run([*command, "--convert-to", "docx", "--outdir", str(out), str(source)], folder)
    made = out / "book.docx"
    if not made.is_file():
        raise DocumentError("LibreOffice can't convert this binary Word file. Save it as .docx in Word.")
    return made


def _run(command: list[str], folder: Path) -> None:
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603  # a fixed command, and a path that is ours
            command, cwd=folder, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except OSError as error:
        raise DocumentError(f"LibreOffice does not start: {error}. Save the file as .docx.") from error
    try:
        process.wait(CONVERT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"LibreOffice took more than {CONVERT_SECONDS:,.0f} seconds to convert the file. Save it as .docx.") from error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group: soffice is a script whose children do the work."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them may have ended by themselves
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
