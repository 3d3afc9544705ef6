"""F69: filters and expressions that see what members typed take time by its length, not by the square of it.

The texts are so long that a quadratic one would take hours; the limit of a minute is hundreds of times what is right.
"""

import random
import re

import pytest

from microblog.models.post_text import _TRAILING, _without_trailing, as_html, is_tag, pieces
from microblog.posts.forms import paragraphs

pytestmark = [pytest.mark.timeout(60), pytest.mark.fault(69)]

MILLION = 1_000_000


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0", " \t"], ids=["space", "tab", "no-break", "mixed"])
def test_spaces_between_two_words(space):
    text = "a" + space * (MILLION // len(space)) + "b"
    assert paragraphs(text) == text


def test_spaces_between_line_ends():
    assert paragraphs("a" + "\n \t" * (MILLION // 3) + "b") == "a\n\n \tb"


def test_empty_lines_are_cut_as_before():
    before = re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n){2,}")  # the plain spelling, which is quadratic
    dice = random.Random(7)
    for _ in range(20_000):
        text = "".join(dice.choice("a \t\n\n\u00a0") for _ in range(dice.randrange(24)))
        assert paragraphs(text) == before.sub("\n\n", text.strip()), repr(text)


@pytest.mark.parametrize("end", [")", ".", "(", ").", "_"])
def test_what_follows_a_link(end):
    assert len("".join(piece.text for piece in pieces("https://example.org/" + end * (MILLION // len(end))))) >= MILLION


def test_a_link_ends_where_it_did():
    def one_by_one(address: str) -> str:
        while address:
            last = address[-1]
            opening = {")": "(", "]": "[", "}": "{"}.get(last)
            if last not in _TRAILING and not (opening and address.count(last) > address.count(opening)):
                break
            address = address[:-1]
        return address

    dice = random.Random(7)
    for _ in range(20_000):
        address = "".join(dice.choice("a()[]{}.,_/") for _ in range(dice.randrange(16)))
        assert _without_trailing(address) == one_by_one(address), address


def test_marks_out_of_order_in_a_tag():
    # Bringing marks into their order is quadratic in Python's unicodedata: 50,000 of them take five seconds.
    marks = "\u0301" * MILLION + "\u0327" * MILLION
    assert not is_tag("a" + marks)
    assert "<a" not in as_html(f"#a{marks}")


def test_the_longest_tag_in_a_decomposed_spelling():
    assert is_tag("e\u0301" * 100)
    assert is_tag("\u1112\u1161\u11ab" * 100)
    assert not is_tag("e\u0301" * 101)
