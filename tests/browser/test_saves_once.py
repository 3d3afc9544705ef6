"""However impatient: one change, one record. Two tabs: neither overwrites the other unseen."""

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("way", ["double click", "enter"])
def test_impatience_saves_once(member, proxy, site, way):
    ana = member("ana", proxy)
    user_id = site.profile(ana.name, "id")
    proxy.rule("POST", "/edit_profile/location", held=True)
    control = ana.edit("location")
    control.fill("Bergen")
    if way == "enter":
        for _ in range(5):
            ana.page.keyboard.press("Enter")
    else:
        ana.block("location").get_by_role("button", name="Save").dblclick()
    proxy.calm()
    expect(ana.toast("Location saved.")).to_be_visible()
    expect(control).to_have_count(0)
    ana.settle()
    assert ana.asked.count("POST /edit_profile/location") == 1

    sent = site.records_when(1, "request.finished", route="/edit_profile/<field>", method="POST", user_id=user_id)
    assert len(sent) == 1
    assert len(site.records("profile.saved", reference=sent[0]["reference"])) == 1
    assert site.profile(ana.name, "version") == 2


def test_an_undo_clicked_twice_undoes_once(member, proxy, site):
    ana = member("ana", proxy, location="old")
    ana.edit("location").fill("new")
    ana.save("location")
    undo = ana.toast("Location saved.").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()  # else it is the save that is held
    held = proxy.rule("POST", "/edit_profile/location", held=True)
    undo.dblclick()
    ana.until(lambda: held.seen)
    proxy.calm()
    expect(ana.toast("put back")).to_have_count(1)
    ana.settle()
    assert ana.asked.count("POST /edit_profile/location") == 2, "the save and one undo"
    route = {"route": "/edit_profile/<field>", "method": "POST", "user_id": site.profile(ana.name, "id")}
    assert len(site.records_when(2, "request.finished", **route)) == 2
    assert (site.profile(ana.name, "location"), site.profile(ana.name, "version")) == ("old", 3)


@pytest.mark.parametrize("choice", ["Keep mine", "Use the saved one"])
@pytest.mark.parametrize("field", ["about_me", "website"])
def test_two_tabs(member, site, field, choice):
    first, second, old = ("https://one.example", "https://two.example", "https://old.example")
    ana = member(**{field: old})
    ana.allow(409)
    mine = ana.edit(field)
    other = ana.context.new_page()
    other.goto(f"{ana.base}/edit_profile/{field}")
    other.locator(f"#{field}").fill(first)
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".toast")).to_contain_text("saved.")

    mine.fill(second)
    ana.save(field)
    conflict = ana.page.locator(".conflict")
    expect(conflict).to_contain_text(first)
    expect(conflict).to_contain_text(re.compile(r"Saved meanwhile, at \d\d:\d\d UTC"))
    expect(mine).to_have_value(second)
    expect(mine).to_be_focused()
    assert site.profile(ana.name, field) == first

    role = "button" if choice == "Keep mine" else "link"
    ana.block(field).get_by_role(role, name=choice).click()
    expect(mine).to_have_count(0)
    kept = second if choice == "Keep mine" else first
    expect(ana.block(field)).to_contain_text(kept.removeprefix("https://"))
    assert site.profile(ana.name, field) == kept


def test_two_tabs_on_the_form_of_everything(member, site):
    ana = member(about_me="old", location="old")
    ana.go("/edit_profile").allow(409)
    other = ana.context.new_page()
    other.goto(f"{ana.base}/edit_profile/about_me")
    other.locator("#about_me").fill("theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".toast")).to_contain_text("saved.")

    ana.control("about_me").fill("mine")
    ana.control("location").fill("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.page.locator(".conflict")).to_contain_text("theirs")
    expect(ana.control("about_me")).to_have_value("mine")
    expect(ana.control("location")).to_have_value("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Profile saved.")).to_be_visible()
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == ("mine", "Bergen")


def test_different_fields_in_two_tabs_do_not_conflict(member, site):
    ana = member()
    mine = ana.edit("about_me")
    other = ana.context.new_page()
    other.goto(f"{ana.base}/edit_profile/location")
    other.locator("#location").fill("Bergen")
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".toast")).to_contain_text("saved.")
    mine.fill("mine")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == ("mine", "Bergen")


def test_registering_impatiently_makes_one_account(visit, proxy, site):
    new = visit(proxy).go("/register")
    proxy.rule("POST", "/register", held=True)
    new.control("username").fill("impatient")
    new.control("email").fill("impatient@example.org")
    new.control("password").fill("correct horse battery")
    for _ in range(5):
        new.page.keyboard.press("Enter")
    proxy.calm()
    expect(new.toast("Welcome, impatient.")).to_be_visible()
    (number,) = (
        site.stored("SELECT json_group_array(id) FROM users WHERE username = 'impatient'").strip("[]").split(",")
    )
    assert len(site.records("user.registered", user_id=int(number))) == 1
