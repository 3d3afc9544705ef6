"""Registering and signing in."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD, sign_out_button


def test_it_works(visit, site):
    new = visit().go("/")
    page = new.page
    page.get_by_role("link", name="Create an account").click()
    expect(new.control("username")).to_be_focused()
    page.keyboard.type("Nora_1")
    expect(new.message("username")).to_have_text("This name is free.")
    new.control("email").fill("nora@example.org")
    new.control("password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/user/Nora_1$"))
    expect(new.toast("Welcome, Nora_1.")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Nora_1")
    assert site.records_when(1, "user.registered")


def test_a_newcomer_reads_in_the_zone_of_their_browser(visit):
    new = visit(timezone_id="Asia/Tokyo").go("/register")
    new.allow(422)
    new.control("username").fill("nora_tokyo")
    new.control("email").fill("nora@example")  # refused at first: the zone is in the second form too
    new.control("password").fill(PASSWORD)
    new.control("password").press("Enter")
    expect(new.control("email")).to_be_focused()
    new.control("email").fill("nora@example.org")
    new.control("email").press("Enter")
    expect(new.page).to_have_url(re.compile("/user/nora_tokyo$"))
    new.go("/").page.locator("#composer-text").fill("Good evening")
    new.page.keyboard.press("Control+Enter")
    expect(new.page.locator("[data-post] time").first).to_have_attribute("title", re.compile("JST$"))


def test_a_stranger_reads_in_the_zone_of_their_browser(visit, member):
    writer = member("writer")
    writer.go("/").page.locator("#composer-text").fill("Good morning")
    writer.page.keyboard.press("Control+Enter")
    expect(writer.toast("Posted.")).to_be_visible()
    stranger = visit(timezone_id="Asia/Tokyo").go("/explore")
    time = stranger.page.locator("[data-post] time").first
    expect(time).to_have_attribute("title", re.compile("UTC$"))
    time.hover()
    expect(time).to_have_attribute("title", re.compile(r"^\d+ [A-Z][a-z]+ \d{4}, \d\d:\d\d GMT\+9$"))
    their_own = writer.page.locator("[data-post] time").first
    before = their_own.get_attribute("title")
    their_own.hover()
    expect(their_own).to_have_attribute("title", before)


def test_a_taken_name_is_found_while_typing(member, visit):
    taken = member("taken").name
    new = visit().go("/register")
    new.control("username").press_sequentially(taken.upper())
    expect(new.message("username")).to_have_text("This username is taken. Choose another one.")
    expect(new.control("username")).to_have_attribute("aria-invalid", "true")
    assert new.caret() == ["username", len(taken), len(taken)]

    new.control("username").press_sequentially("x")
    expect(new.message("username")).to_have_text("This name is free.")
    expect(new.control("username")).not_to_have_attribute("aria-invalid", "true")


def test_refused_the_form_keeps_everything_and_leads_to_the_first_problem(visit):
    new = visit().go("/register")
    new.allow(422)
    new.control("username").fill("a!")
    new.control("email").fill("nobody")
    new.control("password").fill("short")
    new.page.keyboard.press("Enter")

    expect(new.message("email")).to_have_text("This does not look like an e-mail address.")
    expect(new.control("username")).to_be_focused()
    for field, text in {"username": "a!", "email": "nobody", "password": "short"}.items():
        expect(new.control(field)).to_have_value(text)
        expect(new.control(field)).to_have_attribute("aria-invalid", "true")


def test_sign_out_and_in_again(member):
    ana = member("ana")
    sign_out_button(ana.page).click()
    expect(ana.toast("You are signed out.")).to_be_visible()

    ana.go("/login").allow(401)
    ana.control("username").fill(ana.name)
    ana.control("password").fill("wrong one")
    ana.page.keyboard.press("Enter")
    expect(ana.message("password")).to_have_text("Username or password is wrong.")
    expect(ana.control("password")).to_be_focused()
    expect(ana.control("username")).to_have_value(ana.name)

    ana.control("password").fill(PASSWORD)
    ana.page.get_by_role("button", name="Sign in").click()
    expect(ana.page).to_have_url(re.compile(f"/user/{ana.name}$"))
