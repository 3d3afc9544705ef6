"""A note for the next page travels in a cookie, of which a browser takes 4,096 bytes and else drops all of it."""

import dataclasses
import random
import warnings

import pytest
from sqlalchemy import select

from microblog.models import User

COOKIE = 4_096


@pytest.fixture(params=[140, 10_000], ids=["as-by-default", "as-long-as-can-be"])
def settings(settings, request):
    profile = dataclasses.replace(settings.profile, about_me_max=request.param)
    return dataclasses.replace(settings, profile=profile)


def words(letters):
    """Nothing that could be packed much smaller."""
    letter = random.Random(letters)
    return "".join(chr(letter.randrange(0x1F300, 0x1F5FF)) for _ in range(letters))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ["/edit_profile", "/edit_profile/about_me"])
def test_it_works(browser, person, settings, stored, path):
    """Saved and said so, without JavaScript; with Undo where that fits."""
    longest = settings.profile.about_me_max
    old = {"about_me": words(longest), "location": words(60), "display_name": words(50)}
    person("ana", website=f"https://example.org/{'x' * 180}", **old)
    browser.sign_in("ana")
    form = browser.get(path).values("#profile-form" if path == "/edit_profile" else "form[data-editor]")
    new = {"about_me": "short", "location": "", "display_name": "", "website": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Werkzeug warns of a cookie that is too large
        page = browser.post(path, data=form | {name: new[name] for name in new if name in form})

    assert page.status == 303
    assert max(len(cookie) for cookie in page.headers.getlist("Set-Cookie")) < COOKIE
    assert stored(select(User.about_me)) == "short"
    page = browser.get("/user/ana")
    assert "saved." in page.said("#toasts")
    undo = page.all("#toasts form[data-undo]")
    assert len(undo) == (1 if longest == 140 else 0)
    if undo:
        browser.post(str(undo[0]["action"]), data=page.values("#toasts form[data-undo]"))
        assert stored(select(User.about_me)) == old["about_me"]
