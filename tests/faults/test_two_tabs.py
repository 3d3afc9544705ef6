"""F36: the same field in two tabs, really at once: over connections of their own, from several threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from microblog.models import User
from tests.support.watched import Watched

pytestmark = pytest.mark.fault(36)

TABS = 6


def sent(tab, path, form):
    """The answer; asked again, as a person is told to, where a machine that stands still has the others at its turn."""
    for _ in range(20):
        page = tab.hx_post(path, data=form)
        if page.status != 503:
            break
        assert page.headers["Retry-After"]
    return page


@pytest.mark.parametrize("path", ["/edit_profile/about_me", "/edit_profile"])
def test_it_works(app, browser, person, records, stored, path):
    """One is saved, every other gets 409 with both texts; then "keep mine" keeps mine."""
    person("ana", about_me="first")
    browser.sign_in("ana")
    css = "form.editor" if path.endswith("me") else "#profile-form"
    version = stored(select(User.version))
    tabs = []
    for number in range(TABS):
        tab = Watched(app, records)
        tab.client.set_cookie("session", browser.client.get_cookie("session").value)
        tabs.append((tab, tab.get(path).values(css) | {"about_me": f"from tab {number}"}))
    with ThreadPoolExecutor(TABS) as pool:
        pages = list(pool.map(lambda tab: sent(tab[0], path, tab[1]), tabs))

    won = stored(select(User.about_me))
    statuses = sorted(page.status for page in pages)
    assert statuses == [200 if path.endswith("me") else 204] + [409] * (TABS - 1)
    for number, page in enumerate(pages):
        if page.status == 409:
            assert page.one("#about_me").get_text().strip() == f"from tab {number}", "mine"
            assert won in page.said(".conflict"), "and theirs"
            assert "Saved meanwhile, at" in page.said(".conflict")
            assert page.one(".conflict time")["datetime"]
            loser = (tabs[number][0], page.values())
    assert len(records("profile.conflicted")) == TABS - 1
    assert "from tab" not in str(records())

    assert loser[0].hx_post(path, data=loser[1]).status in (200, 204)
    assert stored(select(User.about_me)) == loser[1]["about_me"]
    assert stored(select(User.version)) == version + 2


def test_different_fields_at_once(app, browser, person, records, stored):
    person("ana")
    browser.sign_in("ana")
    fields = {"about_me": "a", "location": "b", "website": "https://c.example", "display_name": "d"}
    tabs = []
    for field, text in fields.items():
        tab = Watched(app, records)
        tab.client.set_cookie("session", browser.client.get_cookie("session").value)
        tabs.append((field, tab, tab.hx_get(f"/edit_profile/{field}").values() | {field: text}))
    with ThreadPoolExecutor(len(tabs)) as pool:
        pages = list(pool.map(lambda tab: sent(tab[1], f"/edit_profile/{tab[0]}", tab[2]), tabs))
    assert [page.status for page in pages] == [200] * 4
    for field, text in fields.items():
        assert stored(select(getattr(User, field))) == text
