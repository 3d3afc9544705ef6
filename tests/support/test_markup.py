"""The fast parser sees what html5lib sees, and the short form of a page has the faults of the whole."""

import html5lib
import pytest

from tests.support.inspection import expect_sound_fragment
from tests.support.markup import Document

WRONG = [
    "<p>one<div>two</div></p>",
    "<b><i>one</b></i>",
    "<ul><li>one</div></ul>",
    '<p id="one" id="two">x</p>',
    "<div>one",
    "<p>one</p></section>",
    "<table><div>one</div></table>",
    "<p>&nonsense;</p>",
    '<p title="one"class="two">x</p>',
    '<p title="one & <two>">x</p></b>',
    "<p title='one'class='two'>x</p>",
]


def tree(text):
    """The elements in order with their attributes, as html5lib reads them."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    read = parser.parse if "<html" in text else parser.parseFragment
    found = []

    def look(element):
        for child in element:
            if isinstance(child.tag, str):
                # Names in SVG carry a namespace here; what a <template> holds is no part of the page.
                attributes = {str(name).rpartition("}")[2].rpartition(":")[2]: v for name, v in child.attrib.items()}
                found.append((child.tag.rpartition("}")[2], attributes))
                if child.tag != "template":
                    look(child)

    look(read(text))
    return found


@pytest.mark.parametrize("path", ["/", "/user/ana", "/edit_profile", "/settings", "/search?q=ana", "/nope", "/post/1"])
def test_it_sees_what_html5lib_sees(browser, ana, path):
    browser.sign_in(ana).get("/")
    browser.post("/post", body="A #tag, a https://example.org/?a=1&b=2 and <b>no markup</b>", once="k" * 22)
    for page in (browser.get(path), browser.hx_get(path)):
        seen = [
            (tag.name, {name.rpartition(":")[2]: value for name, value in tag.attrs.items()})
            for tag in Document(page.text).select("*")
        ]
        assert [tag for tag in seen if tag[0] != "html"] == [tag for tag in tree(page.text) if tag[0] != "html"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_found(page_of, text):
    with pytest.raises(AssertionError):
        expect_sound_fragment(page_of(text))


def test_nothing_is_found_where_all_is_well(page_of):
    expect_sound_fragment(page_of('<p title="one">one <b>two</b> three &amp; four "five"</p>'))


@pytest.fixture
def page_of():
    from werkzeug.wrappers import Response

    from tests.support.client import Page

    return lambda text: Page(Response(text, mimetype="text/html"))
