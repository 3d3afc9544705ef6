"""F1 to F3: an unknown address, an unknown member, a wrong method."""

import pytest

HX = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}


@pytest.mark.fault(1)
def test_unknown_address(browser, ana, records):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        for path in ("/nope", "/user", "/static-nope", "/edit_profile/nope", "/.env", "/wp-login.php", "/user/ana/"):
            page = browser.get(path)
            # Who is a stranger there is asked to sign in first: what exists behind it is nobody's business.
            assert page.status == 404 or (who is None and page.status == 302), path
            assert browser.send("GET", path, headers=HX).status in (404, 401)
            assert browser.line_of(page)["level"] == "info"
    assert browser.get("/nope").said("h1") == "There is nothing here"
    assert browser.send("GET", "/nope", headers=HX).one(".toast [data-copy]")
    assert not records("request.failed")
    browser.still_works()


@pytest.mark.fault(2)
def test_unknown_member(browser, person, records):
    for name in ("annabel", "bertram", "zoe_"):
        person(name)
    for typed, near in (("anabel", "annabel"), ("ANNABELL", "annabel"), ("bertran", "bertram"), ("zoe", "zoe_")):
        page = browser.get(f"/user/{typed}")
        assert page.status == 404
        assert f"Nobody here is called {typed}." in page.said(".lead")
        assert f"@{near}" in page.one(f'main a[href="/user/{near}"]').get_text()
        toast = browser.send("GET", f"/user/{typed}", headers=HX)
        assert toast.one(f'.toast a[href="/user/{near}"]')
        assert browser.line_of(page)["sql_count"] <= 3
        assert browser.line_of(page)["level"] == "info"
    for typed in ("someone", "x", "annabel<b>", "%F0%9F%A6%8A"):
        page = browser.get(f"/user/{typed}")
        assert page.status == 404
        assert not page.all('main a[href^="/user/"]')
    assert not records("request.failed")
    browser.still_works("/user/annabel")


@pytest.mark.fault(3)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_wrong_method(browser, ana, method, records):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        token = {"X-CSRFToken": browser.token}
        for path in ("/logout", "/register/check/username", "/edit_profile/avatar/remove"):
            page = browser.send(method, path, headers=token)
            if method == "GET" and path.startswith("/edit_profile"):
                assert page.status in (302, 404, 405)
                continue
            assert page.status == 405, path
            assert "POST" in page.headers["Allow"]
            assert page.said("h1") == "This link only works as a button"
            assert page.one('main a[href="/"]')
            toast = browser.send(method, path, headers=HX | token)
            assert (toast.status, toast.one(".toast")["data-toast"]) == (405, "method_not_allowed")
    assert not records("request.failed")
    browser.still_works()
