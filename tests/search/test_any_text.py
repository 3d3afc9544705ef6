"""Whatever is written and whatever is typed: both databases find what the words mean, by the rules in Python."""

from dataclasses import replace
from random import Random

from microblog.extensions import db
from microblog.models import User
from microblog.models.timeline import Span
from microblog.search import queries
from microblog.search.words import marked, parsed

SEEN = r"""
" ' "" \ * ^ - + : :* ( ) { } [ ] | & ! <-> <2> ~ % _ ; -- @ # / $1 ? . , = `
NEAR( NOT AND OR text: rowid search_posts NULL a* "a to_tsquery('x')
a ab abc Über uber crème É ß ẞ ﬁ İ ı IŞIK ışık Σ ς ΟΔΟΣ οδός 𝛓 𝚤
1 12 3.14 -7 a.b@c.example https://a.example/b?c=d ² ½ №
日 日本 日本語 の ｶﾞ ｶ ・ ー 東京 ㍿ ㌔ กิน ข้าว ຂ້າ ខ្មែរ မြန် 한국 ㅎ हिन्दी كَتَ שָׁ ﷺ привет 😀 👩‍👩‍👧
"""
UNSEEN = (
    "\x00\ud800\udfff\u202e\u200f\u2067\u200b\u00ad\ufeff\ufffe\ufffd\t\n\u3000\u0301\u3099\ufe0f\u2028\u0e48\U000207b7"
)
PIECES = [*SEEN.split(), *UNSEEN]


def some(random, most, between):
    return "".join(random.choice(PIECES) + random.choice(between) for _ in range(random.randint(1, most)))


def test_the_same_is_found_in_both_databases_as_in_python(app, ana, said):
    random = Random(8)  # the same every time
    texts = {}
    for _ in range(80):
        text = some(random, 12, ["", "", " "]).replace("\x00", "").encode("utf-8", "replace").decode()
        texts[said(ana, text)] = text
    with app.app_context():
        found_some = 0
        for _ in range(250):
            typed = some(random, 4, ["", "", " ", "  "]) * random.choice([1] * 9 + [2_000])
            query = parsed(typed)
            expected = {number for number, text in texts.items() if holds(text, query)} if query.terms else set()
            if query.terms:
                posts, floor = queries.posts(query, None, Span(limit=100))
                assert floor <= 1
                db.session.scalars(queries.people(query, ana.id)).all()
                got = {post.id for post in posts}
                assert got == expected, ascii((typed[:80], [texts[n] for n in got ^ expected]))
            found_some += bool(expected)
        assert found_some > 60
        assert db.session.get(User, ana.id)


def holds(text, query):
    return all("<mark>" in marked(text, replace(query, terms=(term,))) for term in query.terms)
