"""/metrics: what is counted, for whom, and exactly, whichever process is asked and whichever has died."""

import os
import signal
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from microblog.log import events, metrics
from microblog.log.plain import short_hash
from microblog.monitoring import readiness
from tests.support.mailbox import free_port, wait_until
from tests.support.site import Site


def parsed(text):
    """(name, its labels' values in the order of their names) → value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Differences:
    """What was counted since: the counters of a test's process go on from test to test."""

    def __init__(self, browser):
        self.browser, self.before = browser, {}
        self.before = self.now()

    def now(self):
        page = self.browser.send("GET", "/metrics")
        assert page.status == 200
        found = parsed(page.text)
        return {key: value - self.before.get(key, 0) for key, value in found.items() if value != self.before.get(key)}


@pytest.fixture
def counted(browser):
    return Differences(browser)


def test_it_works(browser, ana, counted, records):
    browser.get("/user/ana")
    browser.get("/user/ana")
    browser.get("/user/nobody")
    browser.get("/nowhere")

    found = counted.now()
    # Labels in the order of their names: method, route, status.
    assert found["microblog_requests_total", "GET", "/user/<username>", "200"] == 2
    assert found["microblog_requests_total", "GET", "/user/<username>", "404"] == 1
    assert found["microblog_requests_total", "GET", "none", "404"] == 1
    assert found["microblog_request_seconds_count", "/user/<username>"] == 3
    assert found["microblog_request_seconds_bucket", "+Inf", "/user/<username>"] == 3
    lines = records("request.finished", route="/user/<username>")
    assert found["microblog_request_seconds_sum", "/user/<username>"] >= sum(line["ms"] for line in lines) / 1000 - 1e-4
    assert found["microblog_sql_statements_total", "/user/<username>"] == sum(line["sql_count"] for line in lines)
    assert found["microblog_sql_seconds_total", "/user/<username>"] > 0
    assert found["microblog_log_records_total", "info"] == 4
    assert not records("request.finished", path="/metrics")
    assert ("microblog_requests_in_progress",) not in found


@pytest.mark.sqlite_only
def test_what_people_find_hard(browser, ana, counted):
    browser.get("/login")
    browser.post("/login", username="ana", password="wrong")
    browser.get("/register")
    browser.post("/register", username="a", email="nothing", password="short")

    found = counted.now()
    assert found["microblog_sign_ins_failed_total",] == 1
    refused = {key[1:]: value for key, value in found.items() if key[0] == "microblog_forms_refused_total"}
    assert refused == {(field, "registration"): 1 for field in ("username", "email", "password")}
    assert found["microblog_log_records_total", "warning"] == 2


@pytest.mark.sqlite_only
def test_what_is_being_answered(browser, route):
    def now(path):
        return parsed(browser.send("GET", path).text)["microblog_requests_in_progress",]

    route("/now", lambda: (metrics.exposition(), {"Content-Type": "text/plain"}))
    before = now("/metrics")
    assert now("/now") == before + 1
    assert now("/metrics") == before


@pytest.mark.sqlite_only
def test_what_runs(browser):
    found = parsed(browser.send("GET", "/metrics").text)

    assert [key for key in found if key[0] == "microblog_info"] == [("microblog_info", "production", "0.1.0")]
    assert found["microblog_alerts_on",] == found["microblog_alerts_pending",] == 0


@pytest.mark.sqlite_only
def test_methods_that_are_none_are_one(browser, counted):
    for method in ("FOO", "BAR"):
        browser.send(method, "/nowhere")

    assert counted.now()["microblog_requests_total", "other", "none", "404"] == 2


class TestStrangers:
    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, changed):
        return changed(metrics={"token": "a-token-of-the-monitors"})

    def test_find_nothing_there(self, browser, records):
        page = browser.send("GET", "/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"})

        assert page.status == 404
        assert "microblog_" not in page.text
        assert len(records("request.finished", reference=page.reference)) == 1, "its reference leads somewhere"

    def test_unless_they_have_the_token(self, browser):
        headers = {"Authorization": "Bearer a-token-of-the-monitors"}
        page = browser.send("GET", "/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}, headers=headers)

        assert page.status == 200


@pytest.mark.sqlite_only
def test_counting_that_fails_costs_nobody_anything(browser, monkeypatch):
    monkeypatch.setattr(metrics, "_meters", None)
    assert browser.get("/login").status == 200


@pytest.mark.usefixtures("on_a_full_disk")
class TestTheLog:
    pytestmark = pytest.mark.sqlite_only

    def test_lines_that_are_lost(self, browser, counted, capfd):
        for _ in range(3):
            browser.get("/login")

        assert counted.now()["microblog_log_lines_dropped_total",] == 3


class TestTheMail:
    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, changed):
        mail = {"server": "127.0.0.1", "port": free_port(), "admins": ("ana@example.org",)}
        return changed(mail=mail, alerts={"first_wait": 0.05}, site={"url": "https://blog.example.org"})

    def test_what_waits(self, browser, monkeypatch):
        monkeypatch.setattr(readiness, "KEPT", 0.0)
        for _ in range(2):
            structlog.get_logger("microblog.test").error(events.TEARDOWN_FAILED)

        def both_wait():
            found.update(parsed(browser.send("GET", "/metrics").text))
            return found["microblog_alerts_failing",] and found["microblog_alerts_pending",] == 2

        found = {}
        assert wait_until(both_wait), found
        assert found["microblog_alerts_on",] == 1
        assert found["microblog_alerts_failing_since_seconds",] > 1.7e9


@pytest.mark.slow
class TestFourWorkers:
    """A real server; what it counts is compared with what was sent and with its log."""

    pytestmark = pytest.mark.sqlite_only

    @pytest.fixture
    def settings(self, changed):
        return changed(server={"workers": 4, "threads": 4})

    @pytest.fixture
    def site(self, settings, app):
        with Site(settings) as running:
            yield running

    PLAN = ("/login", "/register", "/nowhere", "/", "/index", "/user/nobody", "/livez", "/readyz")
    SENT = {
        ("GET", "/login", "200"): 1,
        ("GET", "/register", "200"): 1,
        ("GET", "none", "404"): 1,
        ("GET", "/", "200"): 1,
        ("GET", "/index", "301"): 1,
        ("GET", "/user/<username>", "404"): 1,
    }

    def counted(self, site):
        found = parsed(site.ask("GET", "/metrics").get_data(as_text=True))
        return Counter({key[1:]: int(value) for key, value in found.items() if key[0] == "microblog_requests_total"})

    def send(self, site, *, connections, rounds):
        def visitor():
            for _ in range(rounds):  # a connection belongs to one process: several of each
                with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
                    for path in self.PLAN:
                        connection.request("GET", path)
                        connection.getresponse().read()

        visitors = [threading.Thread(target=visitor) for _ in range(connections)]
        for one in visitors:
            one.start()
        for one in visitors:
            one.join()
        return Counter({key: count * connections * rounds for key, count in self.SENT.items()})

    def test_add_up_exactly(self, site, settings, records):
        def logged():
            return Counter((r["method"], r["route"] or "none", str(r["status"])) for r in records("request.finished"))

        assert len(site.workers()) == 4
        wait_until(lambda: logged() == self.counted(site))
        before = self.counted(site)
        sent = self.send(site, connections=6, rounds=8)
        # The last of them are counted a moment after their last byte arrived.
        assert wait_until(lambda: self.counted(site) == before + sent), self.counted(site) - before - sent
        assert logged() == before + sent
        assert {self.counted(site) == before + sent for _ in range(8)} == {True}, "whoever is asked"

        # One is killed: nothing that it counted is lost, and who takes its place counts on.
        known = site.workers()
        os.kill(min(known), signal.SIGKILL)
        assert wait_until(lambda: len(site.workers() - known) == 1)
        assert self.counted(site) == before + sent
        again = self.send(site, connections=3, rounds=4)
        assert wait_until(lambda: self.counted(site) == before + sent + again)
        assert wait_until(lambda: logged() == before + sent + again)
        found = parsed(site.ask("GET", "/metrics").get_data(as_text=True))
        assert found["microblog_requests_in_progress",] == 0
        assert found["microblog_request_seconds_count", "/login"] == (before + sent + again)["GET", "/login", "200"]
        statements = sum(r["sql_count"] for r in records("request.finished", route="/"))
        assert found["microblog_sql_statements_total", "/"] == statements
        assert found["microblog_log_records_total", "error"] == len(records(level="error")), "of the parent too"

        folders = list(Path("/dev/shm").glob(f"microblog-metrics-{short_hash(settings.data_dir)}-*"))
        assert len(folders) == 1
        assert len(list(folders[0].glob("counter_*.db"))) == 5, "four processes and their parent"
        site.stop()
        assert not folders[0].exists()
