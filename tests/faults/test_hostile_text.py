"""F24, F25: text that cannot be shown, is far too long, or is no text; numbers of 4,000 digits."""

from io import BytesIO

import pytest
from sqlalchemy import func, select

from microblog.models import User
from microblog.web.text import LONGEST
from tests.conftest import PASSWORD
from tests.support.kinds import HX, KINDS

HOSTILE = {
    "nul": "before\x00after",
    "only_nul": "\x00",
    "right_to_left": "abc\u202edef",
    "isolate": "abc\u2066def\u2069",
    "mark": "abc\u200fdef",
    "escape": "\x1b[31mred",
    "replacement": "damaged \ufffd",
    "unassigned": "abc\u0378",
    "bell": "a\x07b",
    "marks": "e" + "\u0301" * 31,
    "million": "x" * 1_000_000,
}
SURROGATE = b"abc%ED%A0%80def"  # a lone one, as only a broken program sends it
PROFILE = ("display_name", "username", "about_me", "location", "website")


def fields_of(browser, form):
    """The address, the values and the text fields of a form of the site."""
    if form in PROFILE:
        return f"/edit_profile/{form}", browser.hx_get(f"/edit_profile/{form}").values(), [form]
    if form == "all":
        return "/edit_profile", browser.get("/edit_profile").values("#profile-form"), list(PROFILE)
    if form == "login":
        values = {"username": "ana", "password": "right or wrong"}
        return "/login", values, ["username", "password"]
    values = {"username": "newcomer", "email": "new@example.org", "password": PASSWORD}
    return "/register", values, ["username", "email", "password"]


def expect_refused_beside(page, field, text):
    assert page.status == 422, (page.status, page.text[:500])
    message = page.one(f"#{field}-message")
    assert message["data-state"] == "refused"
    assert message.get_text().strip()
    assert page.one(f"#{field}")["aria-invalid"] == "true"
    assert f"{field}-message" in page.one(f"#{field}")["aria-describedby"]
    if field != "password" and "\x00" not in text and len(text) < 1000 and "\x1b" not in text and "\x07" not in text:
        control = page.one(f"#{field}")
        shown = control.get_text() if control.name == "textarea" else control["value"]
        assert text in shown.strip() or text in shown


@pytest.mark.slow
@pytest.mark.fault(24)
@pytest.mark.parametrize("form", [*PROFILE, "all", "login", "register"])
def test_it_works(browser, ana, stored, records, form):
    if form in PROFILE or form == "all":
        browser.sign_in(ana)
    else:
        browser.get("/login")
    path, values, fields = fields_of(browser, form)
    for field in fields:
        for name, text in HOSTILE.items():
            if field == "password" and name != "million":
                continue  # a password may hold what it likes
            for send in (browser.hx_post, browser.post) if name in ("nul", "million") else (browser.hx_post,):
                before = len(records("form.refused"))
                page = send(path, data=values | {field: text})
                expect_refused_beside(page, field, text)
                new = records("form.refused")[before:]
                assert [record["field"] for record in new] == [field]
                assert new[0]["rule"]
    everything = str(records())
    for text in ("before", "def", "xxxxxxxx", PASSWORD):
        assert text not in everything
    assert not records("request.failed")
    assert stored(select(User.version)) == 1
    assert stored(select(func.count(User.id))) == 1
    browser.still_works()


@pytest.mark.fault(24)
@pytest.mark.parametrize("form", [*PROFILE, "register", "login"])
def test_a_lone_surrogate(browser, ana, form):
    if form in PROFILE:
        browser.sign_in(ana)
    else:
        browser.get("/login")
    path, values, fields = fields_of(browser, form)
    for field in set(fields) - {"password"}:
        from urllib.parse import urlencode

        body = urlencode(values | {field: "HERE"}).encode().replace(b"HERE", SURROGATE)
        headers = HX | {"X-CSRFToken": browser.token}
        page = browser.send("POST", path, data=body, headers=headers, content_type="application/x-www-form-urlencoded")
        assert page.status == 422
        assert page.one(f"#{field}-message")["data-state"] == "refused"
    browser.still_works()


@pytest.mark.fault(24)
@pytest.mark.parametrize("field", PROFILE)
def test_while_typing(browser, ana, field):
    browser.sign_in(ana)
    for name, text in HOSTILE.items():
        page = browser.hx_post(f"/edit_profile/{field}/check", data={field: text})
        assert page.status == 200
        assert page.one("p")["data-state"] == "refused", name
        assert len(page.data) < 1000
    for field_of_newcomer in ("username", "email"):
        page = browser.hx_post(f"/register/check/{field_of_newcomer}", data={field_of_newcomer: "x\x00"})
        assert page.one("p")["data-state"] == "refused"


@pytest.mark.fault(24)
def test_what_looks_hostile_but_is_somebodys_language(browser, ana, stored):
    """Joiners in emoji and in Persian, Arabic and Hebrew letters themselves, combining marks: none of it is refused."""
    browser.sign_in(ana)
    for text in (
        "👩\u200d👩\u200d👧",
        "می\u200cخواهم",
        "שלום",
        "العربية",
        "नमस्ते",
        "e\u0301\u0300",
        "🏳️\u200d🌈",
        "İıŞğ",
    ):
        values = browser.hx_get("/edit_profile/about_me").values()
        assert browser.hx_post("/edit_profile/about_me", data=values | {"about_me": text}).status == 200, text
        assert stored(select(User.about_me)) == text


@pytest.mark.fault(24)
def test_as_many_marks_as_anybody_writes(browser, ana, stored):
    browser.sign_in(ana)
    text = "e" + "\u0301" * 30 + "a" + "\u0327" * 30
    values = browser.hx_get("/edit_profile/about_me").values()
    assert browser.hx_post("/edit_profile/about_me", data=values | {"about_me": text}).status == 200
    assert stored(select(User.about_me)) == text


def forms_with_text(browser, ana):
    """Every form with a text field: its address, what a page sends to it, and the names of its text fields."""
    browser.get("/login")
    stranger = {"/login": ["username", "password", "next"], "/register": ["username", "email", "password"]}
    for path, fields in (stranger | {"/register/check/email": ["email"]}).items():
        yield path, {"username": "newcomer", "email": "new@example.org", "password": PASSWORD}, fields
    browser.sign_in(ana)
    yield "/edit_profile", browser.get("/edit_profile").values("#profile-form"), list(PROFILE)
    for field in PROFILE:
        yield f"/edit_profile/{field}", browser.hx_get(f"/edit_profile/{field}").values(), [field]
        yield f"/edit_profile/{field}/check", {}, [field]
    locale = browser.get("/settings/locale").values('form[action="/settings/locale"]')
    yield "/settings/locale", locale, ["time_zone", "language"]
    yield "/settings/locale/check", locale, ["time_zone"]
    yield "/post", browser.get("/post").values('form[action="/post"]'), ["text", "language"]


@pytest.mark.fault(24)
@pytest.mark.parametrize("headers", [{}, HX], ids=["page", "fragment"])
def test_a_file_or_a_number_where_text_is_expected(browser, ana, headers, records):
    """Fields are text: a file part of the same name, or JSON, is no value of theirs, and no error of ours."""
    for path, values, fields in forms_with_text(browser, ana):
        for field in fields:
            rest = {name: text for name, text in values.items() if name != field}
            sent = {"csrf_token": browser.token, **rest, field: (BytesIO(b"a file"), "hostname")}
            page = browser.send("POST", path, data=sent, content_type="multipart/form-data", headers=headers)
            assert page.status < 500, (path, field, page.status)
            token = {"X-CSRFToken": browser.token}
            page = browser.send("POST", path, json={field: 5}, headers=headers | token)
            assert page.status < 500, (path, field, page.status)
    assert not records("request.failed")
    browser.still_works()


@pytest.mark.fault(24)
def test_no_filter_sees_what_is_far_too_long(browser, ana, monkeypatch):
    """A text beyond LONGEST is refused by its length alone, in every field; and it is shown again as it came."""
    seen: list[int] = []

    def counting(text: str) -> str:
        seen.append(len(text))
        return text

    monkeypatch.setattr("microblog.web.text.showable", counting)
    text = " x" * (LONGEST // 2 + 1)
    for path, values, fields in forms_with_text(browser, ana):
        for field in fields:
            page = browser.send(
                "POST", path, data={"csrf_token": browser.token, **values, field: text}, headers=HX, inspect=False
            )
            assert page.status in {200, 422}, (path, field, page.status)
            if page.status == 422 and field not in {"password", "next", "language", "time_zone"}:
                assert text in page.text, (path, field)
    assert max(seen) < LONGEST


@pytest.mark.fault(25)
@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 4_000, "9" * 5_000, "1.5", "\x00", "１"])
def test_the_hidden_number(browser, ana, version):
    browser.sign_in(ana)
    values = browser.hx_get("/edit_profile/about_me").values()
    for send in (browser.hx_post, browser.post):
        page = send("/edit_profile/about_me", data=values | {"about_me": "typed", "version": version})
        assert page.status in (200, 303, 400, 409, 422), page.text
        if page.status >= 400:
            assert "typed" in page.text, "what was typed stays"
            assert page.all(".toast--error, .problem, .conflict, [data-state=refused]"), "and it is said why"
    for avatar in ("remove", "restore"):
        assert browser.hx_post(f"/edit_profile/avatar/{avatar}", version=version, avatar="").status < 500
    browser.still_works()


LONG = "9" * 4_000
ADDRESSES = [
    "/user/%FF",
    "/user/%C3%28",
    "/user/%ED%A0%80",
    "/user/%00",
    "/user/a%0d%0aSet-Cookie:%20x=1",
    "/%FF%FE",
    "/user/../../etc/passwd",
    "/user/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    f"/avatar/{LONG}.svg",
    f"/avatar/{LONG}/0123456789abcdef.webp",
    f"/avatar/{'9' * 5_000}/0123456789abcdef.webp",
    f"/avatar/{'9' * 19}/0123456789abcdef.webp",
    "/avatar/-1/0123456789abcdef.webp",
    "/avatar/1/..%2f..%2fsecret_key.webp",
    f"/user/{LONG}",
    f"/{LONG}",
    "/login?next=%FF%FE",
    "/login?next=%00",
    f"/login?next=/{LONG}",
    "/login?%FF=%FF",
    "/register?next=%ED%A0%80",
    "/?" + "a=1&" * 1_000,
    "/api/%FF",
    "/edit_profile/%FF",
    "/user/ana/%FF",
    "/static/%FF",
    "/static/..%2f..%2fconfig.toml",
    "/readyz?%FF",
]


@pytest.mark.fault(25)
@pytest.mark.parametrize("address", ADDRESSES, ids=lambda text: text[:40])
def test_addresses(browser, ana, records, address):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        for _, headers in KINDS.values():
            page = browser.send("GET", address, headers=headers)
            assert page.status in (200, 204, 302, 303, 400, 401, 404), page.status
            assert "root:" not in page.text
            assert "Set-Cookie: x=1" not in str(page.headers)
    assert not records("request.failed")
    assert not records("answer.failed")


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "body",
    [
        b"username=%FF%FE&password=x",
        b"username=\xff\xfe&password=x",
        b"%FF=%FF",
        b"\x00\x01\x02",
        b"=&=&=&&&",
        b"username",
        b"{}",
    ],
)
@pytest.mark.parametrize("path", ["/login", "/register", "/edit_profile", "/edit_profile/about_me/check", "/logout"])
def test_bodies(browser, ana, records, body, path):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        else:
            browser.get("/login")
        for kind in ("application/x-www-form-urlencoded", "application/json", "text/plain", "", "multipart/form-data"):
            page = browser.send(
                "POST", path, data=body, content_type=kind or None, headers=HX | {"X-CSRFToken": browser.token}
            )
            assert page.status < 500, page.text
            if path == "/logout" and who:
                browser.sign_in(who)
    assert not records("request.failed")
