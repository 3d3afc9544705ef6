"""Every status, in every representation, for strangers and for members."""

import json

import pytest
from flask import make_response, request
from werkzeug import exceptions
from werkzeug.datastructures import WWWAuthenticate

from microblog.config.settings import ROOT
from microblog.errors.table import PROBLEMS
from microblog.models.errors import DomainError, NotYours, Stale, Taken, TooFast
from tests.support.watched import shown_references

pytestmark = pytest.mark.sqlite_only  # nothing here asks the database anything

CANARY = "canary-4711"
STATUSES = [400, 401, 403, 404, 405, 408, 409, 410, 413, 414, 415, 422, 429, 431, 500, 502, 503, 504, 507]
KINDS = {
    "fragment": ("/broken", {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}),
    "page": ("/broken", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
    "api": ("/api/broken", {"Accept": "text/html"}),
    "json": ("/broken", {"Accept": "application/json"}),
}


class OfStatus(exceptions.HTTPException):
    """Any status, with what an exception of Werkzeug carries; 507 has no class of its own there."""

    description = CANARY

    def __init__(self, code):
        super().__init__()
        self.code = code


def raising(error):
    def view():
        raise error

    return view


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", STATUSES)
def test_it_works(browser, ana, route, records, status, kind):
    path, headers = KINDS[kind]
    route(path, raising(OfStatus(status)))
    words = PROBLEMS[status]

    for who in (None, ana):
        if who:
            browser.sign_in(who)
        page = browser.send("GET", path, headers=headers)

        assert page.status == status
        assert CANARY not in page.text, "a description of Werkzeug's is not for people"
        assert shown_references(page) == [page.reference]
        if kind in ("api", "json"):
            assert page.headers["Content-Type"] == "application/problem+json"
            assert page.json == {
                "type": "about:blank",
                "title": words.title,
                "status": status,
                "detail": words.sentence,
                "instance": path,
                "code": words.code,
                "reference": page.reference,
            }
        elif kind == "fragment":
            toast = page.one(".toast.toast--error[role=alert]")
            assert toast["data-toast"] == words.code
            assert page.said(".toast__words") == words.title
            here = " What you typed is still here." if status == 401 else ""
            assert page.said(".toast__text") == f"{words.sentence}{here} {words.next_step}"
            assert (page.headers["HX-Retarget"], page.headers["HX-Reswap"]) == ("#toasts", "beforeend")
            assert page.headers["HX-Push-Url"] == "false"
        else:
            assert page.said("h1") == words.title
            assert page.said("title") == f"{words.title} · Microblog"
            assert page.said(".lead") == words.sentence
            assert words.next_step in page.said("main")
            assert page.one('meta[name="robots"]')["content"] == "noindex"
            assert page.all('main a[href="/"]')
            assert ("ana" in page.said("nav")) == bool(who)
        if kind != "fragment":
            assert not [name for name, _ in page.headers if name.startswith("HX-")]
        varies = [name.strip() for line in page.headers.getlist("Vary") for name in line.split(",")]
        assert "Accept" in varies

        line = browser.line_of(page)
        assert line["level"] == ("error" if status >= 500 else "warning" if status in (401, 403, 429) else "info")
        assert line["fragment"] == (kind == "fragment")
        assert line["user_id"] == (who.id if who else None)
        failed = records("request.failed", reference=page.reference)
        assert len(failed) == (status >= 500)
        assert not failed or failed[0]["status"] == status
    browser.still_works()


def test_every_status_has_words():
    assert set(PROBLEMS) == set(STATUSES)
    codes = [problem.code for problem in PROBLEMS.values()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("status", [402, 406, 412, 416, 418, 423, 451, 501, 505, 508])
def test_a_status_without_words_speaks_for_its_class(browser, route, status):
    route("/broken", raising(OfStatus(status)))
    page = browser.get("/broken")
    assert page.status == status
    assert page.said("h1") == PROBLEMS[500 if status >= 500 else 400].title


def test_507_can_be_aborted(app, browser, route):
    """Werkzeug knows no 507, and abort() of what it does not know is a LookupError, so a 500."""
    route("/broken", lambda: app.aborter(507))
    assert browser.get("/broken").status == 507


# --- the rules of the site --------------------------------------------------------------------------------------------
DOMAIN = {
    "not_yours": (NotYours("This is Bo's."), 403, "This is Bo's."),
    "taken": (Taken("This name is taken.", "username"), 422, "This name is taken."),
    "stale": (Stale("Changed meanwhile."), 409, "Changed meanwhile."),
    "too_fast": (TooFast("Too many.", retry_after=40), 429, "Too many."),
    "refused": (DomainError("Not like this."), 400, "Not like this."),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", DOMAIN)
def test_what_a_model_raises(browser, route, kind, code, records):
    path, headers = KINDS[kind]
    error, status, sentence = DOMAIN[code]
    route(path, raising(error))
    page = browser.send("GET", path, headers=headers)

    assert page.status == status
    if page.json is not None:
        assert (page.json["code"], page.json["detail"]) == (code, sentence)
        fields = [{"field": "username", "code": "taken", "message": sentence}] if code == "taken" else None
        assert page.json.get("errors") == fields
    else:
        assert sentence in page.text.replace("&#39;", "'")
        assert kind == "page" or page.one(".toast")["data-toast"] == code
    if code == "too_fast":
        assert page.headers["Retry-After"] == "40"
        assert kind in ("api", "json") or "Try again in 40 seconds." in page.text
        assert records("rate.limited", reference=page.reference, retry_after=40)
    assert not records("request.failed")


# --- Werkzeug's exceptions --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [400, 404, 410, 429])
@pytest.mark.parametrize("kind", KINDS)
def test_abort_with_a_description(app, browser, route, status, kind):
    path, headers = KINDS[kind]
    text = "Nobody here is called <b>Bo</b> & co."
    route(path, lambda: app.aborter(status, description=text))
    page = browser.send("GET", path, headers=headers)
    if page.json is not None:
        assert page.json["detail"] == text
    else:
        assert text in page.said(".toast__text" if kind == "fragment" else ".lead")
        assert "<b>" not in page.text


@pytest.mark.parametrize("status", [500, 502, 503])
def test_the_description_of_a_server_error_stays_here(app, browser, route, status, records):
    route("/broken", lambda: app.aborter(status, description=CANARY))
    for _, headers in (KINDS["fragment"], KINDS["page"], KINDS["json"]):
        page = browser.send("GET", "/broken", headers=headers)
        assert page.status == status
        assert CANARY not in page.text
        assert len(records("request.failed", reference=page.reference)) == 1, "an abort(500) is logged, once"


@pytest.mark.parametrize(
    ("error", "status", "name", "value"),
    [
        (exceptions.MethodNotAllowed(valid_methods=["POST", "PUT"]), 405, "Allow", "POST, PUT"),
        (exceptions.TooManyRequests(retry_after=90), 429, "Retry-After", "90"),
        (exceptions.ServiceUnavailable(retry_after=7), 503, "Retry-After", "7"),
        (
            exceptions.Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "x"})),
            401,
            "WWW-Authenticate",
            "Basic realm=x",
        ),
        (exceptions.Unauthorized(), 401, "WWW-Authenticate", 'Session realm="Microblog"'),
        (exceptions.RequestedRangeNotSatisfiable(length=9), 416, "Content-Range", "bytes */9"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_headers_are_kept(browser, route, error, status, name, value, kind):
    path, headers = KINDS[kind]
    route(path, raising(error))
    page = browser.send("GET", path, headers=headers)
    assert page.status == status
    assert page.headers.getlist(name) == [value]
    assert len(page.headers.getlist("Content-Type")) == len(page.headers.getlist("Content-Length")) == 1


def test_what_werkzeug_says_about_a_missing_key_is_not_repeated(browser, route):
    route("/broken", lambda: request.form["nothing"])
    page = browser.get("/broken")
    assert page.status == 400
    assert page.said(".lead") == PROBLEMS[400].sentence


def test_an_answer_made_on_purpose_is_left_alone(app, browser, route):
    route("/broken", lambda: app.aborter(make_response("as it is", 409, {"Content-Type": "text/plain"})))
    with app.test_client() as client:
        answer = client.get("/broken")
    assert (answer.status_code, answer.text) == (409, "as it is")


# --- addresses and methods --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "more",
    [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}],
    ids=lambda more: next(iter(more)),
)
@pytest.mark.parametrize("hx", ["true", None])
def test_these_get_the_whole_page(browser, more, hx):
    page = browser.send("GET", "/nope", headers=({"HX-Request": hx} if hx else {}) | more)
    assert page.status == 404
    assert page.is_page
    assert "HX-Retarget" not in page.headers
    assert browser.line_of(page)["fragment"] is False


def test_htmx_2_and_curl_leave_the_type_out_and_get_a_fragment(browser):
    page = browser.send("GET", "/nope", headers={"HX-Request": "true"})
    assert not page.is_page
    assert page.headers["HX-Retarget"] == "#toasts"


@pytest.mark.parametrize("header", ["1", "True", "false", ""])
def test_only_true_is_true(browser, header):
    assert browser.send("GET", "/nope", headers={"HX-Request": header}).is_page


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "json"),
        ("application/problem+json", "json"),
        ("application/json, text/html;q=0.9", "json"),
        ("text/html, application/json;q=0.9", "page"),
        ("application/json, text/html", "page"),
        ("*/*", "page"),
        ("text/html", "page"),
        ("image/avif,image/webp,*/*", "page"),
        ("garbage;;;q=x,,", "page"),
        ("", "page"),
    ],
)
def test_json_only_where_it_is_preferred(app, accept, kind):
    with app.test_client() as client:
        answer = client.get("/nope", headers={"Accept": accept})
    assert answer.mimetype == ("application/problem+json" if kind == "json" else "text/html")


@pytest.mark.parametrize("path", ["/logout", "/register/check/username"])
def test_405_of_an_address_that_only_takes_post(browser, ana, path):
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        page = browser.get(path)
        assert page.status == 405
        assert set(page.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
        assert page.said("h1") == "This link only works as a button"
        assert page.one('main a[href="/"]')
        api = browser.send("DELETE", path, headers={"Accept": "application/json"})
        assert (api.status, api.json["code"]) == (405, "method_not_allowed")


def test_the_way_back_is_a_page_of_ours(browser):
    for referrer, way in (
        ("http://localhost/user/ana", "/user/ana"),
        ("http://localhost/nope", None),
        ("https://evil.example/x", None),
        ("http://localhost//evil.example", None),
        ("http://localhost/\\evil.example", None),
        ("http://localhost/\t/evil.example", None),
        ("http://[::1", None),
        ("javascript:alert(1)", None),
        ("http://localhost.evil.example/x", None),
    ):
        page = browser.send("GET", "/nope", headers={"Referer": referrer})
        links = [link["href"] for link in page.all(".problem__ways a")]
        assert links == ([way] if way else []) + ["/"], referrer


def test_what_was_typed_is_shown_as_far_as_a_page_can_show_it(browser, ana, route):
    route("/broken", raising(RuntimeError()))
    browser.sign_in(ana)
    page = browser.post("/broken", data={"about_me": "a\x00b\x1b", "na\x00me": "x", "my_password": "secret"})
    assert page.status == 500
    kept = page.values("form.kept")
    assert kept["about_me"] == "a\ufffdb\ufffd"
    assert "secret" not in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_are_left_alone(app, browser, route, kind):
    _, headers = KINDS[kind]
    route("/folder/", lambda: "here")
    page = browser.send("GET", "/folder", headers=headers)
    assert page.status == 308
    assert page.headers["Location"].endswith("/folder/")
    assert "HX-Retarget" not in page.headers


def test_head_is_get_without_a_body(browser, route):
    route("/broken", raising(RuntimeError(CANARY)))
    for path in ("/nope", "/api/nope", "/broken", "/logout"):
        get, head = browser.send("GET", path), browser.send("HEAD", path)
        assert head.status == get.status
        assert head.data == b""
        assert int(head.headers["Content-Length"]) == len(get.data)
        assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_options_lists_the_methods(browser):
    page = browser.send("OPTIONS", "/logout")
    assert page.status == 200
    assert set(page.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert page.data == b""
    assert browser.send("OPTIONS", "/nope").status == 404
    assert json.loads(browser.send("OPTIONS", "/api/nope").text)["status"] == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_methods_nobody_takes(browser, ana, method):
    browser.sign_in(ana)
    page = browser.send(method, "/", headers={"X-CSRFToken": browser.token})
    assert page.status == 405


def test_the_documentation_shows_the_headers(browser):
    _, _, rest = (ROOT / "docs/errors.md").read_text().partition("|X-Req|Vary)'\nHTTP/1.1 404 NOT FOUND\n")
    shown = [tuple(line.split(": ", 1)) for line in rest.partition("```")[0].splitlines()]

    page = browser.hx_get("/nope")
    sent = [(name, value) for name, value in page.headers if name.startswith(("HX-", "X-Req", "Vary"))]
    assert sent == [(name, page.reference if name == "X-Request-ID" else value) for name, value in shown]
