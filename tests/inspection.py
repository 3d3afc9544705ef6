"""What every page that a test opens is held to, at no cost to the test."""

import re
from typing import TYPE_CHECKING

import html5lib

if TYPE_CHECKING:
    from tests.client import Page

# html5lib's list of what is legal is older than these.
_NEWER = {"unknown-start-tag", "unexpected-cell-in-table-body"}
FRAGMENT_LIMIT = 4096


def inspect_page(page: "Page") -> None:
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


def inspect_fragment(page: "Page") -> None:
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
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    (parser.parseFragment if fragment else parser.parse)(text)
    wrong = [(position, code) for position, code, _ in parser.errors if code not in _NEWER]
    assert not wrong, f"{wrong[:3]} in:\n{text[:4000]}"


def _soundness(page: "Page") -> None:
    ids = [str(tag["id"]) for tag in page.all("[id]") if tag.name != "symbol"]
    assert len(ids) == len(set(ids)), f"twice: {sorted(i for i in ids if ids.count(i) > 1)}"
    for control in page.all("input, textarea, select"):
        if control.get("type") in {"hidden", "submit"}:
            continue
        labelled = (
            control.get("aria-label") or page.all(f'label[for="{control.get("id")}"]') or control.find_parent("label")
        )
        assert labelled, f"no label: {control}"
    for control in page.all("[aria-describedby]"):
        for name in str(control["aria-describedby"]).split():
            assert name in ids, f"{control.get('id')} is described by {name}, which is not there"
    for tag in page.all("img"):
        assert tag.has_attr("alt"), f"no alt: {tag}"
    assert not page.all("[style], style, [onclick], script:not([src])"), "inline style or script"
    assert not re.search(r"&amp;(lt|gt|amp|#\d+);", page.text), "escaped twice"
    assert "Undefined" not in page.text
    for button in page.all("html button[form]"):
        assert page.one(f'form[id="{button["form"]}"]')
    for form in page.all("form"):
        if str(form.get("method", "get")).lower() == "post":
            assert form.select('input[name="csrf_token"]'), f"no token: {form.get('action')}"
            assert len(form.select('input[name="once"][value]')) == 1, f"no key: {form.get('action')}"
