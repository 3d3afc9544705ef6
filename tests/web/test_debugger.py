"""The middleware of `run --debug` without a browser; tests/browser/test_debugger.py has the rest."""

import re

import pytest
from jinja2 import TemplateSyntaxError
from werkzeug.test import Client

from microblog import create_app
from microblog.dev.debugger.middleware import KEPT, HtmxDebugger
from microblog.extensions import db
from tests.support.kinds import HX

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def debugged(settings):
    app = create_app(settings, debug=True)

    @app.route("/broken")
    def broken():
        secret_of_the_frame = "seen"
        raise RuntimeError(f"<b>{secret_of_the_frame}</b>")

    yield Client(HtmxDebugger(app))
    with app.app_context():
        db.engine.dispose()


def fail(client, **headers):
    return client.get("/broken", headers=HX | {"Host": "127.0.0.1:5000"} | headers)


def test_it_works(debugged):
    answer = fail(debugged)
    assert answer.status_code == 500
    assert answer.headers["X-Microblog"] == "1"
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#toasts", "beforeend")
    assert answer.headers["X-Request-ID"] in answer.text
    assert "RuntimeError: &lt;b&gt;seen&lt;/b&gt;" in answer.text
    address = answer.headers["X-Debugger"]
    assert f'href="{address}"' in answer.text

    page = debugged.get(address, headers={"Host": "127.0.0.1:5000"})
    assert page.status_code == 200
    nonce = re.search("script-src 'self' 'nonce-([^']+)'", page.headers["Content-Security-Policy"])[1]
    assert page.text.count(f'<script nonce="{nonce}">') == page.text.count("<script>") + 1
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert "EVALEX = true" in page.text


@pytest.mark.parametrize(
    ("host", "status"), [("[::1]:5000", 200), ("localhost", 200), ("evil.example", 404), ("", 404)]
)
def test_only_this_machine_opens_it(debugged, host, status):
    address = fail(debugged).headers["X-Debugger"]
    page = debugged.get(address, headers={"Host": host})
    assert page.status_code == status
    assert ("Traceback" in page.text) == (status == 200)


@pytest.mark.parametrize(
    "headers", [{"HX-Request-Type": "full"}, {"HX-Request": "", "HX-History-Restore-Request": "true"}]
)
def test_whatever_htmx_asks_for(debugged, headers):
    """Werkzeug's page would be refused by the client guard."""
    assert "X-Debugger" in fail(debugged, **headers).headers


def test_all_else_is_werkzeugs(debugged):
    answer = debugged.get("/broken", headers={"Host": "127.0.0.1:5000"})
    assert (answer.status_code, "X-Debugger" in answer.headers) == (500, False)
    assert "Werkzeug Debugger" in answer.text


def test_what_does_not_fail_is_left_alone(debugged):
    answer = debugged.get("/login", headers=HX | {"Host": "127.0.0.1:5000"})
    assert (answer.status_code, "X-Debugger" in answer.headers) == (200, False)
    assert debugged.get("/nope", headers=HX | {"Host": "127.0.0.1:5000"}).status_code == 404


def test_old_tracebacks_are_let_go(debugged):
    first = fail(debugged).headers["X-Debugger"]
    for _ in range(KEPT):
        last = fail(debugged).headers["X-Debugger"]
    host = {"Host": "127.0.0.1:5000"}
    assert debugged.get(first, headers=host).status_code == 404
    assert debugged.get(last, headers=host).status_code == 200
    middleware = debugged.application
    assert len(middleware.tracebacks) == KEPT
    assert set(middleware.frames) == {id(f) for found in middleware.tracebacks.values() for f in found.all_frames}


def test_a_toast_that_cannot_be_drawn_leads_there_all_the_same(debugged, monkeypatch):
    def broken(*_):
        raise TemplateSyntaxError("unexpected", 1)

    monkeypatch.setattr(debugged.application.flask.jinja_env, "get_template", broken)
    answer = fail(debugged)
    assert (answer.status_code, "X-Debugger" in answer.headers) == (500, True)


def test_a_production_application_has_no_trace_of_it(app):
    client = app.test_client()
    assert "debugger" not in client.get("/").text
    assert client.get("/__debugger__/overlay.js").status_code == 404
    assert app.jinja_env.globals["debug_script"] == ""
