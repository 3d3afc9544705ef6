"""Registering."""

from sqlalchemy import func, select

from microblog.models import Session, User
from tests.conftest import PASSWORD

NEW = {"username": "Ana_9", "email": "ana@example.org", "password": PASSWORD}


def test_it_works(browser, stored):
    browser.get("/register")
    page = browser.post("/register", data=NEW)

    assert page.status == 303
    assert page.headers["Location"] == "/user/Ana_9"
    assert stored(select(User.username_key)) == "ana_9"
    assert stored(select(User.password_hash)).startswith("$argon2id$")
    assert "Welcome, Ana_9." in browser.get("/user/Ana_9").said("#toasts")
    assert stored(select(func.count(Session.id))) == 1


def test_whoever_comes_reads_in_the_zone_of_their_browser(browser, another_browser, stored):
    """Which its script fills in; what this site does not know is nobody's mistake."""
    assert browser.get("/register").one("input[name=time_zone]")["value"] == ""
    browser.post("/register", data=NEW | {"time_zone": "Asia/Tokyo"})
    assert stored(select(User.time_zone)) == "Asia/Tokyo"
    another_browser.get("/register")
    other = NEW | {"username": "bo_", "email": "bo@example.org", "time_zone": "Mars/Olympus"}
    assert another_browser.post("/register", data=other).status == 303
    assert stored(select(User.time_zone).where(User.username == "bo_")) == ""


def test_htmx_is_led_to_the_profile(browser):
    browser.get("/register")
    page = browser.hx_post("/register", data=NEW)

    assert (page.status, page.headers["HX-Redirect"]) == (204, "/user/Ana_9")


def test_refused_with_everything_typed_kept_but_the_password(browser, stored):
    browser.get("/register")
    page = browser.hx_post("/register", data=NEW | {"email": "ana@", "next": "/edit_profile"})

    assert page.status == 422
    assert not page.is_page
    form = page.one("form#register-form")
    assert form.select_one("#username")["value"] == "Ana_9"
    assert form.select_one("#email")["value"] == "ana@"
    assert form.select_one("#email")["aria-invalid"] == "true"
    assert form.select_one("#email").has_attr("autofocus")
    assert "does not look like an e-mail" in page.said("#email-message")
    assert form.select_one("[name=next]")["value"] == "/edit_profile"
    assert PASSWORD not in page.text
    assert stored(select(func.count(User.id))) == 0


def test_refused_as_a_whole_page_without_htmx(browser):
    browser.get("/register")
    page = browser.post("/register", data=NEW | {"username": "a/b"})

    assert page.status == 422
    assert page.is_page
    assert "letters from a to z" in page.said("#username-message")


def test_a_name_differing_in_case_only_is_taken(browser, person):
    person("ANA_9")
    browser.get("/register")
    page = browser.hx_post("/register", data=NEW)

    assert page.status == 422
    assert "taken" in page.said("#username-message")


def test_names_of_the_site_are_kept(browser):
    browser.get("/register")
    for name in ("login", "Admin", "API"):
        assert browser.hx_post("/register", data=NEW | {"username": name}).status == 422


def test_a_known_address_is_answered_as_a_new_one(browser, another_browser, person):
    """Whether somebody is a member is told to nobody."""
    person("old", email="ana@example.org")
    browser.get("/register")
    page = browser.hx_post("/register", data=NEW)

    assert page.status == 204


def test_live_check_answers_with_the_message_alone(browser, person):
    person("ana")
    browser.get("/register")
    taken = browser.hx_post("/register/check/username", username="Ana")
    free = browser.hx_post("/register/check/username", username="anabel")
    short = browser.hx_post("/register/check/password", password="abc")

    assert "taken" in taken.said("#username-message")
    assert taken.one("p")["data-state"] == "refused"
    assert free.one("p")["data-state"] == "fine"
    assert "at least 8" in short.said("p")
    for page in (taken, free, short):
        assert page.status == 200
        assert not page.all("input"), "a control in the answer would replace the one being typed into"


def test_too_many_accounts_from_one_network(browser, app, changed):
    limit = app.config["SETTINGS"].security.registrations
    for number in range(limit):
        browser.client.delete_cookie("session")
        browser.get("/register")
        assert browser.post("/register", data=NEW | {"username": f"ana_{number}"}).status == 303
    browser.client.delete_cookie("session")
    browser.get("/register")
    page = browser.hx_post("/register", data=NEW)

    assert page.status == 429
    assert 3500 < int(page.headers["Retry-After"]) <= 3600
    assert "minutes" in page.text


def test_next_is_followed_only_inside(browser):
    browser.get("/register")
    page = browser.post("/register", data=NEW | {"next": "https:evil.example"})
    assert page.headers["Location"] == "/user/Ana_9"
