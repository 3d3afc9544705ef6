"""A random walk of somebody who types, clicks, goes back and reloads while the site is killed, cut off and restarted.

    python -m tests.browser.walk --seconds 600 [--seed N]

Whatever was typed is owed until it is saved: after every step each owed text must be in its control or in the
browser's storage, and at the end it must come back by itself and be savable. A 500 in the log is a failure too, and so
is an error told without its reference, and whatever a page must not do (console, CSP, third parties).
"""

import argparse
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright

from tests.browser.conftest import QUIET, chromium_path
from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.visitor import PASSWORD, Visitor

FIELDS = ("about_me", "display_name", "location")
WORDS = ("sea", "Bergen", "nåde", "море", "שלום", "👩‍👧", "& <b>", '"quoted"', "{{ 7*7 }}", "né", "雪")
DIALOG = "#sign-in-dialog[open]"
SIGN_OUT = "[data-sign-out]"
EDIT = "[id^=field-] a[hx-get]:not([data-cancel])"
UNDO = ".toast >> text=Undo"
AGAIN = ".toast >> text=/^(Try|Send) again$/"
COMPOSER = "form.composer[data-draft]"
BY_THE_PAGE = {"serverUnavailable", "unreachable", "tookTooLong", "offline"}
"""Errors that the page tells by itself, where no answer of ours came: there is no reference."""
ENOUGH = 100
"""Characters; the fields of this walk hold 200 and more."""
LONG = 90
"""Seconds that a busy machine is given for what must become true; the promise is that it does, not how soon."""
OTHER = "bo_"
"""Somebody else, who has written a little."""
UNREFERRED = """() => [...document.querySelectorAll(".toast--error:not(.is-leaving), .problem__status")]
  .filter((told) => !(told.matches(".toast") ? told : document).querySelector("[data-reference]"))
  .map((told) => told.dataset.toast ?? "page")"""
PAUSE = 1500
"""Milliseconds that a step may wait for something to be there; what is not is another step's chance."""

Place = tuple[str, str]


class Lost(AssertionError):
    """Something typed is nowhere."""


class Walk:
    """One person in one tab. `owed`: what was typed at each place ("inline" or "whole", field) and is not saved."""

    def __init__(self, site: VisitedSite, proxy: Proxy, visitor: Visitor, seed: int) -> None:
        self.site, self.proxy, self.visitor = site, proxy, visitor
        self.random = random.Random(seed)
        self.owed: dict[Place, str] = {}
        self.history: list[str] = []
        self.counts: Counter[str] = Counter()
        self.characters = 0
        visitor.context.set_default_timeout(PAUSE)

    @property
    def page(self) -> Page:
        return self.visitor.page

    # Steps

    def step(self) -> None:
        """One random thing, then the check."""
        up, open_, shown = self.site.process.poll() is None, bool(self.open_controls()), self.is_shown
        steps = {
            self.open_editor: 8 if shown(EDIT) else 0,
            self.type: 12 if open_ else 0,
            self.save: 4 if open_ else 0,
            self.save_twice: 1 if open_ else 0,
            self.cancel: 0.7 if open_ else 0,
            self.undo: 2 if shown(UNDO) else 0,
            self.go_back: 1,
            self.go_forward: 1,
            self.reload: 1,
            self.go_home: 0.5,
            self.go_to_the_profile: 1 if open_ else 4,
            self.go_to_the_whole_form: 1,
            self.read_posts: 3,
            self.open_a_post: 1 if shown(".post__time") else 0,
            self.like: 3 if shown(".act--like") else 0,
            self.answer: 2 if shown("a.act--reply") else 0,
            self.edit_a_post: 2 if shown("[data-post]") else 0,
            self.delete_a_post: 0.7 if shown("[data-post]") else 0,
            self.follow: 2 if shown(".follow button") else 0,
            self.search: 0.7,
            self.kill_the_site: 0.5 if up else 0,
            self.stop_the_site: 0.2 if up else 0,
            self.start_the_site: 0 if up else 6,
            self.break_the_next_request: 1.5,
            self.end_the_session: 0.7 if shown(SIGN_OUT) else 0,
            self.sign_in_elsewhere: 0.5,
            self.sign_in_at_the_page: 8 if up and not shown(SIGN_OUT) else 0,
            self.sign_in_here: 8 if shown(DIALOG) else 0,
            self.send_again: 4 if shown(AGAIN) else 0,
            self.dismiss_toasts: 2 if shown(".toast") else 0,
            self.wait: 2,
        }
        (chosen,) = self.random.choices(list(steps), list(steps.values()))
        self.counts[chosen.__name__] += 1
        self.history.append(chosen.__name__)
        with suppress(PlaywrightError):  # not there, covered, or gone meanwhile: a person would shrug too
            chosen()
        self.check()

    def open_editor(self) -> None:
        link = f"#field-{self.random.choice(FIELDS)} a[hx-get]:not([data-cancel])"
        self.page.locator(link).click(timeout=300)
        self.page.wait_for_load_state("networkidle")

    def type(self) -> None:
        """Somewhere in an open control: at the end, or all anew before its limit is near."""
        place, control = self.random.choice(self.open_controls() or [(("", ""), None)])
        if control is None:
            return
        text = " " + self.random.choice(WORDS) + str(self.random.randrange(100))
        control.press("Control+A" if len(control.input_value()) > ENOUGH else "End")
        self.page.keyboard.insert_text(text) if self.random.random() < 0.3 else self.page.keyboard.type(text)
        self.note(place, control.input_value())
        self.characters += len(text)

    def note(self, place: Place, value: str) -> None:
        self.owed[place] = value
        self.history[-1] += f" {place}: {value!r}"

    def save(self) -> None:
        self.random.choice(self.save_buttons()).click()
        if self.random.random() < 0.7:
            self.page.wait_for_load_state("networkidle", timeout=4000)

    def save_twice(self) -> None:
        self.random.choice(self.save_buttons()).dblclick()

    def cancel(self) -> None:
        """What was typed is put aside: still owed."""
        self.page.locator("[data-cancel]").first.click(timeout=300)

    def undo(self) -> None:
        """Of what is shown now; what is being typed is not touched by it. What was saved until now is owed no more."""
        self.count_saved()
        self.page.locator(UNDO).last.click(timeout=300)

    def go_back(self) -> None:
        self.page.go_back()

    def go_forward(self) -> None:
        self.page.go_forward()

    def reload(self) -> None:
        self.page.reload()

    def go_home(self) -> None:
        self.visitor.go("/")

    def go_to_the_profile(self) -> None:
        self.visitor.at_home()

    def go_to_the_whole_form(self) -> None:
        self.visitor.go("/edit_profile")

    # Posts

    def read_posts(self) -> None:
        self.visitor.go(self.random.choice(["/", "/", "/explore", "/bookmarks", f"/user/{OTHER}"]))

    def one_of(self, selector: str) -> Locator:
        """One of those that are there."""
        return self.random.choice(self.page.locator(selector).all() or [self.page.locator("#no-such-thing")])

    def open_a_post(self) -> None:
        self.one_of(".post__time").click(timeout=300)

    def like(self) -> None:
        """Or keep, or take it back."""
        self.one_of(".act--like, .act--keep").click(timeout=300)

    def answer(self) -> None:
        self.one_of("a.act--reply").click(timeout=300)
        self.page.wait_for_load_state("networkidle")

    def choose(self, choice: str) -> None:
        """In the menu of a post, if it is there; what is somebody else's has none."""
        post = self.one_of("[data-post]")
        post.get_by_label("More", exact=True).click(timeout=300)
        post.get_by_text(choice, exact=True).click(timeout=300)
        self.page.wait_for_load_state("networkidle")

    def edit_a_post(self) -> None:
        self.choose("Edit")

    def delete_a_post(self) -> None:
        self.choose("Delete")

    def follow(self) -> None:
        self.one_of(".follow button").click(timeout=300)

    def search(self) -> None:
        field = self.page.get_by_label("Search")
        field.fill(self.random.choice(WORDS), timeout=300)
        field.press("Enter")

    def kill_the_site(self) -> None:
        if self.site.process.poll() is None:
            os.killpg(self.site.process.pid, signal.SIGKILL)
            self.site.process.wait()

    def stop_the_site(self) -> None:
        self.site.stop()

    def start_the_site(self) -> None:
        if self.site.process.poll() is not None:
            self.site.stop()  # closes what the last process left
            self.site.start()

    def break_the_next_request(self) -> None:
        fault = self.random.choice(["502", "500", "503", "portal", "cut", "lost", "refuse"])
        self.history[-1] += f" {fault}"
        self.proxy.rule("POST", "/", fault, times=self.random.choice([1, 1, 2]))

    def end_the_session(self) -> None:
        """As if it had run out."""
        self.visitor.context.clear_cookies()

    def sign_in_elsewhere(self) -> None:
        """In another tab."""
        send = self.visitor.context.request
        with suppress(PlaywrightError):
            if found := re.search(r'name="csrf_token" value="([^"]+)"', send.get(self.visitor.base + "/login").text()):
                fields = {"username": self.visitor.name, "password": PASSWORD, "csrf_token": found[1]}
                send.post(self.visitor.base + "/login", form=fields, max_redirects=0)

    def sign_in_at_the_page(self) -> None:
        """Where the site sent us, or by its own way."""
        form = self.page.locator("form[action^='/login']")
        if not form.count():
            self.visitor.go("/login")
        form.get_by_label("Username").fill(self.visitor.name)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name="Sign in").click()

    def sign_in_here(self) -> None:
        """In the dialog over the page; or not now."""
        dialog = self.page.locator(DIALOG)
        if self.random.random() < 0.2:
            return self.page.keyboard.press("Escape")
        dialog.get_by_label("Password").fill(PASSWORD)
        return dialog.get_by_role("button", name="Sign in").click()

    def send_again(self) -> None:
        """By the button in a toast."""
        self.page.locator(AGAIN).last.click(timeout=300)

    def dismiss_toasts(self) -> None:
        for button in self.page.locator(".toast [data-dismiss]").all():
            button.click(timeout=300)

    def wait(self) -> None:
        self.page.wait_for_timeout(self.random.choice([100, 500, 1500]))

    # What is where

    def at_site(self) -> bool:
        """Whether a page of the site is shown, and not the browser's own about a site that does not answer."""
        with suppress(PlaywrightError):
            return bool(self.page.evaluate("Boolean(document.getElementById('toasts'))"))
        return False

    def is_shown(self, selector: str) -> bool:
        with suppress(PlaywrightError):
            return bool(self.page.locator(selector).count())
        return False

    def open_controls(self) -> list[tuple[Place, Locator]]:
        found: list[tuple[Place, Locator]] = []
        for field in FIELDS:
            for kind, form in (("inline", f"form[data-editor={field}]"), ("whole", "#profile-form")):
                control = self.page.locator(f"{form} #{field}")
                if control.count():
                    found.append(((kind, field), control))
        for draft in self.page.eval_on_selector_all(COMPOSER, "forms => forms.map(({ dataset }) => dataset.draft)"):
            found.append((("post", draft), self.page.locator(f'{COMPOSER}[data-draft="{draft}"] .composer__text')))
        return found

    def save_buttons(self) -> list[Locator]:
        forms = ", ".join(f"{form} button[type=submit]" for form in ("form[data-editor]", "#profile-form", ".composer"))
        return self.page.locator(forms).all() or [self.page.locator("#no-such-button")]

    def stored(self, field: str) -> str:
        return str(self.site.profile(self.visitor.name, field))

    def is_saved(self, place: Place, text: str) -> bool:
        kind, field = place
        if kind != "post":
            return self.stored(field) == text.strip()
        said = "SELECT text FROM posts UNION ALL SELECT text FROM post_versions"
        return not text.strip() or bool(self.site.stored(f"SELECT 1 FROM ({said}) WHERE text = ?", text.strip()))

    # The promise

    def check(self) -> None:
        """Every owed text is saved, in its control, or in the browser's storage."""
        self.count_saved()
        if not self.at_site():
            return
        with suppress(PlaywrightError):  # between two pages
            told = self.page.evaluate(UNREFERRED)
            assert set(told) <= BY_THE_PAGE, f"no reference: {told}"
        if not self.owed:
            return
        end = time.monotonic() + LONG
        while missing := self.missing():
            if time.monotonic() > end:
                raise Lost(f"{missing} is nowhere")
            self.page.wait_for_timeout(100)

    def count_saved(self) -> None:
        """What the site has is owed no more."""
        for place, text in list(self.owed.items()):
            if self.is_saved(place, text):
                del self.owed[place]

    def missing(self) -> dict[Place, str]:
        """What is owed and cannot be seen."""
        try:
            kept = self.page.evaluate("JSON.stringify(Object.values(localStorage).map((text) => JSON.parse(text)))")
            shown = {place: control.input_value(timeout=300) for place, control in self.open_controls()}
        except (PlaywrightError, TimeoutError):
            return {}  # between two pages
        return {
            place: text
            for place, text in self.owed.items()
            if shown.get(place) != text and _as_json(text) not in kept and not self.is_saved(place, text)
        }

    def finish(self) -> None:
        """All works again: what is owed comes back, and can be saved."""
        self.proxy.calm()
        self.start_the_site()
        self.visitor.context.set_default_timeout(30_000)
        self.visitor.context.clear_cookies()
        self.sign_in_elsewhere()
        for kind, path in (("inline", f"/user/{self.visitor.name}"), ("whole", "/edit_profile")):
            self.visitor.go(path)
            self.count_saved()  # the last step may have been answered since
            owed = {field: text for (of, field), text in self.owed.items() if of == kind}
            for field, text in owed.items():
                self.bring_back(kind, field, text)
                if kind == "inline":
                    self.keep(f"form[data-editor={field}]", {field: text})
            if kind == "whole" and owed:
                self.keep("#profile-form", owed)
        self.finish_posts()
        if self.visitor.problems:
            raise AssertionError("\n".join(self.visitor.problems))
        if failed := self.site.records("request.failed"):
            raise AssertionError(f"unhandled: {failed}")

    def finish_posts(self) -> None:
        """Each where it was typed; what it was about may be gone, then it is kept all the same."""
        self.count_saved()
        for place, text in [(place, text) for place, text in self.owed.items() if place[0] == "post"]:
            self.visitor.go("/" if place[1] == "/post" else place[1])
            form = self.page.locator(f'{COMPOSER}[data-draft="{place[1]}"]')
            if not form.count():
                if place in self.missing():
                    raise Lost(f"{text!r} is nowhere")
                continue
            use = form.get_by_role("button", name="Use it")
            if not self.comes_back(form.locator(".composer__text"), text, unless=use) and use.count():
                use.click()
            if not self.comes_back(form.locator(".composer__text"), text):
                raise Lost(f"{place} did not come back: {text!r}")
            if not self.press_until(partial(self.is_saved, place, text), form):
                raise Lost(f"{place} cannot be saved: {text!r}")

    def bring_back(self, kind: str, field: str, text: str) -> None:
        """It is there by itself; or it was put aside, and is offered."""
        form = self.page.locator(f"form[data-editor={field}]" if kind == "inline" else "#profile-form")
        control, use = form.locator(f"#{field}"), form.get_by_role("button", name="Use it")
        with suppress(TimeoutError):
            control.wait_for(timeout=3000)
        if not control.count():
            self.visitor.edit(field)
        if not self.comes_back(control, text, unless=use) and use.count():
            use.click()
        if not self.comes_back(control, text):
            raise Lost(f"{kind} {field} came back as {control.input_value()!r}, not {text!r}")

    def keep(self, form: str, texts: dict[str, str]) -> None:
        """Save what `form` holds."""
        wanted = {field: text.strip() for field, text in texts.items()}
        if not self.press_until(lambda: self.all_stored(texts) == wanted, self.page.locator(form)):
            raise Lost(f"{texts} cannot be saved, but {self.all_stored(texts)}")

    def all_stored(self, fields: Iterable[str]) -> dict[str, str]:
        return {field: self.stored(field) for field in fields}

    def press_until(self, saved: Callable[[], bool], form: Locator) -> bool:
        """Press Save, again where a conflict is shown once or no answer came; whether it is saved."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            with suppress(PlaywrightError):
                form.locator("button[type=submit]").first.click(timeout=3000)
            answered = time.monotonic() + 4
            while time.monotonic() < answered:
                if saved():
                    return True
                self.page.wait_for_timeout(50)
        return False

    def comes_back(self, control: Locator, text: str, *, unless: Locator | None = None) -> bool:
        """Whether `text` comes into `control`; false at once when `unless` is there."""
        end = time.monotonic() + LONG
        while control.input_value() != text:
            if time.monotonic() > end or (unless and unless.count()):
                return False
            self.page.wait_for_timeout(50)
        return True


def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def walk(seconds: float, seed: int, folder: Path) -> Walk:
    """Walk for so long, and until something was typed; raises Lost or AssertionError."""
    lengths = {"ABOUT_ME": "5000", "DISPLAY_NAME": "200", "LOCATION": "200"}
    room = {f"MICROBLOG_PROFILE__{field}_MAX": length for field, length in lengths.items()}
    site = VisitedSite(folder, MICROBLOG_POSTS__PER_FIVE_MINUTES="1000", **room).start()
    proxy = Proxy(site.url)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
            other = Visitor(chromium.new_context(), site.url).register(OTHER)
            for number in range(5):
                other.go("/").control("composer-text").fill(f"Written by somebody else, {number}")
                other.page.keyboard.press("Control+Enter")
                other.page.locator("[data-post]").nth(number).wait_for()
            other.leave()
            visitor = Visitor(chromium.new_context(reduced_motion="reduce"), proxy.url).register("ana").at_home()
            visitor.allow("net", *range(400, 600))
            taken = Walk(site, proxy, visitor, seed)
            end = time.monotonic() + seconds
            try:
                while time.monotonic() < end or not taken.characters:
                    taken.step()
                taken.finish()
            except Exception as error:
                error.add_note("Still owed: " + repr(taken.owed))
                error.add_note("The last steps:\n" + "\n".join(taken.history[-40:]))
                raise
            visitor.leave()
            chromium.close()
    finally:
        proxy.close()
        site.stop()
    return taken


def main() -> int:
    """Walk, and tell what was done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory() as folder:
        taken = walk(args.seconds, args.seed, Path(folder))
    print(f"{sum(taken.counts.values())} steps, {taken.characters} characters typed, 0 lost, 0 unhandled 500s")
    print(", ".join(f"{name} {count}" for name, count in taken.counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
