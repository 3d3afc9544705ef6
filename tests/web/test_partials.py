"""Partials that are drawn once for all who see the same."""

import pytest
from markupsafe import Markup

from microblog.web.filters import remembered_partial


@pytest.mark.sqlite_only
def test_it_works(app):
    with app.test_request_context():
        first, second = (
            remembered_partial("shared/_message.html", field="bio", message="Too long.", state="refused")
            for _ in range(2)
        )
    assert first is second
    assert "Too long." in first


@pytest.mark.sqlite_only
def test_what_is_typed_is_escaped_whoever_drew_the_same_text_before(app):
    """Markup is a str, and equal to the same text that nobody has vouched for."""
    with app.test_request_context():
        trusted, typed = (
            remembered_partial("shared/_message.html", field="bio", message=text, state="refused")
            for text in (Markup("<b>x</b>"), "<b>x</b>")
        )
    assert "<b>x</b>" in trusted
    assert "&lt;b&gt;x&lt;/b&gt;" in typed
