"""The page of what was found: which posts and people, for whom, in which order, at which cost."""

from urllib.parse import quote

import pytest
import sqlalchemy as sa

from microblog.db.engine import migrating
from microblog.extensions import db, writing
from microblog.models import Block, Mute, Post, User
from microblog.models.columns import now
from microblog.search import queries
from microblog.search.views import PAGE, PEOPLE
from microblog.search.words import parsed

HOSTILE = [
    *(
        '"',
        '""',
        '"""',
        "'",
        "\\",
        "*",
        "^",
        "-",
        "NOT",
        "AND OR NOT",
        "NEAR(",
        "near(a b, 5)",
        "text:",
        "a:b",
        "{a b}",
    ),
    *("a AND (b", ") OR 1=1 --", "'; DROP TABLE posts; --", "%", "_", "a*b*", "(((((", ":*", "!a", "a & | !", "<->"),
    *(
        "\x00",
        "a\x00b",
        "\ufffe",
        "😀",
        "👩‍👩‍👧‍👦 family",
        "\u202egnihton",
        "ﷺ",
        "x" * 10_000,
        '"' * 10_000,
        "a " * 5_000,
    ),
    *(
        "😀" * 2_500,
        "e\u0301" * 300,
        "İstanbul",
        "ß",
        "ﬁ",
        "١٢٣",
        "日本語",
        "हिन्दी",
        "ไทย",
        "\u200b",
        "²½",
        "C++",
        "#1",
        "a’b c😀d",
    ),
]


def found(page):
    return [int(link["href"].rpartition("/")[2]) for link in page.all(".hit__time")]


def people(page):
    return [name.get_text() for name in page.all(".results__people .person__username")]


def look(browser, text, **more):
    return browser.get("/search", query_string={"q": text, **more})


def test_it_works(browser, ana, bo, said):
    first = said(ana, "The garden behind the wall, in the rain.")
    said(bo, "Bread again.")
    second = said(bo, "Gardening <b>is</b> waiting.")
    page = look(browser, "garden")
    assert found(page) == [second, first]
    assert [mark.get_text() for mark in page.all("mark")] == ["Gardening", "garden"]
    assert "&lt;b&gt;is" in page.text
    assert page.said("h1") == "Search: garden"
    assert page.one("#search-field")["value"] == "garden"


def test_which_posts_are_found(browser, ana, said):
    accents = said(ana, "Über die Brücke, café crème")
    phrase = said(ana, "a slow old train")
    other = said(ana, "a train, old and slow")
    link = said(ana, "see https://maps.example.org/harbour-walk?x=1 or write to me@letters.example")
    tag = said(ana, "#winter_light over the_sea")
    cyrillic = said(ana, "Привет, мир")
    assert found(look(browser, "uber bruck")) == [accents]
    assert found(look(browser, "CRÈME")) == [accents]
    assert found(look(browser, "slow train")) == [other, phrase]
    assert found(look(browser, '"old train"')) == [phrase]
    assert found(look(browser, '"old trai"')) == []
    assert found(look(browser, "“old train”")) == [phrase]
    assert found(look(browser, "harbour")) == [link]
    assert found(look(browser, "maps.example.org")) == [link]
    assert found(look(browser, "letters")) == [link]
    assert found(look(browser, "#winter")) == [tag]
    assert found(look(browser, "winter_light")) == [tag]
    assert found(look(browser, "sea")) == [tag]
    assert found(look(browser, "привет")) == [cyrillic]
    assert found(look(browser, "train nowhere")) == []
    assert found(look(browser, "t")) == []


@pytest.mark.parametrize(
    ("text", "finds", "not_"),
    [
        (
            "今日は日本語のblogを読んだ。",
            ["日本語", "本語", "今日", "読ん", "日", "だ", "語のb", "日本語のblog", "のblogを", "BLOG"],
            ["日語", "本日", '"のb"', "日本を"],
        ),
        ("东京塔很高", ["东京", "京塔", '"很高"', "塔 高", "东京塔很高"], ["东塔", '"高很"', "东京高"]),
        ("ﾊﾝｶｸのｶﾞｷﾞ", ["ハンカク", "ﾊﾝｶｸ", "ンカ", "ガギ", "ｶﾞ", "カク"], ["カギ", "ハカ"]),
        ("ＢＬＯＧ　２０２６年", ["blog", "2026", "２０２６年", "年"], ["bl0g"]),
        ("がき", ["がき", "が"], ["かき"]),
        ("葛󠄀飾区", ["葛飾"], ["葛区"]),
        ("ฉันกินข้าวที่บ้าน", ["กินข้าว", "ข้าว", "บ้าน", "ฉัน", "ที่บ้าน"], ["กินบ้าน"]),
        ("ຂ້ອຍກິນເຂົ້າ", ["ກິນ", "ເຂົ້າ"], ["ກິນຂ້ອຍ"]),
        ("ខ្ញុំ​ស្រឡាញ់ភាសា", ["ភាសា", "ស្រឡាញ់", "ខ្ញុំស្រឡាញ់"], ["ភាសាខ្ញុំ"]),
        ("ကျွန်တော်စာဖတ်တယ်", ["စာဖတ်", "ဖတ်တယ်"], ["စာတယ်"]),
        ("Işık ve ışın", ["ışık", "IŞIK", "isik", "ISIN", "Işı"], ["şık"]),
        ("Ο ΔΡΌΜΟΣ, ο δρόμος", ["δρόμος", "δρομοσ", "ΔΡΟΜΟΣ", '"ο δρόμος"'], ["ρόμος"]),
        ("Die Straße", ["strasse", "STRASSE", "straße", "STRAẞE", "stra"], ["strase"]),
        ("한국어 글", ["한국", "글", "한국어"], ["국어"]),
        ("كَتَبَ", ["كتب", "كَتَبَ", "كت"], ["تب"]),
        ("हिन्दी में", ["हिन्दी", "हिन्", '"हिन्दी में"'], ["न्दी"]),
        ("a日b 日a", ["a日", "日b", "日a", '"a日b"', '"b 日a"'], ["ab", "b日b"]),
    ],
)
def test_scripts_without_spaces_and_others(browser, ana, said, text, finds, not_):
    said(ana, "something else, 一二三, ก ข")
    number = said(ana, f"x {text}")
    for words in finds:
        page = look(browser, words)
        assert found(page) == [number], words
        assert page.all("mark"), words
    for words in not_:
        assert found(look(browser, words)) == [], words


def test_a_name_without_spaces(browser, person):
    person("taro", display_name="田中太郎")
    for words in ("田中", "太郎", "中太", "郎", "@taro"):
        assert people(look(browser, words)) == ["@taro"], words
    assert people(look(browser, "田太")) == []


def test_nothing_that_is_typed_is_an_error(browser, ana, said):
    for text in HOSTILE:
        said(ana, f"before {text[:3000]} after".replace("\x00", ""))
    browser.sign_in(ana)
    for text in HOSTILE:
        assert look(browser, text).status == 200, repr(text[:40])
        assert look(browser, text, before="2").status == 200, repr(text[:40])
        assert browser.hx_get(f"/search/people?q={quote(text)}").status == 200, repr(text[:40])


def test_a_page_that_there_is_not(browser, ana, said):
    said(ana, "word")
    for before in ("", "0", "-1", "x", "9" * 40, "1.5", "²", "9999999999"):
        assert look(browser, "word", before=before).status == 200, before


def test_what_is_written_changed_and_deleted_is_known_at_once(app, browser, ana, said, change):
    number = said(ana, "apples")
    change(number, text="pears")
    assert found(look(browser, "apples")) == []
    assert found(look(browser, "pears")) == [number]
    change(number, likes_count=3)
    assert found(look(browser, "pears")) == [number]
    with app.app_context(), writing():
        db.session.execute(sa.delete(Post).where(Post.id == number))
        db.session.commit()
    assert found(look(browser, "pears")) == []


def test_a_member_who_goes_takes_their_words_along(app, browser, ana, bo, said):
    said(ana, "apples")
    kept = said(bo, "apples")
    with app.app_context(), writing():
        db.session.execute(sa.delete(User).where(User.id == ana.id))
        db.session.commit()
    page = look(browser, "apples")
    assert found(page) == [kept]
    assert people(look(browser, "ana")) == []
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            db.session.execute(sa.text("INSERT INTO search_posts(search_posts, rank) VALUES ('integrity-check', 1)"))
            db.session.execute(sa.text("INSERT INTO search_people(search_people, rank) VALUES ('integrity-check', 1)"))


def suggested(browser, text):
    return [option["href"] for option in browser.hx_get(f"/search/people?q={text}").all(".suggestion")][:-1]


def test_only_what_one_may_read(app, browser, another_browser, ana, bo, person, said, change):
    cy = person("cy_")
    posts = {who.username: said(who, "apples") for who in (ana, bo, cy)}
    deleted, hidden = said(cy, "apples"), said(cy, "apples")
    change(deleted, deleted_at=now())
    change(hidden, hidden_at=now())
    assert found(look(browser, "apples")) == [posts["cy_"], posts["bo_"], posts["ana"]]

    with app.app_context(), writing():
        db.session.add_all([Block(blocker_id=bo.id, blocked_id=ana.id), Mute(muter_id=ana.id, muted_id=cy.id)])
        db.session.commit()
    page = look(browser.sign_in(ana), "apples")
    assert found(page) == [posts["ana"]]
    assert people(look(browser, "bo")) == suggested(browser, "bo") == []
    assert people(look(browser, "cy")) == ["@cy_"], "muted, not gone"
    assert suggested(browser, "cy") == ["/user/cy_"]
    assert found(look(another_browser.sign_in(bo), "apples")) == [posts["cy_"], posts["bo_"]]
    assert people(look(another_browser, "ana")) == suggested(another_browser, "ana") == []

    with app.app_context(), writing():
        db.session.execute(sa.update(User).where(User.id == cy.id).values(suspended_at=now()))
        db.session.commit()
    assert found(look(another_browser, "apples")) == [posts["bo_"]]
    assert people(look(another_browser, "cy")) == suggested(another_browser, "cy") == []


def test_people_come_first_and_who_is_called_so_before_others(browser, person, said):
    person("annabel", display_name="Annabel Öberg")
    person("zoe", display_name="Zoë Ann Marín")
    ann = person("ann", display_name="The Librarian")
    person("bert", display_name="Бэлла")
    said(ann, "ann says so")
    page = look(browser, "ann")
    assert people(page) == ["@ann", "@annabel", "@zoe"]
    assert [section["class"] for section in page.all(".results > section")] == ["results__people", "results__posts"]
    assert people(look(browser, "@annab")) == ["@annabel"]
    assert people(look(browser, "oberg anna")) == ["@annabel"]
    assert people(look(browser, "zoe mar")) == ["@zoe"]
    assert people(look(browser, "бэл")) == ["@bert"]
    assert people(look(browser, "librarian")) == ["@ann"]
    assert people(look(browser, "nabel")) == []


def test_a_new_name_is_found_and_the_old_one_is_not(app, browser, ana):
    with app.app_context(), writing():
        user = db.session.get(User, ana.id)
        user.change({"username": "berta", "display_name": "Quince"}, seen_version=user.version)
        db.session.commit()
    assert people(look(browser, "quin")) == ["@berta"]
    assert people(look(browser, "ana")) == []


def test_page_after_page(browser, ana, said):
    numbers = [said(ana, f"apple number {n}") for n in range(2 * PAGE + 3)]
    page = look(browser, "apple ana")
    page = look(browser, "apple")
    seen = found(page)
    assert len(seen) == PAGE
    while page.all("a[rel=next]"):
        page = browser.get(page.one("a[rel=next]")["href"])
        assert not page.all(".results__people")
        seen += found(page)
    assert seen == numbers[::-1]


def test_the_next_page_joins_the_first_one_and_back_finds_both(browser, ana, said):
    for n in range(2 * PAGE + 2):
        said(ana, f"apple number {n}")
    link = look(browser, "apple").one("a[rel=next]")
    answer = browser.hx_get(link["hx-get"])
    assert not answer.is_page
    assert found(answer) == list(range(PAGE + 2, 2, -1))
    assert link["hx-target"] == "#search-older"
    both = browser.get(answer.headers["HX-Replace-Url"])
    assert found(both) == list(range(2 * PAGE + 2, 2, -1))
    assert found(browser.get(both.one("a[rel=next]")["href"])) == [2, 1]
    later = browser.hx_get(link["hx-get"], **{"HX-Current-URL": "http://localhost/search?q=apple&before=30"})
    assert "HX-Replace-Url" not in later.headers, "the address is not that of the first page"


def test_what_others_write_meanwhile_moves_nothing(browser, ana, said):
    numbers = [said(ana, f"apple number {n}") for n in range(PAGE + 5)]
    link = look(browser, "apple").one("a[rel=next]")
    said(ana, "apple, late")
    assert found(browser.hx_get(link["hx-get"])) == numbers[4::-1]


def looking_further(browser, words):
    """All that is found by following the links, and how many pages said that they did not look at all posts."""
    page, seen, short = look(browser, words), [], 0
    while True:
        seen += found(page)
        short += "have not been looked at" in page.text
        if not page.all("a[rel=next]"):
            return seen, short
        page = browser.get(page.one("a[rel=next]")["href"])


def test_much_that_one_may_not_read_does_not_keep_one_waiting(app, browser, ana, bo, said, monkeypatch):
    """A page looks at so many posts at most, and says so where they do not fill it."""
    monkeypatch.setattr(queries, "SPARE", 1)
    old = said(ana, "apples")
    for _ in range(2 * PAGE + 5):
        said(bo, "apples")
    new = said(ana, "apples")
    with app.app_context(), writing():
        db.session.add(Mute(muter_id=ana.id, muted_id=bo.id))
        db.session.commit()
    browser.sign_in(ana)
    page = look(browser, "apples")
    assert found(page) == [new]
    assert page.said("a[rel=next]") == "Look further"
    assert looking_further(browser, "apples") == ([new, old], 2)
    assert browser.hx_get(page.one("a[rel=next]")["hx-get"]).said("a[rel=next]") == "Look further"


def test_words_that_are_neither_common_nor_rare(app, browser, ana, said, monkeypatch):
    """PostgreSQL looks through the newest posts, then asks the index; too much for that is said. SQLite has no need."""
    with app.app_context():
        exact = db.engine.dialect.name == "sqlite"
    old = [said(ana, "apples") for _ in range(3)]
    for _ in range(12):
        said(ana, "pears")
    new = said(ana, "apples")
    monkeypatch.setattr(queries, "WINDOW", 5)
    expected = [new, *old[::-1]]
    assert looking_further(browser, "apples") == (expected, 0)
    monkeypatch.setattr(queries, "RARE", 2)
    seen, short = looking_further(browser, "apples")
    assert seen == expected
    assert (short == 0) == exact
    assert looking_further(browser, '"apples apples"') == ([], short)
    assert looking_further(browser, "nowhere") == ([], 0)


def test_while_one_types(browser, person):
    for n in range(PEOPLE + 3):
        person(f"anna{n}", display_name="<i>Anna</i>" if n == 0 else "")
    answer = browser.hx_get("/search/people?q=an")
    options = answer.all('[role="option"]')
    assert len(options) == PEOPLE + 1
    assert options[0]["href"] == "/user/anna0"
    assert options[-1]["href"] == "/search?q=an"
    assert "&lt;i&gt;Anna" in answer.text
    assert browser.hx_get("/search/people?q=").text.strip() == ""
    assert browser.get("/search/people?q=an").headers["Location"] == "/search?q=an"


def test_nothing_was_found(browser, ana, said):
    assert "No post has this word" in look(browser, "nowhere").text
    assert "all of these words" in look(browser, "no where").text
    assert "There is no word in this" in look(browser, "😀").text
    assert "Posts by their words" in look(browser, " ").text
    said(ana, "word")
    assert "That was all." in look(browser, "word", before="1").text


def test_three_statements_at_most(browser, person, said, statements):
    for n in range(30):
        said(person(f"anna{n}"), "anna said so")
    browser.sign_in("anna0")
    for path in ("/search?q=anna", "/search?q=anna&before=9", "/search/people?q=ann"):
        statements.clear()
        assert browser.hx_get(path).status == 200
        assert 1 < len(statements) <= 3, statements
    statements.clear()
    browser.get("/search")
    assert len(statements) == 1, "only who looks"


def plan(app, statement):
    with app.app_context():
        compiled = statement().compile(db.engine, compile_kwargs={"literal_binds": True})
        with db.engine.connect() as connection:
            return [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]


@pytest.mark.sqlite_only
def test_the_newest_come_from_the_index_in_order(app, ana):
    """Sorting all that has a word in it would cost more with every post."""
    values = {"words": queries._fts5(parsed("apple pie").terms), "before": 500, "matches": 100}
    steps = plan(app, lambda: sa.text(queries._MATCHES["sqlite"]).bindparams(**values))
    assert [step for step in steps if step.startswith("SCAN search_posts VIRTUAL TABLE")], steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.sqlite_only
def test_a_rebuilt_table_is_still_indexed(app, browser, ana, said, change):
    """Batch mode drops the old table, and with it the triggers; the end of every migration makes them again."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from flask_migrate import upgrade

    number = said(ana, "apples")
    with app.app_context():
        db.engine.dispose()
        with migrating(db.engine) as connection:
            operations = Operations(MigrationContext.configure(connection))
            with Operations.context(operations.migration_context):
                for table, column in (("posts", "language"), ("users", "location")):
                    with operations.batch_alter_table(table, recreate="always") as batch:
                        batch.alter_column(column, type_=sa.String(300))
            connection.commit()
        names = sa.text("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'")
        assert db.session.scalar(names) == 0
        db.session.rollback()
        upgrade()
        assert db.session.scalar(names) == 6
    change(number, text="pears")
    assert found(look(browser, "apples")) == []
    assert found(look(browser, "pears")) == [number]
