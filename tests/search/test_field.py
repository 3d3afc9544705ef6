"""The field is on every page, also where something went wrong, and holds what was looked for."""

import pytest


@pytest.mark.sqlite_only
def test_it_works(browser, ana):
    for path in ("/", "/login", "/user/ana", "/nope", "/search?q=%3Cb%3E%22quoted"):
        field = browser.get(path).one('form[role="search"][action="/search"] #search-field')
        assert field["value"] == ('<b>"quoted' if "search" in path else "")
