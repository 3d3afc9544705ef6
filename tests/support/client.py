"""A browser without a screen: keeps cookies and the token, sends what htmx sends, and inspects every page it opens."""

import contextvars
import re
import threading
import time
from functools import cached_property
from typing import Any, Self

from flask import Flask
from flask.testing import FlaskClient

from microblog.models.user import User
from tests.support.inspection import expect_sound_fragment, expect_sound_page
from tests.support.markup import Document, Element
from tests.support.signed_in import signed_in

PASSWORD = "correct horse battery"

_LOOKING = threading.Lock()
"""One looks into a page at a time: fifty would keep Python from those whose answer is there, and be timed with it."""


class Page:
    """One answer. `status`, `headers`, `text`; `one(css)` and `all(css)` look into it.

    `seconds` of processor time went into it, where the application runs in the test's own thread.
    """

    def __init__(self, response: Any, seconds: float = 0.0) -> None:
        self.response, self.seconds = response, seconds
        self.status: int = response.status_code
        self.headers = response.headers
        self.data: bytes = response.get_data()
        self.text: str = self.data.decode("utf-8", "replace")
        self.json = response.get_json(silent=True)

    @cached_property
    def html(self) -> Document:
        """The parsed body; empty for XML."""
        return Document("" if self.text.startswith("<?xml") else self.text)

    @property
    def reference(self) -> str:
        return str(self.headers["X-Request-ID"])

    @property
    def is_page(self) -> bool:
        return "<html" in self.text

    def all(self, css: str) -> list[Element]:
        """In order; a <template> is no part of the page until a script makes it one."""
        return self.html.select(css)

    def one(self, css: str) -> Element:
        found = self.all(css)
        assert len(found) == 1, f"{len(found)} of {css} in:\n{self.text[:3000]}"
        return found[0]

    def said(self, css: str = "") -> str:
        """The words a person reads at `css`, or in all of it."""
        return " ".join((self.one(css) if css else self.html).get_text(" ").split())

    def values(self, css: str = 'form:not([role="search"])') -> dict[str, str]:
        """What the form at `css` would send; of a page, the one that is not the search field's."""
        form, found = self.one(css), {}
        for control in form.select("input[name], textarea[name]"):
            if control.get("type") in {"checkbox", "submit", "file"}:
                continue
            text = control.get_text() if control.name == "textarea" else control.get("value", "")
            found[str(control["name"])] = str(text)
        for control in form.select("select[name]"):
            chosen = control.select_one("option[selected]") or control.select_one("option")
            found[str(control["name"])] = str(chosen["value"]) if chosen else ""
        return found


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.token = ""
        self.last: Page | None = None

    def send(self, method: str, path: str, *, inspect: bool = True, follow: bool = False, **options: Any) -> Page:
        """One request, in a context of its own: two tests' people must not share what Flask keeps for one of them."""
        options.setdefault("buffered", True)
        started = time.thread_time()
        response = contextvars.Context().run(self.client.open, path, method=method, follow_redirects=follow, **options)
        response.get_data()
        seconds = time.thread_time() - started
        response.close()
        response.request.environ["wsgi.input"].close()  # a temporary file where the body was large
        beyond = [pair for pair in response.headers if not "".join(pair).isascii()]
        assert not beyond, f"a server refuses to send these headers: {beyond}"
        with _LOOKING:
            page = Page(response, seconds)
            is_html = page.headers.get("Content-Type", "").startswith("text/html") and page.text
            if inspect and is_html and not 300 <= page.status < 400:
                (expect_sound_page if page.is_page else expect_sound_fragment)(page)
        if found := re.search(r'name="csrf_token" value="([^"]+)"', page.text):
            self.token = found[1]
        self.last = page
        return page

    def bare(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """The status and the text of one answer that nobody looks into further: for a test that asks hundreds."""
        response = contextvars.Context().run(self.client.open, path, method=method, buffered=True, **options)
        text = response.get_data().decode("utf-8", "replace")
        response.close()
        response.request.environ["wsgi.input"].close()
        return response.status_code, text

    def get(self, path: str, **options: Any) -> Page:
        return self.send("GET", path, **options)

    def post(
        self, path: str, *, data: dict[str, Any] | None = None, follow: bool = False, headers: Any = None, **fields: Any
    ) -> Page:
        """Send a form as a page does, without JavaScript."""
        sent = {"csrf_token": self.token, **(data or {}), **fields}
        return self.send("POST", path, data=sent, follow=follow, headers=headers)

    def hx_get(self, path: str, **headers: str) -> Page:
        return self.send("GET", path, headers=self._hx(headers))

    def hx_post(
        self, path: str, *, data: dict[str, Any] | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> Page:
        """Send a form as htmx does."""
        return self.send(
            "POST", path, data={"csrf_token": self.token, **(data or {}), **fields}, headers=self._hx(headers)
        )

    def _hx(self, more: dict[str, str] | None) -> dict[str, str]:
        return {
            "HX-Request": "true",
            "HX-Request-Type": "partial",
            "HX-Source": "form",
            "Accept": "text/html",
            "X-CSRFToken": self.token,
            **(more or {}),
        }

    def sign_in(self, user: User | str) -> Self:
        """Be signed in as `user`, who has filled in no form: without the password's work and without three pages."""
        cookie, self.token = signed_in(self.app, user)
        self.client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], cookie)
        return self

    def sign_in_by_form(self, user: User | str, password: str = PASSWORD) -> Self:
        """As a person does: for tests about signing in, and for a site that runs as a process."""
        name = user if isinstance(user, str) else user.username
        self.get("/login")
        page = self.post("/login", username=name, password=password)
        assert page.status == 303, f"{name} was not let in: {page.status} {page.text[:2000]}"
        self.get("/edit_profile")
        return self
