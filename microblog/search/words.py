"""What somebody looks for, taken apart once for both databases, and found again in a text to be marked.

Words find what begins with them, all of them have to be there; "in quotation marks" they stand together and are whole.
Where no spaces are written, any part is found. Nothing here can be wrong: a quotation mark that is never closed, an
operator of a database or a picture is only text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from microblog.db import search_words
from microblog.web.text import showable, single_line

LONGEST = 200
"""Characters that are looked at."""

MOST = 8
"""Words that are looked for; each one more makes it dearer and hardly anything clearer."""

SHORTEST_BEGINNING = 2
"""A single letter stands for itself: what begins with it would be half of all posts."""

SNIPPET = 320
"""Characters of a post that are shown, around the first word that was found."""

_PIECE = re.compile(r'"([^"]*)"?|([^\s"]+)')
_QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))


@dataclass(frozen=True)
class Term:
    """Words that stand together, of letters and digits only; with `begins`, the last one may go on."""

    words: tuple[str, ...]
    begins: bool


@dataclass(frozen=True)
class Query:
    """What was typed, as it is shown again, and the terms in it; none where nothing can be looked for."""

    typed: str
    terms: tuple[Term, ...] = ()

    @property
    def names(self) -> tuple[Term, ...]:
        """The same for names, of which one types the beginning: also a single letter."""
        return tuple(Term(term.words, begins=True) for term in self.terms)


def parsed(text: str) -> Query:
    """The query that `text` means, whatever it is."""
    typed = single_line(showable(text[:LONGEST]))
    terms = dict.fromkeys(_terms(typed.translate(_QUOTATION_MARKS)))
    return Query(typed, tuple(terms)[:MOST])


def _terms(text: str) -> Iterator[Term]:
    for phrase, word in _PIECE.findall(text):
        words = search_words.words(phrase or word)
        # A run may go on at both ends, so the characters with which it would begin and end are not looked for.
        if words and search_words.is_part(words[0]):
            del words[0]
        if len(words) > 1 and search_words.is_part(words[-1]):
            del words[-1]
        if words:
            part = search_words.is_part(words[0]) and len(words) == 1
            yield Term(tuple(words), part or (not phrase and sum(map(len, words)) >= SHORTEST_BEGINNING))


def marked(text: str, query: Query) -> Markup:
    """`text` around the first hit, escaped, with <mark> around all that was looked for."""
    hits = list(_hits(text, query.terms))
    start, end = _window(text, hits[0][0] if hits else 0)
    pieces, at = ["… " if start else ""], start
    for begin, stop in hits:
        if at <= begin and stop <= end:
            pieces.append(f"{escape(text[at:begin])}<mark>{escape(text[begin:stop])}</mark>")
            at = stop
    pieces += [str(escape(text[at:end])), " …" if end < len(text) else ""]
    return Markup("".join(pieces))  # noqa: S704 - each piece of the text is escaped above


def _hits(text: str, terms: tuple[Term, ...]) -> Iterator[tuple[int, int]]:
    """Where the terms stand, in order; one where several touch or overlap."""
    begin = end = -1
    for hit_begin, hit_end in _single_hits(text, terms):
        if hit_begin >= end:
            if end > begin:
                yield begin, end
            begin = hit_begin
        end = max(end, hit_end)
    if end > begin:
        yield begin, end


def _single_hits(text: str, terms: tuple[Term, ...]) -> Iterator[tuple[int, int]]:
    found = search_words.located(text)
    for at, (span, word) in enumerate(found):
        for term in terms:
            # Most words are no hit: the first comparison is all they get.
            if word.startswith(term.words[0]) and _stands(term, found, at):
                last_span, last = found[at + len(term.words) - 1]
                # One character of two: it is the last one of the two before.
                part = len(term.words) == 1 and len(last) > len(term.words[0]) and search_words.is_part(last)
                yield span[0], found[at - 1][0][1] if part else last_span[1]


def _stands(term: Term, found: list[tuple[tuple[int, int], str]], at: int) -> bool:
    here = [word for _, word in found[at : at + len(term.words)]]
    if len(here) < len(term.words) or tuple(here[:-1]) != term.words[:-1]:
        return False
    return here[-1].startswith(term.words[-1]) if term.begins else here[-1] == term.words[-1]


def _window(text: str, hit: int) -> tuple[int, int]:
    if len(text) <= SNIPPET:
        return 0, len(text)
    start = max(0, min(hit - SNIPPET // 3, len(text) - SNIPPET))
    if start:
        space = text.find(" ", start, hit)  # not in the middle of a word
        start = space + 1 if space >= 0 else start
    end = start + SNIPPET
    if end < len(text):
        space = text.rfind(" ", max(start + 1, hit), end)
        end = space if space > hit + 80 else end
    return start, min(end, len(text))
