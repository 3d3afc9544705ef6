"""F19, F17 without JavaScript: the page of the refusal signs in, and what was typed comes along, to be sent again."""

import io

import pytest
from PIL import Image
from sqlalchemy import select

from microblog.errors.table import PROBLEMS
from microblog.models import User
from tests.support.client import PASSWORD

pytestmark = pytest.mark.fault(19)

TYPED = "Long thought,\ncarefully <b>typed</b> & \"quoted\" 🦊 'so'"
WAYS = {"/edit_profile/about_me": "form.editor", "/edit_profile": "#profile-form"}


def refused(browser, ana, end_sessions, path="/edit_profile/about_me", **typed):
    """The 401 page that answers what `ana` sends after her session has ended."""
    browser.sign_in(ana)
    form = browser.get(path).values(WAYS[path]) | {"about_me": TYPED} | typed
    end_sessions()
    page = browser.post(path, data=form)
    assert page.status == 401
    return page


def through(browser, page, name="ana", password=PASSWORD):
    """Press "Sign in and go on"."""
    button = page.one("form.kept button[formaction]")
    mine = {"sign_in-username": name, "sign_in-password": password}
    return browser.send("POST", button["formaction"], data=page.values("form.kept") | mine)


def text_of(page):
    return page.values("form.kept")["about_me"].replace("\r", "").strip()


@pytest.mark.parametrize("path", WAYS)
def test_it_works(browser, ana, end_sessions, stored, path):
    page = refused(browser, ana, end_sessions, path)
    assert text_of(page) == TYPED
    assert page.headers["Cache-Control"] == "no-store"

    page = through(browser, page)
    assert (page.status, page.said("h1")) == (200, "You are signed in")
    assert page.headers["Cache-Control"] == "no-store"
    assert "ana" in page.said("nav")
    assert text_of(page) == TYPED
    assert PASSWORD not in page.text
    assert not page.all("form.kept [name^=sign_in]")
    assert stored(select(User.about_me)) == "", "nothing is sent before its writer has seen it"

    page = browser.send("POST", page.one("form.kept")["action"], data=page.values("form.kept"))
    assert page.status == 303
    assert stored(select(User.about_me)) == TYPED


def test_after_wrong_passwords(browser, ana, end_sessions, stored, records):
    page = refused(browser, ana, end_sessions)
    for password in ("wrong-canary", "", "x" * 300):
        page = through(browser, page, password=password)
        assert page.status == (401 if password == "wrong-canary" else 422)
        assert page.said("h1") == "Please sign in"
        assert page.one("#sign_in-password-message")["data-state"] == "refused"
        assert page.one("[name=sign_in-username]")["value"] == "ana"
        assert not password or password not in page.text
        assert text_of(page) == TYPED
    assert records("sign_in.failed")
    page = through(browser, page)
    assert browser.send("POST", page.one("form.kept")["action"], data=page.values("form.kept")).status == 303
    assert stored(select(User.about_me)) == TYPED


def test_too_many_wrong_passwords_or_a_stale_token(browser, ana, end_sessions, settings):
    """What refuses the sign-in itself keeps the text too, and the way on."""
    page = refused(browser, ana, end_sessions)
    for _ in range(settings.security.login_attempts + 1):
        page = through(browser, page, password="wrong")
    assert page.status == 429
    assert text_of(page) == TYPED
    assert page.one("form.kept")["action"] == "/edit_profile/about_me"
    page = browser.send("POST", "/login", data=page.values("form.kept") | {"csrf_token": "stale"})
    assert page.status == 400
    assert text_of(page) == TYPED
    assert page.one("form.kept button[formaction]")["formaction"] == "/login"
    assert page.values("form.kept")["csrf_token"] != "stale"


def test_another_member_signs_in(browser, ana, bo, end_sessions, stored):
    """The action asks for its own rights: 403, and the text is still there to be copied."""
    page = through(browser, refused(browser, ana, end_sessions), name=bo.username)
    assert page.status == 200
    page = browser.send("POST", page.one("form.kept")["action"], data=page.values("form.kept"))
    assert page.status == 403
    assert text_of(page) == TYPED
    assert stored(select(User.about_me).where(User.id == bo.id)) == ""


def test_the_field_called_username(browser, ana, end_sessions, stored):
    """The name that was typed into the profile and the name that signs in are two."""
    page = refused(browser, ana, end_sessions, "/edit_profile", username="ana_the_second")
    page = through(browser, page)
    assert page.values("form.kept")["username"].strip() == "ana_the_second"
    assert browser.send("POST", "/edit_profile", data=page.values("form.kept")).status == 303
    assert stored(select(User.username)) == "ana_the_second"


@pytest.mark.parametrize(
    "target", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "x", "/\tx"]
)
def test_only_to_paths_of_our_own(browser, ana, target):
    browser.get("/login")
    fields = {"carry_to": target, "about_me": TYPED, "sign_in-username": "ana", "sign_in-password": PASSWORD}
    page = browser.post("/login", data=fields)
    assert page.status == 422, "it is no sign-in that carries anything"
    assert "evil" not in page.text
    assert not page.all("form.kept")


def test_hostile_names_and_values_are_inert(browser, ana, end_sessions):
    hostile = {
        '"><script>alert(1)</script>': "</textarea><script>alert(2)</script>",
        "sign_in-next": "//evil.example",
        "carry_to": "//evil.example",
        "my_password": "canary-password",
        "nul\x00": "nul\x00 and \x1b[31m",
        "next": '"><img src=x onerror=alert(3)>',
    }
    page = refused(browser, ana, end_sessions, **hostile)
    for _ in range(2):
        assert not page.all("script:not([src]), form.kept script, img[onerror]")
        assert "evil.example" not in page.text
        assert "canary-password" not in page.text
        assert text_of(page) == TYPED
        assert page.one("form.kept")["action"] == "/edit_profile/about_me"
        page = through(browser, page) if page.status == 401 else page
    assert page.status == 200
    assert page.values("form.kept")['"><script>alert(1)</script>'].strip() == "</textarea><script>alert(2)</script>"


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("more", "carries"),
    [({"x": "y" * 500_000}, True), ({"x": "y" * 1_030_000}, True), ({"x": "y" * 1_046_500}, False)],
    ids=["half", "nearly all", "all"],
)
def test_what_the_sign_in_has_no_room_for_is_not_carried(browser, ana, end_sessions, more, carries):
    """It would be refused there. The way round is the other tab, and the page keeps everything."""
    page = refused(browser, ana, end_sessions, **more)
    assert text_of(page) == TYPED
    assert page.values("form.kept")["x"].strip() == more["x"]
    assert bool(page.all("form.kept button[formaction]")) == carries
    if carries:
        page = through(browser, page)
        assert (page.status, page.values("form.kept")["x"].strip()) == (200, more["x"])
    assert page.all('.problem__ways a[href="/login"]') or carries


@pytest.mark.sqlite_only
@pytest.mark.parametrize("status", sorted(PROBLEMS))
def test_i8_every_refusal_holds_what_was_typed(browser, ana, app, route, status):
    """As a form with a fresh token, except where sending again cannot help; never a password."""

    def view():
        raise type("Refused", (app.aborter.mapping[500],), {"code": status})

    route("/refused", view)
    browser.sign_in(ana)
    page = browser.post("/refused", about_me=TYPED, password="canary-password", version="3")
    assert page.status == status
    assert "canary-password" not in page.text
    if status in {413, 414, 415, 431}:
        assert not page.all(".kept")
    elif status in {404, 405, 410}:
        assert page.one("section.kept textarea[readonly]").get_text().replace("\r", "").strip() == TYPED
    else:
        assert text_of(page) == TYPED
        assert page.one("form.kept")["action"] == "/refused"
        assert page.values("form.kept")["csrf_token"]
        assert bool(page.all("form.kept button[formaction]")) == (status == 401)
        assert ("What you typed is still here." in page.text) == (status == 401)


def test_i8_the_last_resort_holds_it_too(browser, ana, stored, monkeypatch):
    """With the token that was sent: there is nobody left to make another."""
    browser.sign_in(ana)
    hostile = {'"><i>': "</textarea><script>alert(1)</script>", "next": '"><script>', "my_password": "canary"}
    form = browser.get("/edit_profile/about_me").values("form.editor") | {"about_me": TYPED} | hostile
    with monkeypatch.context() as broken:
        broken.setattr("microblog.people.edit_views.own_profile", lambda: 1 / 0)
        broken.setattr("microblog.errors.handlers.answer", lambda failure: 1 / 0)
        page = browser.post("/edit_profile/about_me", data=form)
        toast = browser.hx_post("/edit_profile/about_me", data=form)
        elsewhere = browser.post("/edit_profile/about_me", data=form, headers={"Origin": "https://evil.example"})
    assert (page.status, page.said("h1")) == (500, PROBLEMS[500].title)
    assert text_of(page) == TYPED
    assert page.values("form.kept")['"><i>'] == hostile['"><i>']
    assert not page.all("script, i")
    assert "canary" not in page.text
    assert "kept" not in toast.text
    assert elsewhere.status == 500
    assert not elsewhere.all("form"), "what another site typed is not sent by one click"
    assert browser.send("POST", page.one("form.kept")["action"], data=page.values("form.kept")).status == 303
    assert stored(select(User.about_me)) == TYPED


def test_a_file_has_to_be_chosen_again(browser, ana, end_sessions, stored):
    """No page can hold one: it is asked for, through the sign-in too, and nothing is said to be kept that is not."""
    browser.sign_in(ana)
    form = browser.get("/edit_profile/avatar").values("form.editor")
    end_sessions()
    page = browser.send("POST", "/edit_profile/avatar", data=form | {"avatar": (picture(), "me.png")})
    assert page.status == 401
    assert "still here" not in page.text

    page = through(browser, page, password="wrong")
    assert page.status == 401
    assert "still here" not in page.text
    page = through(browser, page)
    kept = page.one("form.kept")
    assert (page.status, kept["enctype"]) == (200, "multipart/form-data")
    assert page.one("form.kept input[type=file]")["name"] == "avatar"
    sent = page.values("form.kept") | {"avatar": (picture(), "me.png")}
    assert browser.send("POST", kept["action"], data=sent).status == 303
    assert stored(select(User.avatar))


def picture():
    file = io.BytesIO()
    Image.new("RGB", (60, 60), "teal").save(file, "PNG")
    file.seek(0)
    return file
