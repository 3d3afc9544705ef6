"""Administrators see on every page that error mail does not work; others do not, and it costs no statement."""

import time
from dataclasses import replace

import pytest

from microblog.alerts.spool import spools
from microblog.config.settings import Mail

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def settings(settings):
    return replace(settings, mail=Mail(server="127.0.0.1", port=1, admins=("ana@example.org",)))


@pytest.fixture
def failing(app, settings):
    """Mail has failed for two minutes, and this process knows."""
    spools(settings)[0].remember(failing_since=time.time() - 120)
    app.extensions["alerts"].outlook.refresh(time.time())


def test_it_works(failing, browser, person, records):
    browser.sign_in(person("chief", role="administrator"))
    page = browser.get("/")
    assert page.said(".banner").startswith("Error mail has failed since 20")
    (finished,) = records("request.finished", reference=page.reference)
    assert finished["sql_count"] <= 3
    assert browser.get("/nothing-here").all(".banner")


def test_others_see_nothing_of_it(failing, browser, another_browser, ana):
    assert not browser.sign_in(ana).get("/").all(".banner")
    assert not another_browser.get("/").all(".banner")


def test_no_banner_while_all_is_well_or_only_for_a_moment(app, settings, browser, person):
    browser.sign_in(person("chief", role="administrator"))
    assert not browser.get("/").all(".banner")
    spools(settings)[0].remember(failing_since=time.time() - 5)
    app.extensions["alerts"].outlook.refresh(time.time())
    assert not browser.get("/").all(".banner")
