"""Uploading, removing and bringing back a picture."""

from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select

from microblog.models import User


def picture(colour: str = "teal", size: tuple[int, int] = (400, 300), kind: str = "PNG") -> BytesIO:
    data = BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    data.seek(0)
    return data


def upload(browser, data, name="me.png", **more):
    form = browser.hx_get("/edit_profile/avatar").values("form.editor") | more
    return browser.hx_post("/edit_profile/avatar", data=form | {"avatar": (data, name)})


def test_it_works(browser, ana, stored, records):
    browser.sign_in(ana)
    page = upload(browser, picture())

    assert page.status == 200
    source = page.one("#field-avatar img")["src"]
    assert source.endswith(".webp")
    served = browser.get(source)
    assert served.headers["Content-Type"] == "image/webp"
    assert Image.open(BytesIO(served.data)).size == (320, 320)
    assert page.one(f"hx-partial[hx-target='#viewer-nav'] img[src='{source}']")
    assert records("avatar.saved")


def test_undo_and_remove(browser, ana, stored):
    browser.sign_in(ana)
    first = upload(browser, picture("teal")).one("#field-avatar img")["src"]
    page = upload(browser, picture("coral"))
    assert page.one("#field-avatar img")["src"] != first
    page = browser.hx_post(page.one("form[data-undo]")["action"], data=page.values("form[data-undo]"))
    assert page.one("#field-avatar img")["src"] == first

    form = browser.hx_get("/edit_profile/avatar").values("form.editor")
    page = browser.hx_post("/edit_profile/avatar/remove", data=form)
    assert stored(select(User.avatar)) == ""
    page = browser.hx_post(page.one("form[data-undo]")["action"], data=page.values("form[data-undo]"))
    assert page.one("#field-avatar img")["src"] == first


def test_without_javascript(browser, ana):
    browser.sign_in(ana)
    form = browser.get("/edit_profile/avatar").values("form.editor")
    page = browser.post("/edit_profile/avatar", data=form | {"avatar": (picture(), "me.png")})
    assert (page.status, page.headers["Location"]) == (303, "/user/ana")
    page = browser.get("/edit_profile/avatar")
    assert page.one("button[formaction='/edit_profile/avatar/remove']")


@pytest.mark.parametrize("data", [b"not a picture", b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused_beside_the_field(browser, ana, stored, data, records):
    browser.sign_in(ana)
    page = upload(browser, BytesIO(data))
    assert page.status == 422
    assert page.one("#avatar-message")["data-state"] == "refused"
    form = browser.get("/edit_profile/avatar").values("form.editor")
    page = browser.post("/edit_profile/avatar", data=form | {"avatar": (BytesIO(data), "me.png")})
    assert page.status == 422
    assert page.is_page
    assert stored(select(User.avatar)) == ""


def test_nothing_chosen(browser, ana):
    browser.sign_in(ana)
    page = browser.hx_post("/edit_profile/avatar", data=browser.hx_get("/edit_profile/avatar").values("form.editor"))
    assert page.status == 422
    assert "Choose a picture" in page.said("#avatar-message")


def test_too_large_is_said_beside_the_field_with_limit_and_size(browser, ana):
    browser.sign_in(ana)
    page = upload(browser, BytesIO(b"\xff" * 5_200_000))
    assert page.status == 413
    assert page.headers["HX-Retarget"] == "#avatar-message"
    assert "5.2 MB" in page.said()
    assert "up to 5 MB" in page.said()


def test_a_picture_larger_than_other_bodies_is_taken(browser, ana):
    """The limit for pictures holds before the token is looked for in the body."""
    browser.sign_in(ana)
    noise = Image.effect_noise((1400, 1400), 90).convert("RGB")
    data = BytesIO()
    noise.save(data, "PNG")
    assert data.tell() > 1_100_000
    data.seek(0)
    assert upload(browser, data).status == 200


def test_not_for_strangers_nor_for_another(browser, another_browser, ana, bo, stored):
    assert browser.hx_post("/edit_profile/avatar", avatar=(picture(), "x.png")).status in (400, 401)
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/avatar").values("form.editor")
    another_browser.sign_in(bo)
    form["csrf_token"] = another_browser.token
    page = another_browser.hx_post("/edit_profile/avatar", data=form | {"avatar": (picture(), "x.png")})
    assert page.status == 403
    assert stored(select(User.avatar).where(User.id == bo.id)) == ""


def test_only_ones_own_earlier_picture_is_brought_back(browser, another_browser, ana, bo, stored):
    browser.sign_in(ana)
    upload(browser, picture())
    key = stored(select(User.avatar).where(User.id == ana.id))
    another_browser.sign_in(bo)
    for wanted in (key, "../../microblog.db", "0" * 16):
        assert another_browser.hx_post("/edit_profile/avatar/restore", avatar=wanted, version=1).status == 400


def test_paths_lead_nowhere_else(browser, ana):
    for path in ("/avatar/1/..%2f..%2fmicroblog.webp", "/avatar/1/0000000000000000.webp", "/avatar/0/x.webp"):
        assert browser.get(path).status == 404


def test_the_same_upload_twice_is_one_change_and_another_picture_is_another(browser, ana, stored, records):
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/avatar").values("form.editor")
    for colour, version in (("teal", 2), ("teal", 2), ("tomato", 3)):  # under the same name
        page = browser.hx_post("/edit_profile/avatar", data=form | {"avatar": (picture(colour), "me.png")})
        assert (page.status, page.said(".toast__words")) == (200, "Picture saved.")
        assert stored(select(User.version)) == version
    assert len(records("request.repeated")) == 1
    removing = browser.hx_get("/edit_profile/avatar").values("form.editor")
    for _ in range(2):
        assert browser.hx_post("/edit_profile/avatar/remove", data=removing).status == 200
    assert stored(select(User.version)) == 4
