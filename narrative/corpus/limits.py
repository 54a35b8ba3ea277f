"""How much one file may ask of the machine. Every bound on hostile input stands here."""

from __future__ import annotations

MB = 1_000_000

MAX_FILES = 20_000
"""Files in one build, those inside zips counted."""
MAX_FILE = 2_000 * MB
"""Bytes of one file as it is, and of what one .gz, .xz or zip entry unpacks to."""
MAX_PACKAGE = 500 * MB
"""Bytes that all parts read from one ePub, .docx, .odt or .idml unpack to."""
MAX_PART = 100 * MB
"""Bytes of one part of such a package, or of one file that has to be held whole (.rtf, .html, .pdf)."""
MAX_ENTRIES = 20_000
"""Entries in one zip."""
MAX_RATIO = 200
"""Times that a zip entry or compressed file of more than a megabyte may grow when it is unpacked: text grows 3 to 20 times."""
MAX_RATIO_XZ = 1_000
"""The same for .xz, which finds repeats megabytes apart: books shrink to a quarter, logs and generated stories to far less."""
MAX_XZ_MEMORY = 100 * MB
"""Memory that unpacking one .xz may ask for: its strongest standard setting takes 68 MB, a hostile header asks for gigabytes."""
MAX_DIRECTORY = 10 * MB
"""Bytes of a zip's list of entries, checked before it is read: more than `MAX_ENTRIES` long names take."""
MAX_DEPTH = 200
"""Levels of nesting in XML, HTML and RTF."""
MAX_DOCUMENT = 64 * MB
"""Bytes of text in one document; a longer plain text is read as several documents, one after another."""
READ_SECONDS = 300.0
"""Time without any news from the reader of one file, after which the file is given up."""
READ_MEMORY = 1_200 * MB
"""Address space that the process which reads files may take beyond what it has at its start."""
LEAST_FREE = 500 * MB
"""Bytes that a build leaves free on the disk; it stops before."""
