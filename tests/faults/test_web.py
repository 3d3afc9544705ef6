"""F54, F55, F56, the web side: markup stays text, headers write no log lines, secrets stay where they belong."""

import io
import re

import pytest
from sqlalchemy import select

from microblog.extensions import db, writing
from microblog.models import Post, User
from tests.support.kinds import HX

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "{{ 7*7 }}{% raw %}{{ config }}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "</textarea><script>alert(1)</script>",
    "</title><h1>x</h1>",
    "<!-- --><b hx-get=/logout>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
]
FIELDS = ("display_name", "about_me", "location")


@pytest.mark.fault(54)
@pytest.mark.parametrize("text", MARKUP)
def test_stored_and_shown(browser, another_browser, ana, stored, text):
    browser.sign_in(ana)
    for field in FIELDS:
        values = browser.send("GET", f"/edit_profile/{field}", headers=HX, inspect=False).values()
        saved = browser.send(
            "POST", f"/edit_profile/{field}", data=values | {field: text}, headers=HX, inspect="&lt;" not in text
        )
        assert saved.status == 200
        assert stored(select(getattr(User, field))) == text
        for page in (
            saved,
            browser.send("GET", f"/edit_profile/{field}", headers=HX, inspect=False),
            browser.send("GET", "/user/ana", inspect=False),
            another_browser.send("GET", "/user/ana", inspect=False),
            browser.send("GET", "/", inspect=False),
            browser.send("GET", "/edit_profile", inspect=False),
            browser.send("GET", "/nope", inspect=False),
        ):
            expect_inert(page)
    shown = another_browser.send("GET", "/user/ana", inspect=False)
    assert text in shown.one("#field-about_me").get_text()
    # The Undo of the toast carries the old value.
    values = browser.send("GET", "/edit_profile/about_me", headers=HX, inspect=False).values()
    page = browser.send("POST", "/edit_profile/about_me", data=values | {"about_me": "x"}, headers=HX, inspect=False)
    expect_inert(page)
    assert page.values("form[data-undo]")["about_me"] == text


def expect_inert(page):
    words = page.html.get_text(" ")
    assert not re.search(r"(?<![\w-])49(?![\w-])", words), "it was calculated"
    assert not page.all("main script, [onerror], [onload], b, main h1 ~ h1")
    assert not [tag for tag in page.all("a[href]") if tag["href"].lower().startswith("javascript")]
    assert not page.all('[hx-get="/logout"]')


@pytest.mark.fault(54)
@pytest.mark.parametrize("text", MARKUP)
def test_in_what_is_refused(browser, ana, text):
    """In a name, an address, a message, a `next`, an error page's own form."""
    browser.get("/register")
    for values in ({"username": text}, {"email": text}, {"next": text}):
        for headers in (HX | {"X-CSRFToken": browser.token}, {}):
            typed = {"csrf_token": browser.token, "password": "short", **values}
            expect_inert(browser.send("POST", "/register", data=typed, headers=headers, inspect=False))
            expect_inert(browser.send("POST", "/login", data=typed, headers=headers, inspect=False))
    expect_inert(
        browser.send("POST", "/register", data={"username": text, "about_me": text, text: text}, inspect=False)
    )
    for path in ("/login", "/register"):
        expect_inert(browser.send("GET", path, query_string={"next": text}, inspect=False))
    expect_inert(browser.send("GET", f"/user/{text}", inspect=False))
    expect_inert(browser.send("GET", f"/{text}", headers=HX, inspect=False))


INJECTED = [
    'x"}\n{"event":"sign_in.succeeded","user_id":1}',
    "x\r\n\r\nHTTP/1.1 200 OK",
    "\x1b[2J\x1b]0;owned\x07",
    "\u2028\u2029\x85",
    "x" * 6_000,
    "кириллица 🦊",
]


@pytest.mark.fault(55)
@pytest.mark.parametrize("text", INJECTED, ids=["json", "http", "ansi", "separators", "long", "unicode"])
def test_one_line_each(app, browser, ana, settings, records, text):
    """Through the WSGI environment, where a server's own checks of headers do not help us."""
    raw = text.encode().decode("latin-1")
    environ = {
        "HTTP_USER_AGENT": raw,
        "HTTP_REFERER": f"http://localhost/{raw}",
        "HTTP_HX_SOURCE": raw,
        "HTTP_HX_TARGET": raw,
        "HTTP_HX_CURRENT_URL": raw,
        "HTTP_X_REQUEST_ID": raw,
        "HTTP_X_FORWARDED_FOR": raw,
    }
    for path in ("/", f"/user/{text}", "/nope"):
        page = browser.send("GET", path, environ_overrides=environ)
        assert page.status in (200, 404)
    browser.get("/login")
    page = browser.hx_post("/login", username=text, password=text)
    assert page.status in (401, 422)

    lines = (settings.log_dir / "microblog.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    for line in lines:
        assert len(line) <= 65_536
        assert line.decode().isprintable()
    assert not records("sign_in.succeeded")
    assert all(record["event"] != "sign_in.succeeded" for record in records())


@pytest.mark.fault(56)
def test_secrets_stay_where_they_belong(app, browser, another_browser, person, settings, records, route):
    """Typed, sent, stored and signed secrets: in no log, no page of anybody else, no header but the cookie's own."""
    password, wrong = "canary-right-password", "canary-wrong-password"
    browser.get("/register")
    browser.post("/register", username="ana", email="canary-mail@example.org", password=password)
    browser.post("/logout")
    browser.get("/login")
    browser.hx_post("/login", username="ana", password=wrong)
    browser.sign_in_by_form("ana", password)
    cookie, token = browser.client.get_cookie("session").value, browser.token
    for field, text in (("about_me", "canary-of-the-bio"), ("location", "canary-of-the-place")):
        values = browser.hx_get(f"/edit_profile/{field}").values()
        browser.hx_post(f"/edit_profile/{field}", data=values | {field: text + "x" * 150})  # refused
        browser.hx_post(f"/edit_profile/{field}", data=values | {field: text})

    def broken():
        secret = {"password": password, "bio": "canary-of-the-bio"}
        raise RuntimeError(f"token={token} and password={secret['password']}")

    route("/broken", broken)
    browser.canaries = (password, wrong, "canary-mail")
    assert browser.hx_post("/broken", data={"password": password, "about_me": "canary-typed"}).status == 500
    assert browser.post("/broken", data={"password": password, "new_password": password}).status == 500
    browser.get(f"/nope?password={password}&token={token}")
    browser.get("/nope", headers={"Referer": f"http://localhost/x?token={token}"})
    browser.send(
        "POST", "/login", data={"username": "ana", "password": wrong}, headers={"Origin": "https://evil.example"}
    )
    browser.send("POST", "/register", data={"username": "ana", "password": wrong})

    written = (settings.log_dir / "microblog.jsonl").read_text()
    for secret in (wrong, cookie, token, "canary-of", "canary-typed", "canary-mail"):
        assert secret not in written, secret
    assert password not in written
    stored_token = re.search(r"[\w-]{43}", cookie)
    assert not stored_token or stored_token[0] not in written

    for path in ("/user/ana", "/", "/nope"):
        page = another_browser.get(path)
        for secret in (password, "canary-mail", cookie, token, "$argon2"):
            assert secret not in page.text


FORM_PAGES = ["/login", "/register", "/edit_profile", *(f"/edit_profile/{field}" for field in (*FIELDS, "username"))]
FORM_PAGES += ["/edit_profile/website", "/edit_profile/avatar", "/admin/logs"]
FORM_PAGES += [
    "/post",
    "/post/1/reply",
    "/post/2/edit",
    "/user/another/report",
    "/post/1/report",
    "/moderation/post/1",
    "/moderation/user/2",
]
BUTTONS_ONLY = {"/logout", "/edit_profile/avatar/restore", "/edit_profile/avatar/remove"} | {
    f"/admin/errors/<fingerprint>/{verb}" for verb in ("mute", "reopen", "resolve", "undo")
}
BUTTONS_ONLY |= {f"/user/<username>/{verb}" for verb in ("follow", "unfollow", "block", "unblock", "mute", "unmute")}
BUTTONS_ONLY |= {"/notifications/read", "/settings/notifications", "/settings/locale", "/settings/locale/check"}
BUTTONS_ONLY |= {
    f"/post/<int:post_id>/{verb}" for verb in ("like", "unlike", "bookmark", "unbookmark", "delete", "restore")
}
NOT_TYPED = {"csrf_token", "once", "version", "next", "undo"}
RULES = {
    r"/edit_profile/(?!avatar)\w+": "/edit_profile/<field>",
    r"/user/\w+/report": "/user/<username>/report",
    r"/post/\d+/(report|reply|edit)": r"/post/<int:post_id>/\1",
    r"/moderation/(user|post)/\d+/\w+": r"/moderation/\1/<int:\1_id>/<verb>",
}


@pytest.mark.fault(56)
@pytest.mark.slow
@pytest.mark.sqlite_only
def test_what_is_typed_into_any_field_of_any_form_is_in_no_log(app, browser, another_browser, person, settings):
    """Every form there is, found on its page, with what fits and with what is refused, with and without htmx."""
    chief, another = person("chief", role="administrator"), person("another")
    browser.sign_in(chief)
    with app.app_context(), writing():
        for author in (another, chief):
            db.session.add(Post(author_id=author.id, text="To be answered, reported or edited"))
            db.session.flush()
        db.session.commit()
    typed = set()
    for path in FORM_PAGES:
        visitor = another_browser if path in ("/register", "/login") else browser
        page = visitor.send("GET", path, inspect=False)
        forms = [form for form in page.all("main form") if form.get("action") != "/logout"]
        assert forms, path
        for form in forms:
            for headers in ({}, HX | {"X-CSRFToken": visitor.token}):
                for length in (0, 6_000):
                    typed |= fill_in(visitor, form, path, headers, length)
    rules = {rule.rule for rule in app.url_map.iter_rules() if "POST" in rule.methods and "check" not in rule.rule}
    covered = {path for path, _ in typed}
    for pattern, rule in RULES.items():
        covered = {re.sub(pattern, rule, path) for path in covered}
    assert rules - covered <= BUTTONS_ONLY
    assert len({name for _, name in typed}) > 8
    assert "canary" not in (settings.log_dir / "microblog.jsonl").read_text().lower()


def fill_in(browser, form, path, headers, length):
    """Send the form with a word of its own in each field; which fields there were, by the address they go to."""
    data, typed, action = {}, set(), form.get("action") or path
    for control in form.select("input[name], textarea[name], select[name]"):
        name, kind = control["name"], control.get("type", "")
        if name in NOT_TYPED or kind in ("checkbox", "submit", "hidden"):
            data[name] = browser.token if name == "csrf_token" else control.get("value", "")
            continue
        typed.add((action, name))
        word = f"Canary_{name.replace('-', '_')}"[:29]
        data[name] = {"email": f"{word}@example.org", "url": f"https://{word}.example"}.get(kind, word) + "x" * length
        if kind == "file":
            data[name] = (io.BytesIO(b"canary of a picture"), "canary.png")
    if form.get("method") == "post":
        browser.send("POST", action, data=data, headers=headers, inspect=False)
    else:
        browser.send("GET", action, query_string=data, headers=headers, inspect=False)
    return typed or {(action, "")}
