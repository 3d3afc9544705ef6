"""F26: where a sign-in leads is always a path of ours."""

import pytest

from tests.conftest import PASSWORD

pytestmark = pytest.mark.fault(26)

HOSTILE = [
    "https://evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
    "\\/evil.example", "\\\\evil.example", "https:evil.example", "https:/evil.example",
    "http:\\\\evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "/\tevil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example",
    "/a\r\nSet-Cookie: x=1", "/\u2028/evil.example", "/\u202e/x", "evil.example", "@evil.example",
    "//localhost@evil.example", "/a\\..\\..\\evil", "?next=//evil.example", "#//evil.example", ".", "..",
    "/" + "x" * 2001, "//[::1]", "/\u00a0/evil", "\u3000//evil.example",
]  # fmt: skip
ENCODED = {
    "/tag/日本": "/tag/%E6%97%A5%E6%9C%AC",
    "/search?q=día#ñ": "/search?q=d%C3%ADa#%C3%B1",
    "/user/%E5%AE%89": "/user/%E5%AE%89",
    "/tag/a b": "/tag/a%20b",
}
FINE = ["/", "/user/ana", "/edit_profile?x=1&y=2#z", "/user/%E5%AE%89", "/a//b", "/%5cevil.example", "/:80"]


@pytest.mark.parametrize("target", HOSTILE)
def test_it_works(browser, ana, records, target):
    browser.get("/login")
    page = browser.post("/login", username="ana", password=PASSWORD, next=target)
    assert (page.status, page.headers["Location"]) == (303, "/user/ana")
    # Space around it is the form's to take away; what is left is judged.
    assert records("redirect.refused", reference=page.reference)
    browser.post("/logout")
    browser.get("/login")
    page = browser.hx_post("/login", username="ana", password=PASSWORD, next=target)
    assert page.headers["HX-Redirect"] == "/user/ana"

    # Somebody who is signed in already and follows a link.
    page = browser.send("GET", "/login", query_string={"next": target})
    assert page.headers["Location"] == "/user/ana"
    assert "Set-Cookie: x=1" not in str(page.headers)


@pytest.mark.parametrize("target", HOSTILE)
def test_when_registering(browser, target):
    browser.get("/register")
    page = browser.post("/register", username="ana", email="ana@example.org", password=PASSWORD, next=target)
    assert page.headers["Location"] == "/user/ana"


@pytest.mark.parametrize("target", FINE)
def test_ours_are_followed(browser, ana, target):
    browser.get("/login")
    assert browser.post("/login", username="ana", password=PASSWORD, next=target).headers["Location"] == target


@pytest.mark.parametrize("target", ENCODED)
@pytest.mark.parametrize("path", ["/login", "/register"])
def test_beyond_ascii(browser, ana, target, path):
    """A header holds ASCII only: a server refuses to send another one, after the change was made."""
    values = {"username": "ana", "password": PASSWORD}
    if path == "/register":
        values |= {"username": "newcomer", "email": "new@example.org"}
    browser.get(path)
    page = browser.hx_post(path, data=values, next=target)
    assert (page.status, page.headers["HX-Redirect"]) == (204, ENCODED[target])


def test_the_page_htmx_is_on(browser):
    for current in ("https://evil.example/x", "//evil.example", "javascript:alert(1)", "http://[", "x" * 5000):
        for more in ({}, {"HX-Request-Type": "full"}):
            page = browser.hx_get("/edit_profile", **{"HX-Current-URL": current}, **more)
            assert page.status == (302 if more else 401)
            assert page.headers.get("Location", "/").startswith("/login?next=/") or not more
            assert "evil" not in page.text
