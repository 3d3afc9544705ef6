"""Where a member types something that must not get lost: each form filled in, sent, and looked at afterwards."""

import itertools
import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.site import VisitedSite
from tests.browser.test_edit_in_place import png
from tests.browser.visitor import PASSWORD, Visitor

_numbers = itertools.count(1)


class Place:
    """One form in one window. `typed` is what was put into which control; `action` is where it goes."""

    name, action, label = "", "", re.compile("")

    def __init__(self, visitor: Visitor, site: VisitedSite, *, javascript: bool) -> None:
        self.visitor, self.site, self.javascript = visitor, site, javascript
        self.typed: dict[str, str] = {}
        self.person = ""
        self.open()

    def open(self) -> None:
        """Once, before the first test."""

    def fill(self) -> None:
        """Before each test: the form, with something new typed into it, and no toast in sight."""
        for field, text in self.typed.items():
            self.visitor.control(field).fill(text)

    def button(self) -> Locator:
        return self.visitor.page.locator(f'form[action="{self.action}"]').get_by_role("button", name=self.label).first

    def expect_still_typed(self) -> None:
        """Everything typed stands where it was typed."""
        for field, text in self.typed.items():
            expect(self.visitor.control(field)).to_have_value(text)

    def is_saved(self) -> bool:
        """Whether the database has it."""
        raise NotImplementedError

    def expect_shown_as_saved(self) -> None:
        """What a member sees once it is saved."""
        raise NotImplementedError

    def _newcomer(self) -> str:
        self.person = f"{self.name}_{next(_numbers)}"
        return self.person

    def _dismiss(self) -> None:
        """Without waiting for the 160 ms in which a toast leaves."""
        self.visitor.page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")


class Profile(Place):
    name, action, label = "profile", "/edit_profile/about_me", re.compile("Save|Keep mine")

    def open(self) -> None:
        self.visitor.register(self._newcomer()).at_home()

    def fill(self) -> None:
        self.typed = {"about_me": f"half a thought,\nand 🦊 number {next(_numbers)}"}
        if not self.javascript:
            self.visitor.go("/edit_profile/about_me")
            return super().fill()
        self._dismiss()
        self.visitor.edit("about_me")
        super().fill()
        # A live check that is under way would be one request more.
        return expect(self.visitor.message("about_me")).to_have_text("Fine.")

    def is_saved(self) -> bool:
        return bool(self.site.profile(self.person, "about_me") == self.typed["about_me"])

    def expect_shown_as_saved(self) -> None:
        expect(self.visitor.toast(re.compile("About me (saved|is saved already)"))).to_be_visible()
        expect(self.visitor.block("about_me").locator(".field__value")).to_contain_text("half a thought")


class Avatar(Place):
    name, action, label = "face", "/edit_profile/avatar", re.compile("Save")

    def open(self) -> None:
        self.visitor.register(self._newcomer()).at_home()

    def fill(self) -> None:
        number = next(_numbers)
        self.before = self._stored()
        self.picture = png(f"hsl({number * 37 % 360}, 70%, {30 + number % 40}%)")
        if self.javascript:
            self._dismiss()
            self.visitor.edit("avatar")
        else:
            self.visitor.go("/edit_profile/avatar")
        self.choose(self.visitor.control("avatar"))

    def choose(self, control: Locator) -> None:
        """The picture, as a person chooses it."""
        control.set_input_files(self.picture)  # type: ignore[arg-type]

    def expect_still_typed(self) -> None:
        assert self.visitor.control("avatar").evaluate("input => [...input.files].map(file => file.name)") == ["me.png"]

    def _stored(self) -> Any:
        return self.site.profile(self.person, "avatar")

    def is_saved(self) -> bool:
        return bool(self._stored() != self.before)

    def expect_shown_as_saved(self) -> None:
        expect(self.visitor.toast(re.compile("Picture (saved|is saved already)"))).to_be_visible()
        expect(self.visitor.block("avatar").locator("img")).to_have_attribute("src", re.compile(f"/{self._stored()}"))


class Registration(Place):
    name, action, label = "new", "/register", re.compile("Create account")

    def fill(self) -> None:
        self.visitor.context.clear_cookies()
        self.visitor.go("/register")
        person = self._newcomer()
        self.typed = {"username": person, "email": f"{person}@example.org", "password": PASSWORD}
        super().fill()
        if self.javascript:
            expect(self.visitor.message("username")).to_have_text("This name is free.")
            self.visitor.control("username").focus()  # what was typed last is checked when it is left
            expect(self.visitor.message("password")).to_have_text("Fine.")

    def is_saved(self) -> bool:
        return self.site.profile(self.person, "id") is not None

    def expect_shown_as_saved(self) -> None:
        expect(self.visitor.page).to_have_url(re.compile(f"/user/{self.person}$"))


class SignIn(Place):
    name, action, label = "member", "/login", re.compile("Sign in")

    def open(self) -> None:
        self.visitor.register(self._newcomer())

    def fill(self) -> None:
        self.visitor.context.clear_cookies()
        self.visitor.go("/login")
        self.typed = {"username": self.person, "password": PASSWORD}
        super().fill()
        self.before = self._sessions()

    def _sessions(self) -> Any:
        count = "SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE username = ?"
        return self.site.stored(count, self.person)

    def is_saved(self) -> bool:
        return bool(self._sessions() > self.before)

    def expect_shown_as_saved(self) -> None:
        expect(self.visitor.page).to_have_url(re.compile(f"/user/{self.person}$"))


PLACES = {place.__name__: place for place in (Profile, Avatar, Registration, SignIn)}
