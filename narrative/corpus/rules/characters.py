"""Letters as they were meant: wrong decodings, left-over entities, and characters that nobody sees."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import replace

import ftfy

from narrative.corpus.document import Paragraph
from narrative.corpus.rules.manner import Manner
from narrative.corpus.rules.rule import HARMLESS, Rule

# Only decodings are repaired: quotes, dashes, full-width letters and line ends stay as the house wrote them.
FTFY = ftfy.TextFixerConfig(
    unescape_html=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    remove_control_chars=False,
    normalization=None,
    explain=False,
)
# The f and s ligatures are a typesetter's glyphs. Others that ftfy would take apart are letters: Dutch ĳ, Croatian ǆ.
LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st"}
LIGATURE = re.compile("[ﬀ-ﬆ]")
# All layers of "&amp;amp;eacute;" at once, so that a long chain of them costs one pass.
ENTITY = re.compile(r"&((?:amp;|#0{0,5}38;|#[xX]0{0,5}26;)*)(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

GARBLED = re.compile(f"[^\\x00-\\x1f{HARMLESS}]")
ODD = re.compile(f"[^\\n\\t{HARMLESS}]")
LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u2060-\u2064\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff]")
SPACES = re.compile("[\u1680\u2000-\u200a\u205f]")
NO_BREAK = re.compile("[\u00a0\u202f]")
JOINER = re.compile("[\u200b-\u200d]")
# Arabic to Sinhala, Mongolian, and what else of the Arabic and Indic families stands apart: joiners there change the letters' shapes.
JOINED_SCRIPTS = re.compile(
    "[\u0600-\u0dff\u1800-\u18af\ua840-\ua8ff\ua980-\ua9df\uaae0-\uaaff\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U0001134f]"
)
# Thai to Myanmar and Khmer: written without spaces, so that a zero-width one marks where a word ends.
UNSPACED_SCRIPTS = re.compile("[\u0e00-\u109f\u1780-\u17ff\u1980-\u19ff\u1a20-\u1aaf]")
EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f]")
MONGOLIAN = re.compile("[\u1800-\u18af]")


def _entity(match: re.Match[str]) -> str:
    found = f"&{match[2]};"
    character = html.unescape(found)
    return character if character != found or match[1] else match[0]


def mend_decoding(paragraph: Paragraph, _: Manner) -> Paragraph:
    text = ENTITY.sub(_entity, paragraph.text) if "&" in paragraph.text else paragraph.text
    if not text.isascii():
        text = LIGATURE.sub(lambda match: LIGATURES[match[0]], ftfy.fix_and_explain(text, FTFY).text)
    return replace(paragraph, text=text)


def _no_break_space(match: re.Match[str]) -> str:
    """French sets one before high punctuation and inside its quotes; Mongolian joins endings with the narrow one."""
    text, at = match.string, match.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    needed = (after and after in ";:!?»›%") or (before and before in "«‹") or (MONGOLIAN.match(before) and MONGOLIAN.match(after))
    return match[0] if needed else " "


def _joiner(match: re.Match[str]) -> str:
    text, at = match.string, match.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if match[0] == "\u200b":
        return match[0] if UNSPACED_SCRIPTS.match(before) and UNSPACED_SCRIPTS.match(after) else ""
    shapes = JOINED_SCRIPTS.match(before) or UNSPACED_SCRIPTS.match(before) or (match[0] == "\u200d" and JOINED_SCRIPTS.match(after))
    return match[0] if shapes or (EMOJI.match(before) and EMOJI.match(after)) else ""


def mend_unicode(paragraph: Paragraph, _: Manner) -> Paragraph:
    text = LINE_ENDS.sub("\n", paragraph.text)
    text = INVISIBLE.sub("", text)
    text = SPACES.sub(" ", text)
    text = NO_BREAK.sub(_no_break_space, text)
    text = JOINER.sub(_joiner, text)
    return replace(paragraph, text=unicodedata.normalize("NFC", text))


MOJIBAKE = Rule(
    "mojibake",
    "Repairs letters that a wrong decoding has garbled (Ã© becomes é), left-over HTML codes (&eacute;) and fi, fl set as one letter.",
    mend_decoding,
    lambda text: "&" in text or (not text.isascii() and GARBLED.search(text)),
)
UNICODE = Rule(
    "unicode",
    "Spells each letter one way (NFC), drops control and zero-width characters, and makes odd spaces plain, but for those French needs.",
    mend_unicode,
    lambda text: not (text.isascii() and text.isprintable()) and ODD.search(text),
)
