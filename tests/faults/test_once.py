"""F60: the same form arrives many times: at the same moment in several processes, again after its answer was lost."""

import contextlib
import dataclasses
import http.client
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from microblog.models import Session, User
from tests.browser.proxy import Proxy
from tests.conftest import PASSWORD

pytestmark = pytest.mark.fault(60)

TIMES = 8


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, server=dataclasses.replace(settings.server, workers=4, threads=4))


@pytest.fixture
def proxy(site):
    made = Proxy(f"http://127.0.0.1:{site.port}")
    yield made
    made.close()


def at_once(site, records, path, form, cookies):
    """The answers to the same form, sent TIMES at the same moment by the same browser."""
    gate = threading.Barrier(TIMES)

    def send(_):
        visitor = site.visitor(records)
        visitor.client.cookies = dict(cookies)
        visitor.token, visitor.counted = form["csrf_token"], False
        gate.wait(60)
        while (page := visitor.hx_post(path, data=form)).status == 503:
            time.sleep(0.1)  # a machine so busy that the lock could not be had: nothing happened, so once more
        return page, visitor

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(send, range(TIMES)))


def test_a_save_at_once(site, records, ana, stored, cookie_for):
    visitor = site.visitor(records)
    visitor.client.set_cookie("session", cookie_for(ana))
    form = visitor.hx_get("/edit_profile/username").values() | {"username": "anabel"}
    answers = at_once(site, records, "/edit_profile/username", form, visitor.client.cookies)
    for page, _ in answers:
        assert (page.status, page.said(".toast__words")) == (200, "Username saved.")
        assert page.one("form[data-undo] [name=username]")["value"] == "ana"
    assert stored(select(User.username)) == "anabel"
    assert len(records("user.renamed")) == len(records("profile.saved")) == 1
    assert len(records("request.repeated")) == TIMES - 1


@pytest.mark.parametrize("path", ["/register", "/login"])
def test_an_account_at_once(site, records, person, stored, path):
    """One account, one session, and whichever of the answers the browser keeps, it is signed in."""
    if path == "/login":
        person("nora")
    visitor = site.visitor(records)
    typed = {"username": "nora", "email": "nora@example.org", "password": PASSWORD}
    form = visitor.get(path).values("main form") | typed
    answers = at_once(site, records, path, form, visitor.client.cookies)
    assert [page.status for page, _ in answers] == [204] * TIMES
    assert [stored(select(func.count()).select_from(table)) for table in (User, Session)] == [1, 1]
    assert len(records("user.registered")) + len(records("sign_in.succeeded")) == 1
    for _, sender in answers:
        assert sender.get("/edit_profile").status == 200


def post(proxy, path, form, visitor):
    """Through the proxy; None where no answer came."""
    host, _, port = proxy.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Cookie": cookies,
        "Content-Type": "application/x-www-form-urlencoded",
        "HX-Request": "true",
        "X-CSRFToken": form["csrf_token"],
    }
    try:
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (ConnectionError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("fault", ["lost", "refuse"])
def test_a_retry_after_silence(site, records, proxy, ana, stored, cookie_for, fault):
    """Whether or not it had arrived: one change, and the question is answered truly in between."""
    visitor = site.visitor(records)
    visitor.client.set_cookie("session", cookie_for(ana))
    form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "Bergen"}
    proxy.rule("POST", "/edit_profile/about_me", fault, times=2)
    assert post(proxy, "/edit_profile/about_me", form, visitor) is None
    assert visitor.get(f"/outcome?key={form['once']}").json == {"saved": fault == "lost"}
    assert post(proxy, "/edit_profile/about_me", form, visitor) is None
    status, text = post(proxy, "/edit_profile/about_me", form, visitor)
    assert (status, "About me saved." in text, "Undo" in text) == (200, True, True)
    assert (stored(select(User.about_me)), stored(select(User.version))) == ("Bergen", 2)
    assert len(records("profile.saved")) == 1
    assert visitor.get(f"/outcome?key={form['once']}").json == {"saved": True}


def test_killed_in_between(site, records, ana, stored, cookie_for):
    """SIGKILL and a new start: what was committed is known, with all that its answer needs."""
    visitor = site.visitor(records)
    visitor.client.set_cookie("session", cookie_for(ana))
    form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "Bergen"}
    assert visitor.hx_post("/edit_profile/about_me", data=form).status == 200
    for worker in site.workers():
        _kill(worker)
    _kill(site.master)
    site.stop()
    site.start()
    assert visitor.get(f"/outcome?key={form['once']}").json == {"saved": True}
    page = visitor.hx_post("/edit_profile/about_me", data=form)
    assert page.said(".toast__words") == "About me saved."
    assert page.one("form[data-undo] [name=about_me]")["value"] == ""
    assert stored(select(User.version)) == 2


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
