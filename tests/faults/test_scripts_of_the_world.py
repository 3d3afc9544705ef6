"""F16, the web side: names and texts in any script come back as they were typed; headers stay ASCII."""

import pytest
from sqlalchemy import select

from microblog.models import User

pytestmark = pytest.mark.fault(16)

TEXTS = ["Ана Иванова", "安娜 王", "🦊🌲", "محمد", "Ελένη", "नमस्ते", "Zoë Ñandú", "İstanbul ǅ"]


@pytest.mark.parametrize("text", TEXTS)
def test_it_works(browser, another_browser, ana, stored, records, text):
    browser.sign_in(ana)
    values = browser.hx_get("/edit_profile/display_name").values()
    page = browser.hx_post("/edit_profile/display_name", data=values | {"display_name": text})
    assert page.status == 200
    assert stored(select(User.display_name)) == text
    assert page.said("#field-display_name h1") == text
    assert text in page.said("#viewer-nav")
    for answer in (page, browser.get("/user/ana"), another_browser.get("/user/ana"), browser.get("/nope")):
        for name, value in answer.headers:
            assert f"{name}: {value}".isascii(), f"{name}: {value}"
    assert another_browser.get("/user/ana").said("title").startswith(text)

    # In a message: a name that cannot be had is repeated as it was typed.
    values = browser.hx_get("/edit_profile/username").values()
    page = browser.hx_post("/edit_profile/username", data=values | {"username": text})
    assert page.status == 422
    assert page.one("#username")["value"] == text
    assert "letters from a to z" in page.said("#username-message") or "at least 3" in page.said("#username-message")


def test_in_a_toast_and_in_the_log(browser, app, route, records):
    for text in TEXTS:
        route(f"/gone/{TEXTS.index(text)}", lambda text=text: app.aborter(410, description=f"{text} is gone."))
        page = browser.hx_get(f"/gone/{TEXTS.index(text)}")
        assert page.said(".toast__text").startswith(f"{text} is gone.")
        answer = browser.send("GET", f"/gone/{TEXTS.index(text)}", headers={"Accept": "application/json"})
        assert answer.json["detail"] == f"{text} is gone."
        page = browser.get(f"/user/{text}")
        assert page.status == 404
        assert browser.line_of(page)["path"] == f"/user/{text}"


@pytest.mark.parametrize(
    "password", ["пароль длинный", "密码密码密码密码密码", "🦊🦊🦊🦊🦊🦊🦊🦊", "  spaces are kept  "]
)
def test_passwords(browser, password):
    browser.get("/register")
    assert browser.post("/register", username="ana", email="ana@example.org", password=password).status == 303
    browser.post("/logout")
    browser.sign_in_by_form("ana", password)
    browser.post("/logout")
    browser.get("/login")
    assert browser.hx_post("/login", username="ana", password=password.strip() + "x").status == 401


def test_addresses_of_mail(browser, stored):
    browser.get("/register")
    for number, address in enumerate(("ana@bücher.example", "ана@example.org")):
        page = browser.post("/register", username=f"ana_{number}", email=address, password="long enough for this")
        assert page.status in (303, 422)
        browser.client.delete_cookie("session")
        browser.get("/register")
