"""Every fault at every place where a member types: nothing typed is lost, it is told plainly, and then it works."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENS
from tests.browser.places import PLACES
from tests.browser.site import debug_site
from tests.browser.visitor import PASSWORD, Visitor
from tests.faults.test_injection import ANSWERS
from tests.support.budget import few
from tests.support.watched import REFERENCE

pytestmark = pytest.mark.slow

# Answers of others, and none at all: no reference, as none of ours was given out, or none arrived.
STRANGE = {
    "foreign": "The site is not answering properly",
    "late": "The site is not answering properly",
    "empty": "The site is not answering properly",
    "cut": "The site cannot be reached",
}
FAULTS = [*ANSWERS, *STRANGE, "template", "slow"]
SAVED = {"cut", "late", "template", "slow"}
"""The change was made, whatever was told."""


SPECIAL = {"session", "500", "cut", "late", "template"}
"""The places react differently to these faults."""


def cells(faults, everywhere):
    """Each fault at one of the places, in turn; those of `everywhere` at all of them; with --long, all at all."""
    places = list(PLACES)
    kept = [(fault, places[number % len(places)]) for number, fault in enumerate(faults)]
    # These two have words of their own for what everybody else is told by a toast.
    kept += [("409", "Profile"), ("413", "Avatar")]
    kept += [(fault, place) for fault in faults if fault in everywhere for place in places]
    return few(itertools.product(faults, places), *dict.fromkeys(kept))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with debug_site(tmp_path_factory.mktemp("debug")) as running:
        yield running


@pytest.fixture(scope="module")
def windows():
    """One window for each place and all its faults; opening one costs more than a test."""
    opened = {}
    yield opened
    for place in opened.values():
        place.visitor.leave()


@pytest.fixture
def at(chromium, site, windows):
    """``at("Profile")``: the place, filled in. What its pages must never do is told at the end."""
    used = []

    def go(name, *, javascript=True):
        key = name, javascript
        if key not in windows:
            width, height = SCREENS["desktop"]
            context = chromium.new_context(
                viewport={"width": width, "height": height}, reduced_motion="reduce", java_script_enabled=javascript
            )
            visitor = Visitor(context, site.url)
            visitor.allow(*range(400, 600), "net")
            windows[key] = PLACES[name](visitor, site, javascript=javascript)
        used.append(key)
        windows[key].finished = False
        windows[key].fill()
        return windows[key]

    yield go
    for key in used:
        place = windows[key]
        problems, place.visitor.problems = place.visitor.problems, []
        if not place.finished:  # the next test shall not suffer from this one
            windows.pop(key).visitor.leave()
        assert not problems, "\n".join(problems)


def goes_through(place, fault, *, keyed=False):
    """Whether it ends well by itself: the answer comes late, or needs no template because it leads elsewhere.

    A form with a key of its own asks what became of it, and fetches the answer that was lost.
    """
    return (
        fault == "slow"
        or (fault == "template" and place.name in {"new", "member"})
        or (fault in {"cut", "late"} and keyed)
    )


@pytest.mark.parametrize(("fault", "name"), cells(FAULTS, SPECIAL))
def test_it_works(at, name, fault):
    place = at(name)
    page, title, address = place.visitor.page, place.visitor.page.title(), place.visitor.page.url
    keyed = page.locator(f'form[action="{place.action}"] [name=once]').count() > 0
    inject(place, fault)
    place.button().click()
    if goes_through(place, fault, keyed=keyed):
        place.expect_shown_as_saved()
    else:
        expect_told(place, fault)
        place.expect_still_typed()
        assert (page.title(), page.url) == (title, address)
        expect(page.locator("main .toast")).to_have_count(0)  # the target is left alone
        expect(place.button()).to_be_enabled()
        focus = "Boolean(document.activeElement.closest('form[data-form], .toasts'))"
        expect_true(page, focus)
        assert place.is_saved() == (fault in SAVED)

        place.button().click()
        if place.name == "new" and fault in SAVED:
            has_an_account(place)
        else:
            place.expect_shown_as_saved()
    assert place.is_saved()
    place.finished = True


def inject(place, fault):
    """Into the one request that sends the form."""
    address = place.visitor.base + place.action

    def send(route):
        # The route also sees a page of this address being opened.
        sends = route.request.method == "POST"
        route.continue_(headers=route.request.headers | ({"x-fault": fault} if sends else {}))
        if sends:
            place.visitor.page.unroute(address)

    place.visitor.page.route(address, send)


def expect_true(page, expression):
    """htmx gives a button back, and we the focus, in a moment of their own after the answer."""
    page.wait_for_function(expression)


def expect_told(place, fault):
    """In words of ours, with a reference where one was given out."""
    visitor = place.visitor
    if fault == "409" and place.name == "profile":
        expect(visitor.page.locator(".conflict")).to_contain_text("Saved meanwhile")
        return
    if fault == "413" and place.name == "face":
        expect(visitor.message("avatar")).to_contain_text("more fields, or longer ones")
        return
    if fault in {"401", "session"} and place.name in {"profile", "face"}:
        # The page asks to sign in over it, and hears that this one answer was mistaken.
        expect(visitor.toast("You are signed in again.")).to_contain_text("still here, and not sent yet")
        return
    toast = visitor.page.locator(".toast--error:not(.is-leaving)").filter(has_text=STRANGE.get(fault, ""))
    expect(toast).to_have_count(1)
    if fault in STRANGE:
        expect(toast).to_contain_text("What you typed is still here.")
        return
    shown = toast.locator("[data-reference]").inner_text()
    assert REFERENCE.fullmatch(shown)
    finished = place.site.records_when(1, "request.finished", reference=shown)
    assert [record["path"] for record in finished] == [place.action]


# Without JavaScript

OURS = [*ANSWERS, "foreign", "late"]
"""Not here: with no answer at all, or an empty one, Chromium shows a page of its own, and sends again on Reload."""

NOT_REPEATED = {"400", "404", "413", "foreign", "late"}
"""The page cannot have what was typed, or could not send it: Back brings it."""


def arm(place, fault):
    """As the panel does without JavaScript; a header would go along with the redirect too."""
    token = place.visitor.page.locator("[data-faults] input[name=csrf_token]").get_attribute("value")
    sent = {"csrf_token": token, "fault": fault, "where": f"POST {place.action}"}
    answer = place.visitor.context.request.post(f"{place.visitor.base}/debug/faults", form=sent, max_redirects=0)
    assert answer.status == 303


@pytest.mark.parametrize(("fault", "name"), cells([*OURS, "template", "slow"], SPECIAL - {"cut"}))
def test_without_javascript(at, name, fault):
    place = at(name, javascript=False)
    page = place.visitor.page
    arm(place, fault)
    place.button().click()
    if fault in OURS:
        expect_told_on_a_page(place, fault)
        assert place.is_saved() == (fault in SAVED)
        if fault in NOT_REPEATED:
            page.go_back()
        typed = {field: text for field, text in place.typed.items() if field != "password"}
        for field, text in typed.items():
            expect(page.locator(f'form[action="{place.action}"] [name="{field}"]')).to_have_value(text)
        send_again(place)
    if name == "Registration" and fault == "late":
        has_an_account(place)  # Back drew the form anew, with another key
    else:
        place.expect_shown_as_saved()
    assert place.is_saved()
    place.finished = True


def expect_told_on_a_page(place, fault):
    page = place.visitor.page
    if fault == "409" and place.name == "profile":
        return expect(page.locator(".conflict")).to_contain_text("Saved meanwhile")
    if fault in STRANGE:
        return expect(page.locator("h1")).to_contain_text("Gateway")
    shown = page.locator("[data-reference]").inner_text()
    assert REFERENCE.fullmatch(shown)
    return place.site.records_when(1, "request.finished", reference=shown)


def send_again(place):
    """The form that is on the page; what is never sent back, passwords and files, is asked for once more."""
    sign_in = place.visitor.page.get_by_role("button", name="Sign in and go on")
    if place.name != "new" and sign_in.count():
        place.visitor.control("sign_in-username").fill(place.person)
        place.visitor.control("sign_in-password").fill(PASSWORD)
        sign_in.click()
        expect(place.visitor.page.locator("h1")).to_have_text("You are signed in")
    form = place.visitor.page.locator(f'main form[action="{place.action}"]')
    button = form.get_by_role("button", name=re.compile("Send again|Save|Keep mine|Create account|Sign in$")).first
    if place.name == "face":
        place.choose(form.locator("input[type=file]"))
    button.click()
    if "password" in place.typed:
        place.visitor.control("password").fill(PASSWORD)
        button.click()


def has_an_account(place):
    """The account was made although its answer was lost: the name is "taken" now, and what was typed signs in."""
    expect(place.visitor.message("username")).to_contain_text("taken")
    if place.javascript:
        place.expect_still_typed()
    place.visitor.go("/login")
    for field, text in (("username", place.person), ("password", PASSWORD)):
        place.visitor.control(field).fill(text)
    place.visitor.page.locator('form[action="/login"]').get_by_role("button").click()
    place.expect_shown_as_saved()
