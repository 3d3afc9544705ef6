"""One person at one page of a real browser; whatever a page must never do is collected and told at the end."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

PASSWORD = "correct horse battery"
BLANK = "about:blank"
NAVIGATION_IS_A_COLUMN = 960
"""Pixels of width (60 rem) from which frame.css draws the navigation as a column."""
PATIENCE = 60
"""Seconds until a wait for something is given up; however slow the machine is, it comes sooner."""

TURN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
REPORT_CSP = """addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


def sign_out_button(page: Page) -> Locator:
    """The button that a member sees: in the navigation, or where that is a bar, on the member's own page.

    The style sheet hides the other one. Until it is loaded, the page has both.
    """
    wide = page.viewport_size is not None and page.viewport_size["width"] >= NAVIGATION_IS_A_COLUMN
    place = page.get_by_role("navigation", name="Site") if wide else page.locator("#main")
    return place.get_by_role("button", name="Sign out")


class Visitor:
    """A page in a context of its own. `allow(…)` names the statuses ("net" for none at all) that a test provokes."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context, self.base = context, base
        self.allowed: set[int | str] = set()
        self.problems: list[str] = []
        self.statuses: list[tuple[int | str, str]] = []
        self.asked: list[str] = []
        self.under_way: list[Any] = []
        context.set_default_timeout(30_000)
        context.expose_binding("reportViolation", lambda _, text: self.problems.append(f"CSP: {text}"))
        context.add_init_script(REPORT_CSP)
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        context.on("requestfinished", self._finished)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
        self.asked_before_leaving = 0
        context.on("dialog", self._dialog)
        self.page: Page = context.new_page()
        self.name = ""

    # What a page must not do

    def allow(self, *statuses: int | str) -> None:
        self.allowed |= set(statuses)

    def _asked(self, request: Any) -> None:
        self.asked.append(f"{request.method} {urlsplit(request.url).path}")
        self.under_way.append(request)
        if not request.url.startswith((self.base + "/", "data:", "blob:")):
            self.problems.append(f"third party: {request.url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.statuses.append((response.status, f"{response.request.method} {response.url}"))

    def _finished(self, request: Any) -> None:
        if request in self.under_way:
            self.under_way.remove(request)

    def _failed(self, request: Any) -> None:
        self._finished(request)
        if request.failure != "net::ERR_ABORTED":  # a live check that a later one replaced, or a page that was left
            self.statuses.append(("net", f"{request.method} {request.url} {request.failure}"))

    def _said(self, message: Any) -> None:
        if message.type not in {"error", "warning"}:
            return
        about_network = message.text.startswith(("Failed to load resource", "htmx: htmx:error: Failed to fetch"))
        late = message.text.startswith(("htmx: htmx:error: timeout", "htmx: htmx:error: network error"))
        if about_network or ("net" in self.allowed and late):
            return  # judged by its status
        self.problems.append(f"console {message.type}: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        """The browser asks whether to leave a page with something unsaved on it: yes."""
        if dialog.type == "beforeunload":
            self.asked_before_leaving += 1
        else:
            self.problems.append(f"dialog: {dialog.message}")
        dialog.accept()

    def leave(self) -> list[str]:
        """Close; everything that should not have been until then."""
        self._everywhere(lambda page: page.evaluate("0"))  # what happened before has been told once this is answered
        unexpected = [f"unexpected {status}: {where}" for status, where in self.statuses if status not in self.allowed]
        told = self.problems + unexpected
        # Chromium 156 never closes a page that listens to "pagehide" and that another one is about to replace.
        for _ in range(2):  # what the first one stops may be the page that has just been left
            self._everywhere(lambda page: page.evaluate("stop()"))
        for _ in range(3):  # and it may never get there, for the same reason, when asked once
            self._everywhere(lambda page: page.url == BLANK or page.goto(BLANK, timeout=3000))
        self.context.close()
        return told

    def _everywhere(self, act: Callable[[Page], object]) -> None:
        for page in self.context.pages:
            with suppress(PlaywrightError):  # between two pages
                act(page)

    # Waiting

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until it holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, "it never came to be so"
            self.page.wait_for_timeout(20)

    def settle(self) -> None:
        """Wait until every request is answered and no other followed. Not on a page whose clock is stopped."""
        asked = -1
        while asked != len(self.asked):
            asked = len(self.asked)
            self.until(lambda: not self.under_way)
            with suppress(PlaywrightError):  # between two pages
                self.page.evaluate(TURN)

    def stop_the_clock(self) -> None:
        """From now on timers run only when the test says so, by `page.clock.run_for`. Install the clock before."""
        self.page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))

    # What a person does

    def go(self, path: str) -> "Visitor":
        self.page.goto(self.base + path)
        return self

    def register(self, name: str) -> "Visitor":
        """Become a member and be signed in, without the screen."""
        send = self.context.request
        form = send.get(self.base + "/register").text()
        token = re.search(r'name="csrf_token" value="([^"]+)"', form)
        assert token, form
        fields = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "csrf_token": token[1]}
        answer = send.post(self.base + "/register", form=fields, max_redirects=0)
        assert answer.status == 303, answer.text()
        send.get(self.base + "/")  # takes the welcome, which is another test's
        self.name = name
        return self

    def at_home(self) -> "Visitor":
        """On one's own profile."""
        return self.go(f"/user/{self.name}")

    def block(self, field: str) -> Locator:
        return self.page.locator(f"#field-{field}")

    def control(self, field: str) -> Locator:
        return self.page.locator(f"#{field}")

    def edit(self, field: str) -> Locator:
        """Open the editor of `field`; its control. One that holds a draft has opened, or is about to, by itself."""
        control = self.control(field)
        if not self.has_draft(field):
            self.block(field).locator("a[hx-get]").click()
        expect(control).to_be_visible()
        return control

    def has_draft(self, field: str) -> bool:
        """Whether this browser keeps a draft of `field`."""
        script = "(end) => Object.keys(localStorage).some((key) => key.startsWith('draft:') && key.endsWith(end))"
        return bool(self.page.evaluate(script, f":/edit_profile/{field}"))

    def afresh(self) -> "Visitor":
        """On one's own profile, with nothing left of what was typed."""
        self.go("/").page.evaluate("localStorage.clear()")
        return self.at_home()

    def save(self, field: str) -> None:
        self.block(field).get_by_role("button", name=re.compile("Save|Keep mine")).click()

    def toast(self, text: str | re.Pattern[str] = "") -> Locator:
        """The toasts that say `text`."""
        return self.page.locator(".toast:not(.is-leaving)").filter(has_text=text)

    def message(self, field: str) -> Locator:
        return self.page.locator(f"#{field}-message")

    def caret(self) -> list[Any]:
        """Which control has the focus, and where the caret is in it."""
        found: list[Any] = self.page.evaluate("""() => {
          const { id, selectionStart, selectionEnd } = document.activeElement;
          return [id, selectionStart, selectionEnd];
        }""")
        return found

    def put_caret(self, field: str, at: int) -> None:
        self.control(field).evaluate("(control, at) => { control.focus(); control.setSelectionRange(at, at); }", at)
