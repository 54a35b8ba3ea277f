"""What the styles of an InDesign file say about a paragraph: its kind, its size, its language."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import unquote

# Parts of words in the names that houses give their styles, in the order in which they are asked. A name of which none is
# part says nothing.
BODY = ("body", "text", "texte", "fließ", "fliess", "brød", "broed", "corps", "para", "absatz", "noindent", "alinea")
WORDS = {
    "caption": ("caption", "legend", "légend", "credit", "crédit", "bildunter", "bildlegend", "didascal", "pie de foto"),
    "note": ("footnote", "endnote", "fussnote", "fußnote", "voetnoot", "bas de page", "pie de pagina", "pie de página"),
    "quote": ("quot", "zitat", "citaat", "citat", "citaz", "exergue", "epigra", "épigra"),
    "verse": ("verse", "poem", "poetry", "poème", "poesi", "gedicht", "strophe", "stanza"),
    "list": ("list", "bullet", "aufzähl", "opsomm", "puces", "lijst"),
    "heading": (
        *("heading", "headline", "title", "titre", "titel", "titul", "títul", "titol", "überschrift", "ueberschrift", "rubrik"),
        *("chapter", "chapitre", "kapitel", "capitul", "capítul", "capitol", "hoofdstuk"),
    ),
}
SHORT_HEADING = re.compile(r"(?<![^\W\d_])(?:h[1-6]|kop ?\d*)(?![^\W_])")
LOWER = ("sub", "unter", "sous", "inter", "inför", "zwischen", "tussen", "onder", "petit")
TOP, SECOND = 1, 2

LANGUAGES = {
    "Arabic": "ar", "Bulgarian": "bg", "Catalan": "ca", "Croatian": "hr", "Czech": "cs", "Danish": "da", "Dutch": "nl",
    "English": "en", "Estonian": "et", "Finnish": "fi", "French": "fr", "German": "de", "Greek": "el", "Hebrew": "he",
    "Hungarian": "hu", "Italian": "it", "Japanese": "ja", "Korean": "ko", "Latvian": "lv", "Lithuanian": "lt", "Norwegian": "nb",
    "Polish": "pl", "Portuguese": "pt", "Romanian": "ro", "Russian": "ru", "Slovak": "sk", "Slovenian": "sl", "Spanish": "es",
    "Swedish": "sv", "Turkish": "tr", "Ukrainian": "uk",
}  # fmt: skip
REGIONS = {"UK": "-GB", "USA": "-US", "Canadian": "-CA", "Swiss": "-CH", "Austrian": "-AT", "Brazilian": "-BR", "Nynorsk": ""}


class Styles:
    """Paragraph and character styles by their id, with what they inherit."""

    def __init__(self, root: Any) -> None:
        self._styles = {style.get("Self", ""): style for tag in ("ParagraphStyle", "CharacterStyle") for style in root.iter(tag)}

    def value(self, style: str, attribute: str) -> str:
        """What the style or the nearest style it is based on says, or ""."""
        asked: set[str] = set()
        while style in self._styles and style not in asked:
            asked.add(style)
            if value := self._styles[style].get(attribute):
                return str(value)
            parent = self._styles[style].findtext("Properties/BasedOn") or ""
            style = parent if "/" in parent.removeprefix("$ID/") else f"{style.partition('/')[0]}/{parent}"
        return ""

    def size(self, style: str) -> float:
        return number(self.value(style, "PointSize"))

    def listed(self, style: str) -> bool:
        return self.value(style, "BulletsAndNumberingListType") in {"BulletList", "NumberedList"}


def number(text: str | None) -> float:
    """A finite number, or 0 for anything else."""
    try:
        value = float(text or 0)
    except ValueError:
        return 0
    return value if math.isfinite(value) else 0


def kind_and_level(style: str) -> tuple[str, int]:
    """The kind of paragraph that a style's name tells ("" when it tells none) and, of a heading, its level from 1 (top)."""
    path = unquote(style).partition("/")[2].removeprefix("$ID/")
    name = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", path.rpartition(":")[2]).lower().replace("_", " ")
    for kind, words in WORDS.items():
        if kind != "heading" and any(word in name for word in words):
            return kind, 0
    named = any(word in name for word in WORDS["heading"]) and not any(word in name for word in BODY)
    if not named and not SHORT_HEADING.search(name):
        return "", 0
    digit = re.search(r"(?<!\d)[1-6](?!\d)", name)
    if digit:
        return "heading", int(digit[0])
    return "heading", SECOND if any(word in name for word in LOWER) else TOP


def language_tag(name: str) -> str:
    """BCP 47 for InDesign's name of a language ("$ID/English: UK"), or ""."""
    language, _, region = name.removeprefix("$ID/").partition(":")
    words = language.split()
    tag = next((LANGUAGES[word] for word in words if word in LANGUAGES), "")
    return tag + next((REGIONS[word] for word in [*region.split(), *words] if word in REGIONS), "") if tag else ""
