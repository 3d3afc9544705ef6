"""F17, F18: a token that is missing, forged, somebody else's, or two days old; requests from other sites."""

import re
from datetime import timedelta

import pytest
from itsdangerous.timed import TimestampSigner
from sqlalchemy import select, update
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from microblog.extensions import db, writing
from microblog.models import Session, User
from microblog.models.columns import now
from microblog.web.access import OWN_ADDRESS, came_from, is_from_elsewhere
from tests.support.kinds import HX

FORGED = ["", "x", "forged.token.here", "a" * 5000, "\x00", "ключ"]


def without_token(headers=None):
    return {name: value for name, value in (HX | (headers or {})).items() if name != "X-CSRFToken"}


@pytest.fixture
def form(browser, ana):
    browser.sign_in(ana)
    return browser.hx_get("/edit_profile/about_me").values()


@pytest.mark.fault(17)
@pytest.mark.parametrize("token", FORGED, ids=lambda text: text[:10])
def test_forged(browser, form, stored, records, token):
    typed = form | {"about_me": "Typed with care", "csrf_token": token}
    toast = browser.send("POST", "/edit_profile/about_me", data=typed, headers=without_token())
    assert (toast.status, toast.one(".toast")["data-toast"]) == (400, "csrf_rejected")
    assert "What you typed is still here." in toast.said(".toast__text")
    assert records("csrf.rejected", reference=toast.reference)[0]["level"] == "warning"

    page = browser.send("POST", "/edit_profile/about_me", data=typed)
    assert page.status == 400
    kept = page.values("form.kept")
    assert kept["about_me"].strip() == "Typed with care"
    assert stored(select(User.about_me)) == ""
    assert not records("request.failed")

    # The page brings a fresh token: sent again, it works.
    again = browser.send("POST", page.one("form.kept")["action"], data=kept)
    assert again.status == 303
    assert stored(select(User.about_me)) == "Typed with care"


@pytest.mark.fault(17)
def test_missing(browser, form, stored):
    typed = {name: value for name, value in form.items() if name != "csrf_token"} | {"about_me": "Typed"}
    assert browser.send("POST", "/edit_profile/about_me", data=typed).status == 400
    toast = browser.send("POST", "/edit_profile/about_me", data=typed, headers=without_token())
    assert toast.status == 400
    assert stored(select(User.about_me)) == ""

    # The toast brings a fresh token for the page: the next try works, though the form's own field is stale.
    fresh = re.search(r'"token": ?"([^"]+)"', toast.headers["HX-Trigger"])[1]
    page = browser.send("POST", "/edit_profile/about_me", data=typed, headers=HX | {"X-CSRFToken": fresh})
    assert page.status == 200
    assert stored(select(User.about_me)) == "Typed"


@pytest.mark.fault(17)
def test_of_somebody_else(browser, another_browser, form, bo, stored):
    another_browser.sign_in(bo)
    typed = form | {"about_me": "Typed", "csrf_token": another_browser.token}
    assert browser.send("POST", "/edit_profile/about_me", data=typed, headers=without_token()).status == 400
    assert stored(select(User.about_me).where(User.username == "ana")) == ""


ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://[::1"},
]


@pytest.mark.fault(17)
@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_from_another_site(browser, form, stored, records, headers):
    """Refused with the right token as well; and the page is no trap: nothing on it sends what the other site typed."""
    typed = form | {"about_me": "Typed elsewhere"}
    toast = browser.hx_post("/edit_profile/about_me", data=typed, headers=headers)
    assert toast.status == 403
    assert "from another site" in toast.said(".toast__text")
    page = browser.post("/edit_profile/about_me", data=typed, headers=headers)
    assert page.status == 403
    assert "Typed elsewhere" in page.said("main"), "it can be copied"
    assert not page.all("form.kept, main form"), "but not be sent by one click"
    assert records("csrf.rejected", reason="cross_site")
    assert stored(select(User.about_me)) == ""
    assert not records("request.failed")


@pytest.mark.fault(17)
def test_another_site_signs_nobody_out(browser, another_browser, ana, bo):
    """Browsers leave the cookie out of a form sent from another site; the answer must not put an empty one in."""
    page = another_browser.send("POST", "/login", data={"username": "bo_"}, headers={"Origin": "https://evil.example"})
    assert page.status == 403
    assert "Set-Cookie" not in page.headers


FROM_HERE = [
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.fault(17)
@pytest.mark.parametrize("headers", FROM_HERE, ids=str)
def test_from_here(browser, form, headers):
    assert browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "x"}, headers=headers).status == 200


HERE, PORT = "blog.example.org", "blog.example.org:8443"
SAME, CROSS, SITE, BY_HAND, OLD = "same-origin", "cross-site", "same-site", "none", None
RULE = [
    # Origin, Sec-Fetch-Site, Host, site.url → from elsewhere
    (None, OLD, HERE, f"https://{HERE}", False),
    (f"https://{HERE}", OLD, HERE, f"https://{HERE}", False),
    (f"https://{HERE}", SAME, HERE, f"https://{HERE}", False),
    (f"https://{HERE}", SAME, HERE, "", False),
    (None, BY_HAND, HERE, f"https://{HERE}", False),
    (None, CROSS, HERE, f"https://{HERE}", True),
    (f"https://{HERE}", CROSS, HERE, f"https://{HERE}", True),
    ("https://evil.example", SAME, HERE, f"https://{HERE}", True),
    ("", SAME, HERE, f"https://{HERE}", True),
    ("", SAME, HERE, "", True),
    # Under "Referrer-Policy: no-referrer", and from a sandboxed frame
    ("null", SAME, HERE, f"https://{HERE}", False),
    ("null", SAME, PORT, f"https://{HERE}", False),
    ("null", CROSS, HERE, f"https://{HERE}", True),
    ("null", SITE, HERE, f"https://{HERE}", True),
    ("null", BY_HAND, HERE, f"https://{HERE}", True),
    ("null", OLD, HERE, f"https://{HERE}", True),
    ("null", "", HERE, f"https://{HERE}", True),
    ("null", "same-origin, cross-site", HERE, f"https://{HERE}", True),
    # The proxy passes on another host: site.url tells which one is ours
    (f"https://{PORT}", SAME, HERE, f"https://{PORT}", False),
    (f"https://{PORT}", OLD, HERE, f"https://{PORT}", False),
    (f"https://{PORT}", SITE, HERE, f"https://{PORT}", True),
    (f"https://{PORT}", SAME, "10.0.0.5:5000", f"https://{PORT}", False),
    (f"https://{HERE}", SAME, "10.0.0.5:5000", f"https://{HERE}:443", False),
    (f"https://{HERE}", SAME, "10.0.0.5:5000", "https://Blog.Example.org", False),
    (f"http://{PORT}", SAME, HERE, f"https://{PORT}", True),
    (f"https://{PORT}", SAME, HERE, f"https://{HERE}", True),
    (f"https://{HERE}:9443", SAME, HERE, f"https://{PORT}", True),
    (f"https://{HERE}:port", SAME, HERE, f"https://{HERE}", True),
    (f"https://{HERE}:99999999", OLD, HERE, f"https://{PORT}", True),
    (f"https://{PORT}.evil.example", SAME, HERE, f"https://{PORT}", True),
    (f"https://{PORT}@evil.example", SAME, HERE, f"https://{PORT}", True),
]


def asked(host, own, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    builder = EnvironBuilder("/post", method="POST", headers=sent | {"Host": host}, environ_base={OWN_ADDRESS: own})
    return Request(builder.get_environ())


@pytest.mark.fault(17)
@pytest.mark.parametrize(("origin", "fetch_site", "host", "own", "elsewhere"), RULE)
def test_the_rule(origin, fetch_site, host, own, elsewhere):
    assert is_from_elsewhere(asked(host, own, Origin=origin, Sec_Fetch_Site=fetch_site)) is elsewhere


@pytest.mark.fault(17)
def test_back_to_the_page_behind_a_proxy_that_cuts_the_port_off():
    page = f"https://{PORT}/user/ana"
    assert came_from(asked(HERE, f"https://{PORT}", Referer=page)) == "/user/ana"
    assert came_from(asked(HERE, f"https://{HERE}", Referer=page)) == ""


HINTS = [
    ({"Origin": "http://localhost:8443"}, "only the port differs"),
    ({"Origin": "http://localhost:8443", "Sec-Fetch-Site": "same-origin"}, "only the port differs"),
    ({"Origin": "http://localhost:8443", "Sec-Fetch-Site": "same-site"}, ""),
    ({"Origin": "https://evil.example"}, ""),
    ({"Origin": "https://evil.example:8443"}, ""),
    ({"Origin": "null"}, "Referrer-Policy"),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, ""),
    ({"Sec-Fetch-Site": "cross-site"}, ""),
    ({"Origin": "http://[::1"}, ""),
]


@pytest.mark.fault(17)
@pytest.mark.parametrize(("headers", "hint"), HINTS, ids=str)
def test_the_operator_gets_a_hint(browser, records, headers, hint):
    page = browser.post("/login", headers=headers)
    assert page.status == 403
    (record,) = records("csrf.rejected", reference=page.reference)
    assert (hint in record["hint"]) if hint else record["hint"] == ""


@pytest.mark.fault(17)
@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/edit_profile", "/edit_profile/avatar/remove"])
def test_every_form(browser, ana, records, path):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        # Without a session there can be no token: a member's form says what helps, which is to sign in.
        refused = 401 if who is None and path.startswith("/edit_profile") else 400
        page = browser.send("POST", path, data={"username": "ana", "password": "canary-pass"}, headers=without_token())
        assert page.status == refused
        page = browser.send("POST", path, data={"username": "ana", "password": "canary-pass"})
        assert page.status == refused
        assert "canary-pass" not in page.text


@pytest.mark.fault(18)
def test_a_form_left_open_for_two_days(app, browser, ana, stored, monkeypatch):
    stamp = TimestampSigner.get_timestamp
    with monkeypatch.context() as past:
        past.setattr(TimestampSigner, "get_timestamp", lambda self: stamp(self) - 2 * 86_400)
        browser.sign_in(ana)
        form = browser.hx_get("/edit_profile/about_me").values()
        whole = browser.get("/edit_profile").values("#profile-form")
    with app.app_context(), writing():
        ago = now() - timedelta(days=2)
        db.session.execute(update(Session).values(created_at=ago, last_seen_at=ago))
        db.session.commit()

    assert browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "two days later"}).status == 200
    assert stored(select(User.about_me)) == "two days later"
    assert browser.post("/edit_profile", data=whole | {"location": "Oslo"}).status == 303


@pytest.mark.fault(18)
def test_a_strangers_form_too(browser, monkeypatch):
    stamp = TimestampSigner.get_timestamp
    with monkeypatch.context() as past:
        past.setattr(TimestampSigner, "get_timestamp", lambda self: stamp(self) - 2 * 86_400)
        browser.get("/register")
    page = browser.post("/register", username="ana", email="ana@example.org", password="long enough for this")
    assert page.status == 303
