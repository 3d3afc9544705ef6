"""Text from anywhere: bounded, encodable, and without what acts."""

import pytest

from microblog.log import plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\r\nb\tc", "a\nb\tc"),
        ("\x1b[31m\0", "\\x1b[31m\\x00"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("Привет 你好 👩‍👩‍👧", "Привет 你好 👩‍👩‍👧"),
        (b"\xff\0", "b'\\xff\\x00'"),
        (None, "None"),
        (7, "7"),
        (10**5000, "<unprintable int>"),
    ],
    ids=lambda value: ascii(value)[:20] if not isinstance(value, int) else "int",
)
def test_it_works(given, shown):
    assert plain.text(given, 1000) == shown


LARGE = ["x" * 10**6, "\0" * 10**6, "\n" * 10**6, [["x" * 10**6] * 1000] * 1000, b"x" * 10**6]


@pytest.mark.parametrize("limit", [1, 10, 1000])
@pytest.mark.parametrize(
    "given", ["x" * 10**6, "\0" * 10**6, "\n" * 10**6, [["x" * 10**6] * 1000] * 1000, b"x" * 10**6]
)
def test_never_longer_than_the_limit(given, limit):
    assert len(plain.text(given, limit)) <= limit
    assert "\n" not in plain.line(given, limit)
