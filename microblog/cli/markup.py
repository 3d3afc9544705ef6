"""Is a piece of HTML what its author meant? What a runtime without an HTML validator can say: balance, ids, attributes.

The tests ask html5lib and the Nu HTML checker; this is for `manage.py check --errors` on a machine that has neither.
"""

import re
from collections import Counter
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BLOCKS = {
    *("address", "article", "aside", "blockquote", "details", "dialog", "div", "dl", "fieldset", "figure", "footer"),
    *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table"),
    "ul",
}
SVG_LEAVES = {"use", "path", "circle", "rect", "line"}
LOOSE = re.compile(r"<(?![a-zA-Z/!])")


class Reader(HTMLParser):
    """Reads one document or fragment; `problems` says what is wrong, `texts` what stands in title and h1."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.texts: dict[str, list[str]] = {"title": [], "h1": []}
        self.references: list[str] = []
        self.seen: Counter[str] = Counter()
        self._in_reference = False
        self.feed(text)
        self.close()
        self.problems += [f"<{name}> is never closed" for name in self.open]
        self.problems += [f'id="{name}" stands {count} times' for name, count in self.ids.items() if count > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        names = Counter(name for name, _ in attrs)
        self.problems += [f"<{tag}> has {name} twice" for name, count in names.items() if count > 1]
        found = dict(attrs)
        if found.get("id"):
            self.ids[str(found["id"])] += 1
        elif "id" in found:
            self.problems.append(f"<{tag}> has an empty id")
        if tag == "img" and "alt" not in found:
            self.problems.append("<img> has no alt")
        if "style" in found or tag == "style" or any(name.startswith("on") for name in names):
            self.problems.append(f"<{tag}> has inline style or script, which the policy forbids")
        if tag in BLOCKS and "p" in self.open:
            self.problems.append(f"<{tag}> inside <p>")
        # The shape of a toast in a <template> is not shown to anybody.
        if tag == "code" and "reference" in (found.get("class") or "").split() and "template" not in self.open:
            self.references.append("")
            self._in_reference = True
        if tag in self.texts:
            self.texts[tag].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()
            if tag not in SVG_LEAVES:
                self.problems.append(f"<{tag}/> does not close itself")

    def handle_endtag(self, tag: str) -> None:
        self._in_reference &= tag != "code"
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag in self.open:
            while (left := self.open.pop()) != tag:
                self.problems.append(f"<{left}> is not closed before </{tag}>")
        else:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._in_reference:
            self.references[-1] += data
        if LOOSE.search(data) and self.open[-1:] not in (["script"], ["style"]):
            # convert_charrefs has made < of &lt; too, so the source decides.
            line, column = self.getpos()
            source = self._lines[line - 1][column:]
            if LOOSE.search(source.split("&lt;")[0]):
                self.problems.append("a < that begins no tag")
        if self.open and self.open[-1] in self.texts:
            self.texts[self.open[-1]][-1] += data

    def feed(self, data: str) -> None:
        self._lines = data.split("\n")
        super().feed(data)
