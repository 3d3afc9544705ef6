"""What a query means, and where it is marked."""

import pytest

from microblog.search.words import LONGEST, MOST, SNIPPET, marked, parsed


def test_it_works():
    query = parsed('  gardens "the old wall" #moss  ')
    assert query.typed == 'gardens "the old wall" #moss'
    assert [(term.words, term.begins) for term in query.terms] == [
        (("gardens",), True),
        (("the", "old", "wall"), False),
        (("moss",), True),
    ]


@pytest.mark.parametrize("text", ["", "   ", '"', '""', "* - ^", "😀 🦊", "\x00", "…", "_"])
def test_without_a_word_there_is_nothing_to_look_for(text):
    assert parsed(text).terms == ()


def test_limits():
    assert len(parsed("word " * 5000).typed) <= LONGEST
    assert len(parsed(" ".join(f"w{n}" for n in range(60))).terms) == MOST
    assert len(parsed("same same Same").terms) == 1


def test_a_single_letter_is_no_beginning():
    assert [term.begins for term in parsed("a ab").terms] == [False, True]
    assert [term.begins for term in parsed("a ab").names] == [True, True]


@pytest.mark.parametrize(
    ("text", "query", "html"),
    [
        ("Gardens are slow.", "gard", "<mark>Gardens</mark> are slow."),
        ("<b>Über</b> & over", "uber", "&lt;b&gt;<mark>Über</mark>&lt;/b&gt; &amp; over"),
        ("the old, old wall", '"old wall"', "the old, <mark>old wall</mark>"),
        ("the old walls", '"old wall"', "the old walls"),
        ("foo-bar foo", "foo-b", "<mark>foo-bar</mark> foo"),
        ("שלום עולם", "שלום", "<mark>שלום</mark> עולם"),
        ("<mark>", "mark", "&lt;<mark>mark</mark>&gt;"),
        ("u\u0308ber alles", "über", "<mark>u\u0308ber</mark> alles"),
        ("nothing here", "", "nothing here"),
    ],
)
def test_marks(text, query, html):
    assert str(marked(text, parsed(query))) == html


def test_a_long_text_is_shown_around_the_first_hit():
    text = "before " * 200 + "needle " + "after " * 200
    html = str(marked(text, parsed("needle")))
    assert html.startswith("… before")
    assert "<mark>needle</mark>" in html
    assert html.endswith(" …")
    assert len(html) < SNIPPET + 40


@pytest.mark.parametrize("text", ["x" * 5000, "😀" * 3000, "a " * 4000, "ي" * 900 + " needle"])
def test_any_text_has_a_snippet(text):
    assert len(str(marked(text, parsed("needle a")))) < SNIPPET * 10
