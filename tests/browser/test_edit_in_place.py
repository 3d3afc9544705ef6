"""Editing one's own profile where it stands."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.budget import few

TEXTS = {
    "display_name": "Ana María",
    "about_me": "I read\nmore than I write. 🦊",
    "location": "Bergen",
    "website": "ana.example.org/notes",
}


def png(colour: str, size: int = 300) -> dict[str, object]:
    """A real picture, as a person would choose one."""
    file = io.BytesIO()
    Image.new("RGB", (size, size // 2), colour).save(file, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.parametrize("field", few(TEXTS, "about_me", "website"))
def test_it_works(member, site, field):
    ana = member(**{field: "https://old.example" if field == "website" else "old"})
    control = ana.edit(field)
    expect(control).to_be_focused()
    old = control.input_value()
    assert ana.caret()[1:] == [len(old), len(old)], "the caret stands at the end"

    control.fill(TEXTS[field])
    ana.save(field)
    expect(ana.toast("saved.")).to_be_visible()
    expect(control).to_have_count(0)
    expect(ana.block(field).locator(".field__edit")).to_be_focused()
    expect(ana.block(field)).to_contain_text(TEXTS[field].split("\n")[-1])
    stored = site.profile(ana.name, field)
    assert stored.removeprefix("https://") == TEXTS[field]
    if field == "display_name":
        expect(ana.page).to_have_title(re.compile("^Ana María "))
        expect(ana.page.locator("nav .nav__name")).to_have_text("Ana María")

    ana.toast().get_by_role("button", name="Undo").click()
    expect(ana.toast("put back.")).to_be_visible()
    expect(ana.toast().get_by_role("button", name="Undo")).to_have_count(0)
    expect(ana.block(field)).to_contain_text("old")
    expect(ana.block(field).locator(".field__edit")).to_be_focused()
    assert site.profile(ana.name, field) == old


def test_a_new_username_and_back(member, site):
    ana, taken = member("ana"), member("taken").name
    old, new = ana.name, f"new_{ana.name}"
    control = ana.edit("username")
    control.fill("")
    control.press_sequentially(taken)
    expect(ana.message("username")).to_have_text("This username is taken. Choose another one.")
    expect(control).to_have_attribute("aria-invalid", "true")
    expect(control).to_be_focused()

    control.fill(new)
    expect(ana.message("username")).to_have_text("This name is free.")
    control.press("Enter")
    expect(ana.toast("Username saved.")).to_be_visible()
    expect(ana.page).to_have_url(re.compile(f"/user/{new}$"))
    expect(ana.page).to_have_title(re.compile(rf"\(@{new}\)"))
    expect(ana.page.locator(f'nav a[href="/user/{new}"]')).to_be_visible()

    ana.toast().get_by_role("button", name="Undo").click()
    expect(ana.page).to_have_url(re.compile(f"/user/{old}$"))
    assert site.profile(old, "username") == old


def test_a_refused_name_leads_back_to_the_field(member):
    ana, taken = member("ana"), member("taken").name
    ana.allow(422)
    control = ana.edit("username")
    control.fill(taken)
    ana.save("username")
    expect(ana.message("username")).to_contain_text("taken")
    expect(control).to_be_focused()
    expect(control).to_have_value(taken)
    expect(ana.block("username").get_by_role("button", name="Save")).to_be_enabled()


@pytest.mark.parametrize("way", ["button", "escape"])
def test_cancel_brings_back_what_was(member, site, way):
    ana = member(about_me="old")
    ana.edit("about_me").fill("new")
    if way == "button":
        ana.block("about_me").get_by_role("link", name="Cancel").click()
    else:
        ana.page.keyboard.press("Escape")
    expect(ana.block("about_me").locator(".field__value")).to_have_text("old")
    expect(ana.block("about_me").locator(".field__edit")).to_be_focused()
    assert site.profile(ana.name, "about_me") == "old"


def test_the_counter_counts_what_the_server_counts(member):
    ana = member()
    control = ana.edit("about_me")
    counter = ana.page.locator("[data-counter=about_me]")
    expect(counter).to_have_text("140")
    control.fill("🦊" * 139)
    expect(counter).to_have_text("1")
    expect(counter).to_have_class(re.compile("is-near"))
    control.fill("x" * 142)
    expect(counter).to_have_text("-2")
    expect(counter).to_have_class(re.compile("is-over"))
    expect(ana.message("about_me")).to_have_text("2 characters too many: at most 140 fit.")


def test_a_picture_is_uploaded_removed_and_brought_back(member, site):
    ana = member()
    picture = ana.block("avatar").locator("img")
    identicon = picture.get_attribute("src")
    ana.edit("avatar").set_input_files(png("rebeccapurple"))
    ana.save("avatar")
    expect(ana.toast("Picture saved.")).to_be_visible()
    uploaded = picture.get_attribute("src")
    assert uploaded is not None
    assert uploaded.endswith(".webp")
    assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth === img.naturalHeight)")
    expect(ana.page.locator("nav .avatar")).to_have_attribute("src", uploaded)

    ana.edit("avatar")
    ana.block("avatar").get_by_role("button", name="Remove").dblclick()
    expect(picture).to_have_attribute("src", str(identicon))
    number = site.stored("SELECT id FROM users WHERE username = ?", ana.name)
    assert len(site.records_when(1, "avatar.removed", user_id=number)) == 1
    ana.toast(re.compile("Picture saved.")).last.get_by_role("button", name="Undo").click()
    expect(picture).to_have_attribute("src", uploaded)


def test_what_is_no_picture_is_refused_beside_the_field(member):
    ana = member()
    ana.allow(422)
    ana.edit("avatar").set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": b"not a picture"})
    ana.save("avatar")
    expect(ana.message("avatar")).to_have_attribute("data-state", "refused")
    expect(ana.control("avatar")).to_have_attribute("aria-invalid", "true")
    assert ana.control("avatar").evaluate("(input) => input.files[0].name") == "me.png"

    ana.control("avatar").set_input_files(png("teal"))
    ana.save("avatar")
    expect(ana.toast("Picture saved.")).to_be_visible()


def test_too_large_a_picture_is_said_before_it_is_sent(member, site):
    ana = member()
    ana.edit("avatar").set_input_files({"name": "big.png", "mimeType": "image/png", "buffer": b"x" * 5_100_000})
    expect(ana.message("avatar")).to_contain_text("This picture has 5.1 MB; up to 5 MB fit.")
    ana.save("avatar")
    expect(ana.control("avatar")).to_be_focused()
    assert not site.records("request.finished", route="/edit_profile/avatar", method="POST", user_id=1, status=413)


def test_two_editors_do_not_disturb_each_other(member, site):
    ana = member(about_me="old", location="old")
    ana.edit("about_me").fill("half a thought")
    ana.edit("location").fill("Bergen")
    ana.save("location")
    expect(ana.toast("Location saved.")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("half a thought")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_an_undo_never_replaces_an_editor_with_something_typed_in_it(member, site):
    ana = member(about_me="first")
    ana.allow(422)
    ana.edit("about_me").fill("second")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    ana.edit("about_me").fill("x" * 141)
    ana.save("about_me")
    expect(ana.message("about_me")).to_contain_text("1 character too many")
    ana.toast("About me saved.").get_by_role("button", name="Undo").click()
    expect(ana.toast("put back")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("x" * 141)
    assert site.profile(ana.name, "about_me") == "first"
    ana.go("/").at_home()
    assert ana.asked_before_leaving == 1, "what was refused is not saved, whatever was undone beside it"

    ana.edit("about_me").fill("third")
    ana.save("about_me")
    expect(ana.block("about_me").locator(".field__value")).to_have_text("third")


def test_somebody_elses_profile_is_read_only(member):
    bo, ana = member("bo", about_me="mine"), member("ana")
    ana.go(f"/user/{bo.name}")
    expect(ana.block("about_me")).to_have_text("mine")
    expect(ana.page.locator(".field__edit, .field form")).to_have_count(0)


def test_leaving_with_something_unsaved_asks_first(member):
    ana = member(about_me="old")
    ana.edit("about_me")
    ana.go("/")
    assert ana.asked_before_leaving == 0, "nothing was typed"
    ana.at_home().edit("about_me").fill("half a thought")
    ana.page.get_by_role("link", name="Home").click()
    expect(ana.page.locator("h1")).to_contain_text("Hello")
    assert ana.asked_before_leaving == 1

    ana.at_home().edit("about_me").fill("a whole thought")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    ana.go("/edit_profile")
    ana.control("location").fill("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Profile saved.")).to_be_visible()
    assert ana.asked_before_leaving == 1, "all of it was saved"
    ana.toast("Profile saved.").get_by_role("button", name="Undo").click()
    expect(ana.toast("Profile put back.")).to_be_visible()
