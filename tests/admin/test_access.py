"""Nobody but an administrator sees anything below /admin."""

import pytest

from microblog import admin


@pytest.fixture
def app(app):
    """With a page of this test's own below /admin: before_request of the blueprint is what is tried."""
    app._got_first_request = False
    app.add_url_rule("/admin/tried", "admin.tried", lambda: ("seen", {"Content-Type": "text/plain"}))
    return app


def test_it_works(browser, person):
    browser.sign_in(person("chief", role="administrator"))
    assert browser.get("/admin/tried").text == "seen"


def test_members_and_strangers(browser, another_browser, ana, person):
    assert browser.get("/admin/tried").headers["Location"] == "/login?next=/admin/tried"
    for who, browser_ in ((ana, browser), (person("mod", role="moderator"), another_browser)):
        page = browser_.sign_in(who).get("/admin/tried")
        assert (page.status, page.said(".lead")) == (403, "Only administrators of this site may see this page.")


def test_every_page_is_guarded(app):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]
    assert rules
    assert {rule.endpoint.split(".")[0] for rule in rules} == {admin.bp.name}
