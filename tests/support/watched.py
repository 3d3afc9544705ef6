"""A browser that holds every answer it gets to the invariants that every fault leaves standing.

I1 nothing internal in a body · I2 one reference everywhere · I3 one canonical line · I4 a fragment for a fragment ·
I5 the headers · I6 the next request succeeds (`still_works`). I7, the answer comes while the fault lasts, and I8,
nothing typed is lost, are each test's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

from microblog.config.settings import ROOT
from tests.support.client import Browser, Page
from tests.support.mailbox import wait_until

MOST_SECONDS = 10
"""Of processor time for one answer: hundreds of times what a page costs, less than what is quadratic in a long text."""

INTERNAL = re.compile(
    r"Traceback|File \"|sqlalchemy|sqlite|psycopg|werkzeug|jinja|gunicorn|python|site-packages|\.py\b|/tmp/|Errno"
    r"|(?<![</])\bSELECT\b|\bINSERT\b|\bUPDATE\b|\bPRAGMA\b|" + re.escape(str(ROOT)),
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?<![\w-])[\w-]{1,200}\.[\w-]{6}\.[\w-]{27}")
"""A CSRF token: random letters, which spell anything now and then. It starts at a word's edge and ends soon, else a
field of a million letters takes a search of a million squared steps."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Microblog": "1",
}
ABOUT_WINDOWS = {"X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"}
"""Left out of pictures, of which a page has many; frame-ancestors in their policy says the same."""

REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")

Records = Callable[..., list[dict[str, Any]]]


def expected(path: str, headers: Mapping[str, str]) -> str:
    """What kind of answer such a request gets; the rule spelled out once more, on purpose not the program's own."""
    asked = {name.lower(): value for name, value in headers.items()}
    if path.startswith("/api/") or path == "/readyz":
        return "json"
    whole = asked.get("hx-request-type") == "full" or "true" in (
        asked.get("hx-boosted"),
        asked.get("hx-history-restore-request"),
    )
    if asked.get("hx-request") == "true" and not whole:
        return "fragment"
    return "json" if asked.get("accept", "").startswith("application/") else "page"


def shown_references(page: Page) -> list[str]:
    """Every reference that the body tells the person."""
    if page.json is not None:
        return [page.json["reference"]] if "reference" in page.json else []
    return [tag.get_text() for tag in page.all("code.reference")]


def expect_invariants(page: Page, kind: str, *, canaries: tuple[str, ...] = ()) -> None:
    """I1, I2, I4 and I5 of one answer of ours; `kind` is what was asked for."""
    failed = page.status >= 400
    body = page.text
    if failed:
        found = INTERNAL.search(TOKEN.sub("", body))
        assert not found, f"{found} in {body[:3000]}"
    for canary in canaries:
        assert canary not in body
        assert canary not in str(page.headers)
    assert "Server" not in page.headers
    assert "X-Powered-By" not in page.headers

    assert REFERENCE.fullmatch(page.reference)
    assert set(shown_references(page)) <= {page.reference}

    if failed and body:
        is_page, is_json = page.is_page, page.json is not None
        assert (kind == "page", kind == "json") == (is_page, is_json), f"{kind} was asked for: {body[:1000]}"
        assert page.headers["Cache-Control"] == "no-store"
        if kind == "fragment":
            assert len(page.data) <= 4096 or page.status in {401, 409, 422}, "the form itself may be longer"
            assert "HX-Retarget" in page.headers or page.status in {401, 409, 422}

    picture = page.status == 200 and page.headers.get("Content-Type", "").startswith("image/")
    for name, value in HEADERS.items():
        if not picture or name not in ABOUT_WINDOWS:
            assert page.headers.getlist(name) == [value], name
    assert len(page.headers.getlist("Content-Security-Policy")) == 1
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    varies = [word.strip() for line in page.headers.getlist("Vary") for word in line.split(",")]
    assert {"HX-Request", "HX-Request-Type"} <= set(varies)
    assert len(varies) == len(set(varies)), varies
    if page.headers.get("Content-Type", "").startswith("text/html"):
        assert page.headers["Cache-Control"] == "no-store"


class Watched(Browser):
    """A browser whose every answer is checked."""

    def __init__(self, app: Flask | None, records: Records, *, canaries: tuple[str, ...] = ()) -> None:
        if app is not None:
            super().__init__(app)
        else:
            self.token, self.last = "", None
        self.records = records
        self.canaries = canaries
        self.counted = True  # I3; off where many ask at once, and reading the log would be the load

    def send(self, method: str, path: str, **options: Any) -> Page:
        page = super().send(method, path, **options)
        assert page.seconds <= MOST_SECONDS, f"{method} {path} took {page.seconds:.2f} s of the processor"
        if path.startswith("/static/") or options.get("follow"):
            return page
        expect_invariants(page, expected(path, dict(options.get("headers") or {})), canaries=self.canaries)
        if self.counted and path not in {"/livez", "/readyz", "/readyz?%FF"}:
            self.line_of(page)
        return page

    def line_of(self, page: Page) -> dict[str, Any]:
        """I3: the one canonical line of `page`."""
        wait_until(lambda: self.written(page))  # a real server writes it after the last byte
        lines = self.written(page)
        assert len(lines) == 1, f"{len(lines)} lines for {page.reference}"
        assert lines[0]["status"] == page.status
        return lines[0]

    def written(self, page: Page) -> list[dict[str, Any]]:
        return self.records("request.finished", reference=page.reference)

    def still_works(self, path: str = "/") -> Page:
        """I6."""
        page = self.get(path)
        assert page.status == 200
        return page
