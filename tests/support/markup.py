"""Parses an answer's HTML as a browser does, within a millisecond, and finds elements by CSS selectors.

Lexbor, in C, builds the same tree as html5lib does in Python and forty times as fast; tests/support/test_markup.py
compares the two.
"""

from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

_SILENT = {"script", "style", "template"}
"""What nobody reads."""


class Element:
    """One element: `name`, its attributes (``element["href"]``), and what is inside it."""

    def __init__(self, node: LexborNode) -> None:
        self.node = node
        self.name = str(node.tag)
        self.attrs: dict[str, str] = {name: value or "" for name, value in node.attributes.items()}

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and self.node.mem_id == other.node.mem_id

    def __hash__(self) -> int:
        return hash(self.node.mem_id)

    def __str__(self) -> str:
        return str(self.node.html)

    __repr__ = __str__

    def get(self, name: str, default: Any = None) -> Any:
        """The attribute `name`; "" where it has no value."""
        return self.attrs.get(name, default)

    def has_attr(self, name: str) -> bool:
        return name in self.attrs

    def select(self, css: str) -> "list[Element]":
        """All inside it that match, in order."""
        return [Element(node) for node in self.node.css(css) if node.mem_id != self.node.mem_id]

    def select_one(self, css: str) -> "Element | None":
        return next(iter(self.select(css)), None)

    def children(self, css: str) -> "list[Element]":
        """Those directly inside it that match."""
        return [found for found in self.select(css) if found.node.parent.mem_id == self.node.mem_id]

    def find_parent(self, name: str) -> "Element | None":
        """The nearest element around it that is a `name`."""
        around = self.node.parent
        while around is not None and around.tag != name:
            around = around.parent
        return Element(around) if around is not None else None

    def get_text(self, between: str = "", *, strip: bool = False) -> str:
        """Its words; `between` stands between the text of one element and the next, of which `strip` trims each."""
        texts = _texts(self.node)
        return between.join(filter(None, map(str.strip, texts)) if strip else texts)


class Document:
    """All of an answer: a whole page, or a fragment as htmx swaps it in."""

    def __init__(self, html: str) -> None:
        self.parsed = LexborHTMLParser(html, is_fragment="<html" not in html)

    def select(self, css: str) -> list[Element]:
        """All that match, in order; a <template> is no part of the page until a script makes it one."""
        return [Element(node) for node in self.parsed.css(css)]

    def get_text(self, between: str = "") -> str:
        return between.join(text for node in self._tops() for text in _texts(node))

    def _tops(self) -> Iterator[LexborNode]:
        node = self.parsed.root
        while node is not None:
            yield node
            node = node.next


def _texts(node: LexborNode) -> Iterator[str]:
    if node.is_text_node:
        yield str(node.text_content)
    elif node.tag not in _SILENT:
        child = node.child
        while child is not None:
            yield from _texts(child)
            child = child.next
