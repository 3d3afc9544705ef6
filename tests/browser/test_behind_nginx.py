"""Behind a real nginx on another port than 443, with and without JavaScript: forms of our own pages are our own."""

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.site import VisitedSite
from tests.browser.visitor import PASSWORD, sign_out_button
from tests.support.nginx import Nginx, free_port

HIDES_THE_ORIGIN = (
    "proxy_http_version 1.1;",
    'proxy_http_version 1.1; proxy_hide_header Referrer-Policy; add_header Referrer-Policy "no-referrer" always;',
)
CUTS_THE_PORT_OFF = ("$http_host", "$host")
# At an address that is not site.url, only the Host that nginx passes on tells that a form is ours.
AS_SHIPPED, OTHER_ADDRESS = (), "https://localhost"


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def site(tmp_path_factory, port):
    folder, address = tmp_path_factory.mktemp("behind-nginx"), f"https://127.0.0.1:{port}"
    running = VisitedSite(folder, MICROBLOG_SITE__URL=address, MICROBLOG_SERVER__PROXIES="1").start()
    yield running
    running.stop()


@pytest.fixture
def proxies():
    """Stopped at the end; ask for it before `visit`, so that no page still loads from them then."""
    started = []
    yield started
    for nginx in started:
        nginx.stop()


@pytest.fixture
def behind(site, port, tmp_path, proxies, visit):
    """Somebody who has signed up by the form, through nginx with `changes` in its file."""

    def join(name, *changes, javascript, address):
        proxies.append(Nginx(tmp_path, port, int(site.port), *changes, tls=True))
        visitor = visit(SimpleNamespace(url=f"{address}:{port}"), javascript=javascript, ignore_https_errors=True)
        visitor.go("/register")
        visitor.control("username").fill(name)
        visitor.control("email").fill(f"{name}@example.org")
        visitor.control("password").fill(PASSWORD)
        visitor.page.get_by_role("button", name="Create account").click()
        expect(visitor.toast("Welcome")).to_be_visible()
        visitor.name = name
        return visitor

    return join


CASES = [
    pytest.param("shipped", AS_SHIPPED, OTHER_ADDRESS, id="as_shipped"),
    pytest.param("cut", (CUTS_THE_PORT_OFF,), "https://127.0.0.1", id="cuts_the_port_off"),
    pytest.param("hidden", (HIDES_THE_ORIGIN,), "https://127.0.0.1", id="no_referrer"),
]


@pytest.mark.parametrize("javascript", [True, False], ids=["with_javascript", "plain"])
@pytest.mark.parametrize(("name", "changes", "address"), CASES)
def test_the_whole_way(behind, site, name, changes, address, javascript):
    ana = behind(f"{name}_{'js' if javascript else 'plain'}", *changes, javascript=javascript, address=address)
    page = ana.page
    ana.go("/").control("composer-text").fill("Through the proxy")
    page.get_by_role("button", name="Post", exact=True).click()
    post = page.locator("article.post").first
    expect(post).to_contain_text("Through the proxy")
    post.get_by_role("button", name="Like").click()
    expect(post.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")

    ana.at_home().edit("location").fill("Bergen")
    ana.save("location")
    expect(ana.toast("saved.")).to_be_visible()
    assert site.profile(ana.name, "location") == "Bergen"
    ana.toast("saved.").get_by_role("button", name="Undo").click()
    expect(ana.toast("put back.")).to_be_visible()
    assert site.profile(ana.name, "location") == ""

    sign_out_button(page).click()
    expect(ana.toast("You are signed out.")).to_be_visible()
    assert site.stored("SELECT count(*) FROM sessions WHERE user_id = ?", site.profile(ana.name, "id")) == 0
    ana.go("/login")
    ana.control("username").fill(ana.name)
    ana.control("password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(f"/user/{ana.name}$"))
