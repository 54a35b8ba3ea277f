"""What the words of RTF mean: the destinations that hold no text of the page, the signs, and the encodings of its bytes."""

from __future__ import annotations

import codecs

SKIPPED = frozenset(
    {
        *("colortbl", "filetbl", "pict", "nonshppict", "shprslt", "sp", "private", "comment"),
        *("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "ftnsep", "ftnsepc", "ftncn"),
        *("aftnsep", "aftnsepc", "aftncn", "fldinst", "tc", "tcn", "xe", "txe", "rxe", "annotation", "atnid", "atnauthor", "atndate"),
        *("pntext", "listtext", "pntxta", "pntxtb", "pnseclvl", "bkmkstart", "bkmkend", "template", "nonesttables", "objdata"),
        *("listtable", "listoverridetable", "revtbl", "rsidtbl", "generator", "themedata", "datastore", "latentstyles", "background"),
        *("operator", "company", "manager", "category", "keywords", "subject", "doccomm", "hlinkbase", "falt", "panose", "fontemb"),
    }
)
"""Destinations, each a group, whose text no reader of the page sees; with them goes every unknown one that is marked optional."""
BULLETS = frozenset({"pntext", "listtext"})
OPTIONAL = frozenset({"footnote", "ud", "shpinst", "shptxt", "do", "dptxbxtext", "nesttableprops", "objresult"})
"""Destinations that may be marked optional and still hold text."""
SIGNS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",  # noqa: RUF001
    "lquote": "‘",  # noqa: RUF001
    "rquote": "’",  # noqa: RUF001
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": "\u2003",
    "enspace": "\u2002",
    "qmspace": "\u2005",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "zwbo": "\u200b",
    "ltrmark": "\u200e",
    "rtlmark": "\u200f",
}
SYMBOLS = {"~": "\u00a0", "_": "\u2011", "-": "\u00ad", "\t": "\t"}
"""Signs that are a backslash and one character."""
SETS = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}

SYMBOL_CHARSET = 2
_CHARSETS = {
    0: "cp1252",
    77: "mac_roman",
    78: "cp932",
    79: "cp949",
    80: "gbk",
    81: "cp950",
    84: "mac_cyrillic",
    85: "mac_greek",
    86: "mac_turkish",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_PAGES = {936: "gbk", 1361: "johab", 10000: "mac_roman", 10001: "cp932", 10006: "mac_greek", 10007: "mac_cyrillic", 10029: "mac_latin2"}
_PAGES |= {10081: "mac_turkish", 54936: "gb18030", 65001: "utf-8"}


def charset(number: int) -> str:
    """The encoding of a font's bytes, or `` where the document's own decides."""
    return _CHARSETS.get(number, "")


def code_page(number: int) -> str:
    """The encoding of a Windows code page, or `` for one that nobody knows."""
    name = _PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name if 0 <= number < 100_000 else ""
    except LookupError:
        return ""
