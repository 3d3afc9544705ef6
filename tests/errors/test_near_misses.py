"""Nearly right: a name, an address, a button opened by hand, a body that is a little too large."""

import gc
import io
import warnings

import pytest

from microblog.errors import suggestions
from microblog.people.fields import FIELDS
from tests.support.kinds import HX

JSON = {"Accept": "application/json"}


def links(page):
    return [link["href"] for link in page.all(".problem__ways a.button--primary")]


# --- names ------------------------------------------------------------------------------------------------------------
def test_it_works(browser, person):
    person("annabel")
    page = browser.get("/user/anabel")
    assert page.status == 404
    assert "Nobody here is called anabel." in page.said(".lead")
    assert "Perhaps you mean this member:" in page.said("main")
    assert links(page) == ["/user/annabel"]
    toast = browser.send("GET", "/user/anabel", headers=HX)
    assert toast.one('.toast a[href="/user/annabel"]').get_text() == "@annabel"
    api = browser.send("GET", "/user/anabel", headers=JSON)
    assert (api.json["detail"], api.json["link"]) == ("Nobody here is called anabel.", "/user/annabel")
    assert "link" not in browser.send("GET", "/user/someone", headers=JSON).json


@pytest.mark.parametrize("headers", [None, HX, JSON], ids=["page", "fragment", "json"])
def test_a_former_name_leads_to_the_member(browser, ana, headers):
    browser.sign_in(ana).get("/edit_profile/username")
    fields = browser.last.values("form.editor") | {"username": "anabel"}
    assert browser.post("/edit_profile/username", data=fields).status == 303
    page = browser.send("GET", "/user/ana", headers=headers)
    assert (page.status, page.headers["Location"]) == (302, "/user/anabel")
    assert browser.get("/user/ana", follow=True).status == 200


# --- addresses --------------------------------------------------------------------------------------------------------
MISTYPED = {
    "/logn": "/login",
    "/Login": "/login",
    "/login/": "/login",
    "/login.html": "/login",
    "/sign-in": "/login",
    "/signin": "/login",
    "/regsiter": "/register",
    "/registr": "/register",
    "/sign-up": "/register",
    "/edit-profile": "/edit_profile",
    "/editprofile": "/edit_profile",
    "/edit_profile/": "/edit_profile",
    "/profile": "/edit_profile",
    "/settings": "/edit_profile",
    "/user/ana/": "/user/ana",
}
FAR = [
    *("/nope", "/x", "/.env", "/wp-login.php", "/static-nope", "/user", "/api", "/read", "/live", "/logos", "/indeks"),
    *("/" + "login" * 300, "/%00", "/%F0%9F%A6%8A", "/login/login", "/index.php", "/."),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", MISTYPED)
def test_a_mistyped_address(browser, ana, path):
    wanted = MISTYPED[path]
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        page = browser.get(path)
        assert page.status == 404
        assert page.said("h1") == "There is nothing here"
        assert "Perhaps you mean this page:" in page.said("main")
        assert links(page) == [wanted]
        toast = browser.send("GET", path, headers=HX)
        assert toast.one(".toast a")["href"] == wanted
        assert browser.send("GET", path, headers=JSON).json["link"] == wanted
    assert browser.get(wanted).status in {200, 302, 303}  # a member has no need to sign in


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", FAR)
def test_nothing_is_near(browser, path):
    page = browser.get(path)
    assert page.status in {404, 414}
    assert links(page) == []


@pytest.mark.sqlite_only
def test_the_address_that_failed_is_not_offered(browser, route):
    """Broken inside, /login does not lead to /login."""

    def gone():
        from flask import abort

        abort(404)

    route("/edit_profile_", gone)
    assert links(browser.get("/edit_profile_")) == ["/edit_profile"]
    browser.app.view_functions["auth.login"] = gone
    assert links(browser.get("/login")) == []


@pytest.mark.sqlite_only
def test_every_page_that_is_offered_exists(app):
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    for endpoint in [*suggestions.NAMES, *suggestions.ALIASES.values()]:
        assert "GET" in rules[endpoint].methods
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert not paths & set(suggestions.ALIASES), "a page of ours is no other's alias"


# --- buttons ----------------------------------------------------------------------------------------------------------
BUTTONS = {
    "/logout": [],  # on every page; the way home is there anyway
    "/register/check/username": ["/register"],
    "/edit_profile/avatar/remove": ["/edit_profile/avatar"],
    "/edit_profile/avatar/restore": ["/edit_profile/avatar"],
    **{f"/edit_profile/{field}/check": [f"/edit_profile/{field}"] for field in FIELDS},
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", BUTTONS)
def test_a_button_opened_by_hand(browser, ana, path):
    """Or reloaded, after its answer was shown as a page."""
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        page = browser.get(path)
        assert (page.status, set(page.headers["Allow"].split(", "))) == (405, {"POST", "OPTIONS"})
        assert page.said("h1") == "This link only works as a button"
        assert page.one('main a[href="/"]')
        assert links(page) == BUTTONS[path]
        api = browser.send("GET", path, headers=JSON)
        assert [api.json["link"]] == BUTTONS[path] if BUTTONS[path] else "link" not in api.json
        toast = browser.send("GET", path, headers=HX)
        assert [a["href"] for a in toast.all(".toast a")] == BUTTONS[path]
    for way in BUTTONS[path]:
        assert browser.get(way).status == (303 if way == "/register" else 200)


@pytest.mark.sqlite_only
def test_another_method_leads_to_the_page_itself(browser, ana):
    browser.sign_in(ana)
    token = {"X-CSRFToken": browser.token}
    assert links(browser.send("PUT", "/user/ana", headers=token)) == ["/user/ana"]
    assert links(browser.send("DELETE", "/edit_profile/about_me", headers=token)) == ["/edit_profile/about_me"]


@pytest.mark.sqlite_only
def test_an_editor_opened_by_hand_is_the_profile(browser, ana):
    """It takes POST too, and is a page all the same."""
    page = browser.sign_in(ana).get("/edit_profile/avatar")
    assert (page.status, page.said("h1")) == (200, "ana")


# --- sizes ------------------------------------------------------------------------------------------------------------
def chunked_options(body):
    """A body whose length nobody says."""
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return {"input_stream": io.BytesIO(body), "environ_overrides": environ}


def sent(browser, path, kind, size, *, chunked, headers):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="avatar"; filename="a.png"\r\n\r\n'
        if kind == "picture"
        else b"a="
    )
    body += b"x" * size
    types = {"picture": "multipart/form-data; boundary=x", "form": "application/x-www-form-urlencoded"}
    options = chunked_options(body) if chunked else {"data": body}
    headers = {"X-CSRFToken": browser.token} | (headers or {})
    return browser.send("POST", path, content_type=types[kind], headers=headers, **options)


@pytest.fixture
def half_a_picture():
    """Werkzeug leaves the temporary file of a part that was cut off to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.usefixtures("half_a_picture")
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize(("kind", "path"), [("picture", "/edit_profile/avatar"), ("form", "/edit_profile/about_me")])
def test_413_says_limit_and_size(browser, ana, kind, path, chunked):
    browser.sign_in(ana)
    size, said, limit = {"picture": (6_500_000, "6.5 MB", "5 MB"), "form": (1_200_000, "1.2 MB", "1 MB")}[kind]
    words = (
        f"You sent more than the {limit} that this site takes."
        if chunked
        else f"You sent {said}; this site takes up to {limit}."
    )
    page = sent(browser, path, kind, size, chunked=chunked, headers=None)
    assert (page.status, page.said(".lead")) == (413, words)
    fragment = sent(browser, path, kind, size, chunked=chunked, headers=HX)
    assert fragment.status == 413
    assert words in fragment.said(f"#{'avatar'}-message" if kind == "picture" else ".toast__text")
    api = sent(browser, path, kind, size, chunked=chunked, headers=JSON)
    assert (api.status, api.json["detail"]) == (413, words)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_413_of_many_fields_says_so(browser, ana, chunked):
    """Not too large, too many: nobody is sent away to make it shorter."""
    browser.sign_in(ana)
    body = (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(1200))
        + b"--x--\r\n"
    )
    options = chunked_options(body) if chunked else {"data": body}
    page = browser.send(
        "POST",
        "/edit_profile/about_me",
        content_type="multipart/form-data; boundary=x",
        headers={"X-CSRFToken": browser.token},
        **options,
    )
    assert (page.status, page.said(".lead")) == (413, "It has more fields, or longer ones, than this site takes.")
