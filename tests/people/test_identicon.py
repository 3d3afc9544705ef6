import hashlib
import re
from xml.etree import ElementTree

import pytest

from microblog.people.identicon import PALETTE, identicon_svg

SEEDS = [f"person-{number}" for number in range(2_000)]
ALLOWED = {
    "svg": {"viewBox"},
    "g": {"fill"},
    "path": {"fill", "fill-opacity", "d"},
    "circle": {"cx", "cy", "r", "fill-opacity"},
}


def test_it_works():
    svg = identicon_svg("ana")

    assert svg == identicon_svg("ana")
    assert svg != identicon_svg("bo")
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="')


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        ("ana", "859c2a37a2d9eaf3"),
        ("bo", "31c61142030e0542"),
        ("", "d8fe5109c0c54455"),
        ("Łukasz 🦊", "c49965581d1913a6"),
    ],
)
def test_a_face_never_changes(seed, digest):
    """Who changes the drawing changes everybody's picture: then do it knowingly, and here."""
    assert hashlib.sha256(identicon_svg(seed).encode()).hexdigest()[:16] == digest


def test_a_strict_policy_has_nothing_to_object_to():
    for seed in SEEDS:
        svg = identicon_svg(seed)
        assert len(svg.encode()) <= 1024
        root = ElementTree.fromstring(svg)
        left, top, width, height = map(int, root.attrib["viewBox"].split())
        assert (left, width) == (top, height)
        for element in root.iter():
            assert set(element.attrib) <= ALLOWED[element.tag.removeprefix("{http://www.w3.org/2000/svg}")]


def test_turned_half_around_it_is_the_same():
    for seed in SEEDS[:300]:
        for path in re.findall(r' d="(M\d[^"]+)"', identicon_svg(seed)):
            points = {(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)(?=[A-Z])", path)}
            assert points == {(80 - x, 80 - y) for x, y in points}


def test_people_differ():
    assert len({identicon_svg(seed) for seed in SEEDS}) > 0.97 * len(SEEDS)
    assert {re.search('fill="(.*?)"', identicon_svg(seed))[1] for seed in SEEDS} == {ground for ground, _, _ in PALETTE}


@pytest.mark.parametrize("seed", ["\ud800", "\0", '"><script>alert(1)</script>', "x" * 100_000])
def test_any_text_is_a_seed(seed):
    ElementTree.fromstring(identicon_svg(seed))


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("page", ["#ffffff", "#16181c"])
def test_every_ground_stands_out_from_the_page(page):
    for ground, _, _ in PALETTE:
        lighter, darker = sorted([luminance(ground), luminance(page)], reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) > 2.2, ground
