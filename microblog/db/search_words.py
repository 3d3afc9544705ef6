"""The words of a text, as search knows them: without case and accents, and compatible characters (ﬁ, Ａ, ｱ) made plain.
What is one letter to its readers is one: ı is i, whose capital is I; ς is σ; ß is ss.

Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without spaces. A run of them becomes its first character,
every two that stand side by side, and its last character: 日本語 is 日, 日本, 本語, 語. So any part of it is found.

SQLite's index is made by this (microblog/db/engine.py), PostgreSQL's by the same rules in SQL (migrations 0008, 0009).
Whoever changes them writes a migration that makes both indexes anew.
"""

import re
import unicodedata
from collections.abc import Iterator

# Accents, Hebrew and Arabic points; what is not seen: soft hyphens, joiners, variation selectors.
REMOVED = (
    "\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
)

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17d7\u17dc\u17dd"
    "\u3005-\u3007\u302a-\u302f\u303b\u303c\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9fe\uaa60-\uaa7f\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)

_MARKS = [
    *((0xE31, 0xE31), (0xE34, 0xE3A), (0xE47, 0xE4E), (0xEB1, 0xEB1), (0xEB4, 0xEBC), (0xEC8, 0xECD)),
    *((0x102B, 0x103E), (0x1056, 0x1059), (0x105E, 0x1060), (0x1062, 0x1064), (0x1067, 0x106D), (0x1071, 0x1074)),
    *((0x1082, 0x108D), (0x108F, 0x108F), (0x109A, 0x109D), (0x17B4, 0x17D3), (0x17DD, 0x17DD), (0x302A, 0x302F)),
    *((0x3099, 0x309A), (0xA9E5, 0xA9E5), (0xAA7B, 0xAA7D)),
]
LETTERED = dict(zip((n for first, last in _MARKS for n in range(first, last + 1)), range(0xA000, 0xA100), strict=False))
"""For str.translate: PostgreSQL's index has Yi syllables for tone marks and the like, which are no letters to it."""

_SAME = str.maketrans({"ı": "i", "ς": "σ", "ß": "ss"})

_VOWELS_OF_INDIA = "\u0900-\u0963\u0966-\u096f\u0971-\u0dff"  # no letters to Python, and yet in the middle of words
_WORD = re.compile(f"([{UNSPACED}]+)|(?:[^\\W_{UNSPACED}]|[{_VOWELS_OF_INDIA}])+")
_RUN = re.compile(f"[{UNSPACED}]+")
_SIGNS = re.compile(f"[^\x00-\x7f\\w{UNSPACED}{_VOWELS_OF_INDIA}]+")
_REMOVED = re.compile(f"[{REMOVED}]+")

_JOINS = f"{REMOVED}\u102e\u1161-\u11ff\u3099\u309a\uff9e\uff9f"  # becomes one with what stands before it, or nothing
_PLAIN = "\x00-\x7f\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u4e00-\u9fff\uac00-\ud7a3"  # is itself, but for its case
_UNIT = re.compile(f"[^{_PLAIN}][{_JOINS}]*|[^{_JOINS}][{_JOINS}]+", re.DOTALL)


def folded(text: str) -> str:
    """`text` with all differences taken away that do not count."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFC", _REMOVED.sub("", unicodedata.normalize("NFKD", text)))
    return plain.lower().translate(_SAME)


def words(text: str) -> list[str]:
    """The words of `text`, in order."""
    return [word for _, word in _split(folded(text))]


def indexed(text: str) -> str:
    """The same for SQLite's tokenizer `ascii`, which does what is left to do; in SQL it is `search_words(text)`."""
    return text if text.isascii() else _SIGNS.sub(" ", _RUN.sub(_spaced, folded(text)))


def is_part(word: str) -> bool:
    """Whether it is a character or two of a run without spaces."""
    return _RUN.match(word) is not None


def located(text: str) -> list[tuple[tuple[int, int], str]]:
    """The words of `text`, and where each of them stands in it."""
    if text.isascii():
        return list(_split(text.lower()))
    pieces: list[str] = []
    starts: list[int] = []  # by character of what is left of the text: the first of those it was made of
    ends: list[int] = []
    at = 0
    for unit in [*(match.span() for match in _UNIT.finditer(text)), (len(text), len(text))]:
        begin, end = unit
        piece = folded(text[begin:end])
        pieces += text[at:begin].lower(), piece
        starts += [*range(at, begin), *([begin] * len(piece))]
        ends += [*range(at + 1, begin + 1), *([end] * len(piece))]
        at = end
    return [((starts[begin], ends[end - 1]), word) for (begin, end), word in _split("".join(pieces))]


def _spaced(run: re.Match[str]) -> str:
    text = run[0]
    return f" {text[0]} {' '.join(map(str.__add__, text, text[1:]))} {text[-1]} "


def _split(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    for match in _WORD.finditer(text):
        begin, end = match.span()
        if not match[1]:
            yield (begin, end), match[0]
            continue
        yield (begin, begin + 1), text[begin]
        for at in range(begin, end - 1):
            yield (at, at + 2), text[at : at + 2]
        yield (end - 1, end), text[end - 1]
