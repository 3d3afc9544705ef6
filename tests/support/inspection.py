"""The test client calls these checks for every page and fragment that a test opens."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import html5lib

from tests.support.markup import Element

if TYPE_CHECKING:
    from tests.support.client import Page

# html5lib's list of what is legal is older than these.
_NEWER = {"unknown-start-tag", "unexpected-cell-in-table-body"}
FRAGMENT_LIMIT = 4096

# A parser does nothing special at a letter, or at the five references that escaping writes.
_LETTER = r"[^<>&\"\0\r]|&(?:amp|lt|gt|#34|#39);"
_TEXT = re.compile(rf">\s*(?=[^\s<>])(?:{_LETTER})+(?=<)")
_VALUE = re.compile(rf'="(?:{_LETTER})+"')
_SINGLE = re.compile(r"='[^'<>&\0\r]+'")  # of a value that holds quotes, as that of every page with the token


def expect_sound_page(page: "Page") -> None:
    """A whole page: valid nesting, one h1 that the title begins with, labelled fields, unique ids, no dead links."""
    _parses(page.text, fragment=False)
    _soundness(page)
    headings = page.all("h1")
    assert len(headings) == 1, f"{len(headings)} h1"
    title, heading = page.said("title"), page.said("h1")
    assert title.startswith(heading), f"title {title!r} does not begin with h1 {heading!r}"
    assert page.one("html")["lang"]
    assert page.all("#toasts") or page.status == 500, "only the last resort has no place for toasts"
    for link in page.all("a[href]"):
        assert link["href"] not in ("#", ""), f"dead link {link}"


def expect_sound_fragment(page: "Page") -> None:
    """A fragment: no frame around it, small enough to be one thought."""
    assert "<html" not in page.text
    assert "<body" not in page.text
    _parses(page.text, fragment=True)
    _soundness(page)
    if page.status >= 400 and page.headers.get("HX-Retarget") == "#toasts":
        assert len(page.data) <= FRAGMENT_LIMIT
        assert page.headers["HX-Reswap"] == "beforeend"
        assert page.headers["HX-Push-Url"] == "false"
        assert page.reference in page.text


def _parses(text: str, *, fragment: bool) -> None:
    wrong = _wrong(skeleton(text), fragment)
    assert not wrong, f"{wrong[:3]} in:\n{text[:4000]}"


def skeleton(text: str) -> str:
    """`text` with one letter for each piece of plain text and each plain value.

    A parser finds the same wrong in it, and most pages differ in nothing else. Whatever holds a character that means
    something to a parser stays as it is.
    """
    return _SINGLE.sub("='x'", _VALUE.sub('="x"', _TEXT.sub(">x", text)))


@lru_cache(4096)
def _wrong(text: str, fragment: bool) -> list[str]:
    # html5lib, for it alone tells what was wrong; in Python, so each kind of page is read once.
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    (parser.parseFragment if fragment else parser.parse)(text)
    return [code for _, code, _ in parser.errors if code not in _NEWER]


def _soundness(page: "Page") -> None:
    """One look at each element; the rest of the page is asked only where an element calls for it."""
    every = page.all("*")
    ids = [tag["id"] for tag in every if "id" in tag.attrs and tag.name != "symbol"]
    known = set(ids)
    assert len(ids) == len(known), f"twice: {sorted(i for i in ids if ids.count(i) > 1)}"
    labels = {tag.get("for") for tag in every if tag.name == "label"}
    for tag in every:
        if tag.name in {"input", "textarea", "select"}:
            _is_labelled(tag, labels)
        for name in tag.get("aria-describedby", "").split():
            assert name in known, f"{tag.get('id')} is described by {name}, which is not there"
        if tag.name == "img":
            assert tag.has_attr("alt"), f"no alt: {tag}"
        inline = tag.name == "style" or (tag.name == "script" and not tag.has_attr("src"))
        assert not inline, f"inline style or script: {tag}"
        assert not {"style", "onclick"} & tag.attrs.keys(), f"inline style or script: {tag}"
        if tag.name == "button" and tag.has_attr("form") and page.is_page:
            assert page.one(f'form[id="{tag["form"]}"]')
        if tag.name == "form" and tag.get("method", "get").lower() == "post":
            assert tag.select('input[name="csrf_token"]'), f"no token: {tag.get('action')}"
            assert len(tag.select('input[name="once"][value]')) == 1, f"no key: {tag.get('action')}"
    assert not re.search(r"&amp;(lt|gt|amp|#\d+);", page.text), "escaped twice"
    assert "Undefined" not in page.text


def _is_labelled(control: Element, labels: set[str | None]) -> None:
    if control.get("type") in {"hidden", "submit"}:
        return
    named = control.get("aria-label") or control.get("id", object()) in labels
    assert named or control.find_parent("label"), f"no label: {control}"
