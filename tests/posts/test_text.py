"""What is recognised in a text, that nothing else of it becomes HTML, and how long it is."""

import pytest
from markupsafe import Markup

from microblog.models.graphemes import graphemes
from microblog.models.post_text import as_html, excerpt, mentioned, pieces, tags
from microblog.models.remembered import ROOM, remembered


def test_it_works():
    text = "Hi @Ana,\nread https://example.org/a?b=1&c=2. #Été <b>now</b>"
    assert as_html(text) == (
        'Hi <a class="mention" href="/user/Ana" dir="ltr">@Ana</a>,<br>\n'
        'read <a href="https://example.org/a?b=1&amp;c=2" title="https://example.org/a?b=1&amp;c=2" '
        'rel="nofollow noopener ugc" dir="ltr">example.org/a?b=1&amp;c=2</a>. '
        '<a class="tag" href="/tag/%C3%A9t%C3%A9">#Été</a> &lt;b&gt;now&lt;/b&gt;'
    )
    assert mentioned(text) == ["ana"]
    assert tags(text) == ["été"]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("(see https://a.example/x_(y)).", ["https://a.example/x_(y)"]),
        ("https://a.example/, https://b.example!", ["https://a.example/", "https://b.example"]),
        ("HTTPS://A.example/ü", ["HTTPS://A.example/ü"]),
        ("https:// and http://-x and javascript:alert(1) data:text/html,x", []),
        ('https://a.example/"onclick="x', ["https://a.example/"]),
        ("xhttps://a.example", []),
    ],
    ids=range(6),
)
def test_links(text, links):
    assert [piece.target for piece in pieces(text) if piece.kind == "link"] == links


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ana @ANA @bo_", ["ana", "bo_"]),
        ("mail ana@example.org, @ab, @ana@example.org, /@ana", []),
        (".@ana", []),
        ("(@ana)—@bo_!", ["ana", "bo_"]),
        ("@" + "x" * 31, []),
    ],
    ids=range(5),
)
def test_mentions(text, names):
    assert mentioned(text) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#one, #Two. #1st #3 #_", ["one", "two", "1st"]),
        ("#हिन्दी #日本語 #Straße #עברית", ["हिन्दी", "日本語", "strasse", "עברית"]),
        ("a#b &#39; https://a.example/#c ##d", []),
        ("#" + "x" * 101, []),
        ("#a/b", ["a"]),
    ],
    ids=range(5),
)
def test_tags(text, found):
    assert tags(text) == found


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "https://a.example/<script>",
    "@ana<script> #x<script>",
    "https://a.example/'onmouseover='alert(1)",
    "#" * 5000 + "@" * 5000,
    "https://" + "a." * 5000 + ")" * 5000,
    "&lt;b&gt; &amp;",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_typed_becomes_html(text):
    html = as_html(text)
    assert "".join(piece.text for piece in pieces(text)) == text
    assert "<script" not in html
    assert "<img" not in html
    assert " on" not in html.lower().replace(" onerror=alert(1)&gt;", "")
    assert html.unescape().replace("<br>\n", "\n").count("alert") == html.unescape().count("alert")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("abc\nd", 5),
        ("👩‍🚀🦊🎈", 3),
        ("e\u0301te\u0301", 3),
        ("🇳🇴🇩🇪🇳", 3),
        ("👍🏽👨‍👩‍👧‍👦", 2),
        ("क्षि नमस्ते", 5),
        ("한국어 각", 5),
        ("ไทย กำ", 5),
        ("❤️‍🔥", 1),
        ("\u200d\u0301a", 2),
        ("", 0),
    ],
    ids=range(11),
)
def test_characters_are_counted_as_a_person_counts(text, count):
    assert graphemes(text) == count


def test_excerpt():
    assert excerpt("one\n two", 80) == "one two"
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"


def test_so_many_bytes_are_remembered():
    """Members decide how long a text is: with a number of texts alone they would decide about the memory too."""
    texts = [f"{number} ".ljust(20_000, "\N{DESERET SMALL LETTER LONG I}") for number in range(ROOM // 80_000 + 1)]
    first = as_html(texts[0])
    assert as_html(texts[0]) is first
    for text in texts:
        last = as_html(text)
        assert as_html(text) is last
    assert as_html(texts[0]) is not first


def test_the_latest_are_remembered():
    drawn = []

    @remembered(most=3, room=10_000)
    def draw(letter, count):
        drawn.append(letter)
        return Markup(letter * count)

    for letter in "abcabc":
        draw(letter, 1)
    assert drawn == ["a", "b", "c"]
    draw("d", 1)
    draw("b", 1)
    draw("a", 1)
    assert drawn == [*"abcd", "a"], "a was the oldest"
    draw("e", 8_000)
    draw("e", 8_000)
    draw("f", 8_000)
    assert drawn == [*"abcdaef"]
    draw("e", 8_000)
    assert drawn == [*"abcdaefe"], "there is room for one of the two"
