"""How long a text is to whoever reads it: 👩‍🚀 is one character, although it is three code points.

The rules of https://www.unicode.org/reports/tr29/ as far as the standard library knows the properties; the browser
counts by Intl.Segmenter. Where the two differ (a script of last year, on one of the sides) the server's count decides.
"""

import unicodedata

_ZWJ = 0x200D
_VIRAMAS = frozenset({0x094D, 0x09CD, 0x0ACD, 0x0B4D, 0x0C4D, 0x0D4D, 0x1039, 0x17D2, 0x1B44, 0xA9C0})
"""They join the consonants around them into one (rule GB9c)."""

_CONSONANTS = ((0x1000, 0x109F), (0x1780, 0x17B3), (0x1B13, 0x1B33), (0xA989, 0xA9B2))

_ALONE = frozenset(
    {0x102B, 0x102C, 0x1038, 0x1083, 0x108F, 0x1A61, 0x1A63, 0x1A64, 0xAA7B, 0xAA7D, 0x11720, 0x11721}
    | {*range(0x1062, 0x1065), *range(0x1067, 0x106E), *range(0x1087, 0x108D), *range(0x109A, 0x109D)}
)
"""Marks that take a place of their own."""

_PREPENDED = frozenset({*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x0D4E, 0x110BD, 0x110CD})


def graphemes(text: str) -> int:
    """The number of characters that a person sees in `text`."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    count, before = 0, -1
    flags = 0  # regional indicators in a row
    joined = conjunct = False  # after "emoji ZWJ"; after "consonant virama"
    pictured = consonant = False  # within a cluster that began so
    for character in text:
        code = ord(character)
        category = unicodedata.category(character)
        extends = category in {"Mn", "Me"} or _extends(code)
        if category == "Mc" and code not in _ALONE:
            extends = True
        goes_on = before >= 0 and (
            (extends and before not in (0x0A, 0x0D))
            or (joined and _is_picture(code))
            or (conjunct and _is_consonant(code, category))
            or (_is_flag(code) and flags % 2 == 1)
            or before in _PREPENDED
            or (before == 0x0D and code == 0x0A)
            or _is_one_syllable(before, code)
        )
        if not goes_on:
            count += 1
            pictured, consonant, conjunct = False, False, False
        flags = flags + 1 if _is_flag(code) else 0
        joined = pictured and code == _ZWJ
        pictured = pictured or _is_picture(code)
        if _is_consonant(code, category):
            consonant, conjunct = True, False
        elif consonant and code in _VIRAMAS:
            conjunct = True
        elif not extends:
            consonant = conjunct = False
        before = code
    return count


def _extends(code: int) -> bool:
    """Code points that go with the one before without being marks: joiners, two vowels, skin tones, tags."""
    return (
        code in (0x200C, _ZWJ, 0x0E33, 0x0EB3, 0xFF9E, 0xFF9F)
        or 0x1F3FB <= code <= 0x1F3FF
        or 0xE0020 <= code <= 0xE007F
    )


def _is_flag(code: int) -> bool:
    return 0x1F1E6 <= code <= 0x1F1FF


def _is_picture(code: int) -> bool:
    """Extended_Pictographic, near enough: blocks in which what is joined by ZWJ stands."""
    return (
        (0x1F000 <= code <= 0x1FAFF and not _is_flag(code) and not 0x1F3FB <= code <= 0x1F3FF)
        or 0x2190 <= code <= 0x21FF
        or 0x2300 <= code <= 0x23FF
        or 0x2600 <= code <= 0x27BF
        or 0x2900 <= code <= 0x297F
        or 0x2B00 <= code <= 0x2BFF
        or code in (0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139, 0x3030, 0x303D, 0x3297, 0x3299)
    )


def _is_consonant(code: int, category: str) -> bool:
    """Of the scripts whose virama joins: six of India, Myanmar, Khmer, Balinese, Javanese."""
    if category != "Lo" or code < 0x0900:
        return False
    if code > 0x0D7F:
        return any(first <= code <= last for first, last in _CONSONANTS)
    block, place = code & ~0x7F, code & 0x7F
    return block in (0x0900, 0x0980, 0x0A80, 0x0B00, 0x0C00, 0x0D00) and (
        0x15 <= place <= 0x3A or 0x58 <= place <= 0x5F
    )


def _is_one_syllable(before: int, code: int) -> bool:
    """Hangul: a leading consonant with what follows, a vowel with vowels and trailing consonants."""
    leading = 0x1100 <= before <= 0x115F or 0xA960 <= before <= 0xA97C
    vowel = 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6
    trailing = 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB
    whole = 0xAC00 <= code <= 0xD7A3
    if leading:
        return vowel or whole or 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C
    if 0xAC00 <= before <= 0xD7A3:
        return trailing or (vowel and (before - 0xAC00) % 28 == 0)
    if 0x1160 <= before <= 0x11A7 or 0xD7B0 <= before <= 0xD7C6:
        return vowel or trailing
    return (0x11A8 <= before <= 0x11FF or 0xD7CB <= before <= 0xD7FB) and trailing
