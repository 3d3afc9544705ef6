"""What the page of the last resort holds."""

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from microblog.web.kept import as_html

TYPED = MultiDict({"about_me": "words", "csrf_token": "t"})


def held(form, path="/edit_profile", **headers):
    environ = EnvironBuilder(path, method="POST", headers={n.replace("_", "-"): v for n, v in headers.items()})
    return as_html(environ.get_environ() | {"microblog.form": form})


def test_it_works():
    html = held(TYPED)
    assert "words" in html
    assert 'action="/edit_profile"' in html


@pytest.mark.parametrize(
    ("form", "path", "headers"),
    [
        (None, "/edit_profile", {}),  # nobody has read it yet
        (MultiDict({"about_me": "words"}), "/edit_profile", {}),
        (MultiDict({"csrf_token": "t", "password": "canary", "version": "3"}), "/login", {}),
        (TYPED, "/edit_profile", {"Origin": "https://evil.example"}),
        (TYPED, "/edit_profile", {"Sec_Fetch_Site": "cross-site"}),
        (TYPED, "/\\evil.example", {}),
    ],
)
def test_nothing_where_it_could_not_be_sent_again(form, path, headers):
    assert held(form, path, **headers) == ""
