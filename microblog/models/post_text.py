"""What a post says: links, @mentions and #tags in it, as safe HTML, and its length as a person counts it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup

from microblog.models.remembered import remembered
from microblog.models.usernames import username_key

TAG_MAX = 100
LONGEST_CHARACTER = 4
"""Code points that normalisation may make one of: a letter and its marks, a Hangul syllable."""

LINK_SHOWN = 45
"""Characters of a link that are shown; all of it stands in its title."""

# What begins a link, a mention or a tag stands alone, or after something that no word or address goes on with.
_PIECE = re.compile(
    r"(?P<link>\bhttps?://[^\s<>\"]+)"
    r"|(?<![\w@/&.#])@(?P<mention>[A-Za-z0-9_]{3,30})(?![\w@])"
    r"|(?<![\w@/&#])#(?P<tag>[^\s#@<>\"'`.,;:!?()\[\]{}/\\|]+)",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'\"*_~…»”’"
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))


@dataclass(frozen=True)
class Piece:
    """A part of a text; `target` is the address, the member's name or the tag's key."""

    kind: Literal["text", "link", "mention", "tag"]
    text: str
    target: str = ""


def tag_key(tag: str) -> str:
    """The form in which two tags are the same tag: *Été*, *ÉTÉ* and a decomposed *été*."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold())


def is_tag(tag: str) -> bool:
    """Whether `tag`, without its #, is one: letters, marks, digits and underscores, at least one letter."""
    if not tag or len(tag) > TAG_MAX * LONGEST_CHARACTER:
        return False
    return _word(tag) == tag and len(tag_key(tag)) <= TAG_MAX and any(c.isalpha() for c in tag)


def pieces(text: str) -> Iterator[Piece]:
    """`text`, cut into what is recognised and what stands between; joined, their texts are `text` again."""
    at = 0
    for found in _PIECE.finditer(text):
        if found.start() < at:
            continue
        piece = _recognised(found)
        if piece is None:
            continue
        if found.start() > at:
            yield Piece("text", text[at : found.start()])
        yield piece
        at = found.start() + len(piece.text)
    if at < len(text):
        yield Piece("text", text[at:])


def _recognised(found: re.Match[str]) -> Piece | None:
    if address := found["link"]:
        address = _without_trailing(address)
        host = address.split("://", 1)[1]
        return Piece("link", address, address) if host and host[0].isalnum() else None
    if name := found["mention"]:
        return Piece("mention", "@" + name, name)
    tag = _word(found["tag"])
    return Piece("tag", "#" + tag, tag_key(tag)) if is_tag(tag) else None


def _without_trailing(address: str) -> str:
    """`address` without the punctuation of the sentence it stands in; a bracket belongs to it if it opens in it."""
    unopened = {closing: address.count(closing) - address.count(opening) for opening, closing in _BRACKETS}
    end = len(address)
    while end:
        last = address[end - 1]
        if unopened.get(last, 0) > 0:
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return address[:end]


def _word(text: str) -> str:
    """The beginning of `text` that is a word: in many scripts vowels are marks, which ``\\w`` does not know."""
    for at, character in enumerate(text):
        if not (character.isalnum() or character in "_\u200c\u200d" or unicodedata.category(character)[0] == "M"):
            return text[:at]
    return text


@remembered(most=4096)
def as_html(text: str) -> Markup:
    """`text` as it is read: everything escaped, line breaks kept, links, mentions and tags leading somewhere."""
    return Markup("").join(_drawn(piece) for piece in pieces(text))


def _drawn(piece: Piece) -> Markup:
    match piece.kind:
        case "link":
            shown = piece.text.split("://", 1)[1].removesuffix("/")
            shown = shown if len(shown) <= LINK_SHOWN else shown[: LINK_SHOWN - 1] + "…"
            return Markup('<a href="{0}" title="{0}" rel="nofollow noopener ugc" dir="ltr">{1}</a>').format(
                piece.target, shown
            )
        case "mention":
            return Markup('<a class="mention" href="/user/{}" dir="ltr">{}</a>').format(piece.target, piece.text)
        case "tag":
            return Markup('<a class="tag" href="/tag/{}">{}</a>').format(quote(piece.target, safe=""), piece.text)
    return Markup("<br>\n").join(piece.text.split("\n"))


def mentioned(text: str) -> list[str]:
    """The keys of the names that `text` mentions, in order, each once."""
    return list(dict.fromkeys(username_key(piece.target) for piece in pieces(text) if piece.kind == "mention"))


def tags(text: str) -> list[str]:
    """The keys of the tags in `text`, in order, each once."""
    return list(dict.fromkeys(piece.target for piece in pieces(text) if piece.kind == "tag"))


def excerpt(text: str, length: int = 80) -> str:
    """The beginning of `text` on one line, for titles."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
