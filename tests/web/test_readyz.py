"""What a monitor is told, and what a stranger is not."""

import pytest
import structlog

from microblog.log import events
from microblog.monitoring import readiness
from tests.support.mailbox import free_port, wait_until

TOKEN = "a-token-of-the-monitors"
STRANGER = {"REMOTE_ADDR": "203.0.113.9"}


def ask(browser, **options):
    return browser.send("GET", "/readyz", **options)


def test_it_works(browser, records):
    page = ask(browser)

    assert page.status == 200
    assert page.json == {
        "ready": True,
        "degraded": [],
        "checks": {"database": "ok", "migrations": "ok", "disk": "ok", "log": "ok", "mail": "off"},
    }
    assert not records("request.finished", path="/readyz")


class TestWhoMaySeeIt:
    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, changed):
        return changed(metrics={"token": TOKEN, "addresses": ("127.0.0.0/8", "10.1.0.0/16", "2001:db8::/32")})

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "2001:db8::7", "::ffff:10.1.2.3"])
    def test_by_address(self, browser, address):
        assert "checks" in ask(browser, environ_base={"REMOTE_ADDR": address}).json

    @pytest.mark.parametrize("address", ["203.0.113.9", "10.2.0.1", "::1", "", "unknown"])
    def test_a_stranger_learns_one_word(self, browser, address):
        page = ask(browser, environ_base={"REMOTE_ADDR": address})

        assert (page.status, page.json) == (200, {"ready": True})

    def test_by_token(self, browser):
        page = ask(browser, environ_base=STRANGER, headers={"Authorization": f"Bearer {TOKEN}"})

        assert "checks" in page.json

    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xff"])
    def test_by_a_wrong_token(self, browser, given):
        page = ask(browser, environ_base=STRANGER, headers={"Authorization": given})

        assert page.json == {"ready": True}

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
    def test_a_proxy_nobody_told_us_of_makes_nobody_a_monitor(self, browser, name):
        """All its visitors come from 127.0.0.1."""
        assert ask(browser, headers={name: "203.0.113.9"}).json == {"ready": True}


class TestBehindAProxy:
    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, changed):
        return changed(server={"proxies": 1})

    def test_the_address_is_what_the_proxy_says(self, browser):
        assert ask(browser, headers={"X-Forwarded-For": "203.0.113.9"}).json == {"ready": True}
        assert "checks" in ask(browser, headers={"X-Forwarded-For": "127.0.0.1"}).json
        assert "checks" in ask(browser).json, "asked on the machine itself, past the proxy"


@pytest.mark.sqlite_only
def test_without_the_database_a_stranger_learns_that_too(browser, settings):
    (settings.data_dir / "microblog.db").write_bytes(b"")
    page = ask(browser, environ_base=STRANGER)

    assert (page.status, page.json) == (503, {"ready": False})


@pytest.mark.sqlite_only
def test_a_folder_that_is_gone_is_degraded(browser, settings):
    (settings.log_dir / "microblog.jsonl").unlink()
    settings.log_dir.rmdir()
    page = ask(browser)

    assert (page.status, page.json["degraded"]) == (200, ["disk"])
    assert page.json["checks"]["disk"] == f"{settings.log_dir} is not there"


@pytest.mark.sqlite_only
def test_little_room_is_degraded(browser, monkeypatch):
    monkeypatch.setattr(readiness, "LITTLE_SPACE", 1 << 62)
    page = ask(browser)

    assert (page.status, page.json["degraded"]) == (200, ["disk"])
    assert "MB left" in page.json["checks"]["disk"]


@pytest.mark.usefixtures("on_a_full_disk")
class TestTheLog:
    pytestmark = pytest.mark.sqlite_only

    def test_that_cannot_be_written_is_degraded_until_it_can(self, browser, settings, capfd):
        browser.get("/login")
        page = ask(browser)
        assert (page.status, page.json["degraded"]) == (200, ["log"])
        assert "cannot be written by this process; 1 lines are missing" in page.json["checks"]["log"]

        (settings.log_dir / "microblog.jsonl").unlink()
        browser.get("/login")
        assert ask(browser).json["degraded"] == []


class TestTheMail:
    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, settings, changed):
        mail = {"server": "127.0.0.1", "port": free_port(), "admins": ("ana@example.org",)}
        return changed(mail=mail, alerts={"first_wait": 0.05}, site={"url": "https://blog.example.org"})

    def test_that_fails_is_degraded(self, browser, monkeypatch):
        monkeypatch.setattr(readiness, "KEPT", 0.0)
        assert ask(browser).json["checks"]["mail"] == "ok"
        structlog.get_logger("microblog.test").error(events.TEARDOWN_FAILED)

        assert wait_until(lambda: ask(browser).json["degraded"] == ["mail"])
        page = ask(browser)
        assert page.status == 200
        assert page.json["checks"]["mail"].startswith("Alerts by mail have failed since ")

    def test_is_looked_at_once_in_some_seconds(self, browser, monkeypatch):
        asked = []
        real = readiness.health
        monkeypatch.setattr(readiness, "health", lambda settings: asked.append(1) or real(settings))
        for _ in range(5):
            ask(browser)

        assert len(asked) == 1
