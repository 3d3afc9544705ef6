"""A post among what it answers and the tree of what answers it."""

import pytest
from sqlalchemy import func, insert, select

from microblog.config.settings import Settings
from microblog.extensions import db, writing
from microblog.models import Block, Post, User, conversation
from microblog.models.columns import now


@pytest.fixture
def settings(settings, changed) -> Settings:
    return changed(posts={"page_size": 5})


def tree(page, css="#timeline > .said"):
    """The numbers of the posts as they stand below each other: [(1, [(2, [])])]."""
    return [branch(place) for place in page.all(css)]


def branch(place):
    (post,) = place.children(".post")
    below = [branch(answer) for line in place.children(".branch") for answer in line.children(".said")]
    return int(post["id"].removeprefix("post-")), below


def change(app, number, **values):
    with app.app_context(), writing():
        post = db.session.get(Post, number)
        for name, value in values.items():
            setattr(post, name, value)
        db.session.commit()


def delete(app, number):
    with app.app_context(), writing():
        db.session.get(Post, number).delete()
        db.session.commit()


def test_it_works(browser, ana, bo, write):
    first = write(ana, "first")
    one, two = write(bo, "one", reply_to=first), write(ana, "two", reply_to=first)
    deep = write(ana, "below one", reply_to=one)
    deeper = write(bo, "below that", reply_to=deep)
    also = write(ana, "below one, too", reply_to=one)
    page = browser.get(f"/post/{first}")
    assert tree(page) == [(one, [(deep, [(deeper, [])]), (also, [])]), (two, [])]
    assert not page.all(".branch__more")
    page = browser.get(f"/post/{deep}")
    assert [str(post["id"]) for post in page.all(".thread .post")] == [f"post-{first}", f"post-{one}"]
    assert tree(page) == [(deeper, [])]


def test_a_deep_chain_goes_on_at_its_own_address(browser, ana, write):
    chain = [write(ana)]
    for _ in range(40):
        chain.append(write(ana, reply_to=chain[-1]))
    page = browser.get(f"/post/{chain[0]}")
    assert tree(page) == [(chain[1], [(chain[2], [(chain[3], [])])])]
    link = page.one(".branch__more a")
    assert (link["href"], link.get_text()) == (f"/post/{chain[3]}", "1 answer in this branch")
    assert tree(browser.get(str(link["href"])))[0][0] == chain[4]
    page = browser.get(f"/post/{chain[40]}")
    assert [str(post["id"]) for post in page.all(".thread .post")] == [f"post-{n}" for n in chain[10:40]]
    assert page.one(f'#main > p > a[href="/post/{chain[10]}"]').get_text() == "Earlier in this conversation"


def test_many_answers_of_an_answer(app, browser, ana, write, records, stored):
    """However many there are: few of them, and how many besides."""
    first = write(ana)
    answers = [write(ana, reply_to=first) for _ in range(3)]
    with app.app_context(), writing():
        many = [{"author_id": ana.id, "text": f"no. {n}", "reply_to_id": answers[0]} for n in range(3000)]
        db.session.execute(insert(Post), [{**row, "thread_id": first} for row in many])
        db.session.commit()
    change(app, answers[0], replies_count=3000)
    last = write(ana, reply_to=answers[2])
    page = browser.get(f"/post/{first}")
    found = tree(page)
    assert [number for number, _ in found] == answers
    assert [len(below) for _, below in found] == [conversation.FEW, 0, 1]
    assert found[2][1] == [(last, [])]
    assert page.said(".branch__more") == f"{3000 - conversation.FEW} more answers in this branch"
    (line,) = records("request.finished", reference=page.reference)
    assert line["sql_count"] <= 3
    assert stored(select(func.count(Post.id))) == 3005


def test_a_page_has_so_many_at_most(browser, ana, write, monkeypatch):
    """Where not all fit, the first of every branch come before the second of any, and no branch hangs in the air."""
    monkeypatch.setattr(conversation, "NESTED", 6)
    first = write(ana)
    answers = [write(ana, reply_to=first) for _ in range(4)]
    below = {one: [write(ana, reply_to=one) for _ in range(3)] for one in answers}
    write(ana, reply_to=below[answers[0]][0])
    page = browser.get(f"/post/{first}")
    assert [(number, [number for number, _ in some]) for number, some in tree(page)] == [
        (one, below[one][: 2 if one in answers[:2] else 1]) for one in answers
    ]
    assert [link.get_text() for link in page.all(".branch__more")] == [
        *["1 answer in this branch", "1 more answer in this branch", "1 more answer in this branch"],
        *["2 more answers in this branch"] * 2,
    ]


def test_pages_of_direct_answers_while_others_answer(app, browser, ana, bo, write):
    first = write(ana)
    answers = [write(bo, f"{n}", reply_to=first) for n in range(12)]
    nested = write(ana, reply_to=answers[7])
    page, found = browser.get(f"/post/{first}"), []
    here = {"HX-Current-URL": f"http://localhost/post/{first}"}
    for _ in range(9):
        found += tree(page, "#timeline > .said" if page.is_page else ":root > .said, .said:not(.branch .said)")
        if len(found) == 5:
            delete(app, answers[2])
            write(ana, "to what was read already", reply_to=answers[0])
        if not (links := page.all("#older a")):
            break
        if len(found) < 12:
            answers.append(write(bo, "written meanwhile", reply_to=first))
        page = browser.hx_get(str(links[0]["hx-get"]), **here)
        assert not page.is_page
    assert [number for number, _ in found] == answers
    assert found[7] == (answers[7], [(nested, [])])
    assert page.headers["HX-Replace-Url"] == f"/post/{first}?show=15"
    again = browser.get(f"/post/{first}?show=15")
    assert len(tree(again)) == 13, (
        "whoever comes back finds what they had loaded; one is deleted, and nothing answers it"
    )
    without_script = browser.get(f"/post/{first}?after={answers[9]}")
    assert [number for number, _ in tree(without_script)] == answers[10:]
    assert without_script.one(f'.answers > p a[href="/post/{first}"]').get_text() == "From the first answer"
    assert "No more answers" in browser.get(f"/post/{first}?after={answers[-1]}").said("#timeline")


@pytest.mark.parametrize("how", ["deleted", "hidden", "blocks", "blocked", "suspended"])
def test_a_place_only_where_something_hangs_below(app, browser, ana, bo, person, write, how):
    cy = person("cy_")
    first = write(ana, "first")
    gone, leaf = write(bo, "secret", reply_to=first), write(bo, "secret leaf", reply_to=first)
    under = write(cy, "below", reply_to=gone)
    inner = write(bo, "secret inner leaf", reply_to=under)
    with app.app_context(), writing():
        for number in (gone, leaf, inner):
            if how == "deleted":
                db.session.get(Post, number).delete()
            if how == "hidden":
                db.session.get(Post, number).hidden_at = now()
        if how == "suspended":
            db.session.get(User, bo.id).suspended_at = now()
        if how == "blocks":
            db.session.add(Block(blocker_id=ana.id, blocked_id=bo.id))
        if how == "blocked":
            db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id))
        db.session.commit()
    page = browser.sign_in(ana).get(f"/post/{first}")
    assert tree(page) == [(gone, [(under, [])])]
    assert "secret" not in page.text
    words = {"deleted": "Its author has deleted this post.", "hidden": "A moderator has taken this post away."}
    assert page.said(f"#post-{gone}") == words.get(how, "This post cannot be shown. Report it")
    assert not page.all(".branch__more"), "nothing leads to what cannot be shown"
    page = browser.get(f"/post/{under}")
    assert [post.get_text(" ", strip=True) for post in page.all(".thread .post--gone")] == [page.said(f"#post-{gone}")]
    assert tree(page) == []


def test_what_a_block_hides_is_not_promised(app, browser, ana, bo, person, write):
    """Of seven answers in a branch two are of somebody who is blocked: one of those shown, one of those that follow."""
    cy = person("cy_")
    first = write(cy, "first")
    branch = write(cy, "a branch", reply_to=first)
    authors = [bo, cy, cy, cy, cy, cy, bo]
    written = [write(author, "below", reply_to=branch) for author in authors]
    assert len(written) == conversation.FEW + 2
    browser.sign_in(ana)
    assert browser.get(f"/post/{first}").said(".branch__more") == "2 more answers in this branch"
    with app.app_context(), writing():
        db.session.add(Block(blocker_id=ana.id, blocked_id=bo.id))
        db.session.commit()
    page = browser.get(f"/post/{first}")
    assert tree(page) == [(branch, [(number, []) for number in written[1:5]])]
    assert page.said(".branch__more") == "1 more answer in this branch"
    assert page.one(f"#post-{branch}-actions")["data-counts"] == "0.5"


def test_an_answer_takes_its_place(browser, ana, bo, write):
    """At the end of what stands below the post that is answered, wherever that is on the page."""
    first = write(bo)
    one = write(bo, reply_to=first)
    two = write(bo, reply_to=one)
    here = {"HX-Current-URL": f"http://localhost/post/{one}?show=10"}
    page = browser.sign_in(ana).get(f"/post/{one}")
    for parent, target in ((one, "timeline"), (two, f"post-{two}-branch"), (first, f"post-{first}-branch")):
        assert page.one(f"#{target}")
        sent = browser.get(f"/post/{parent}/reply").values(f'form[action="/post/{parent}/reply"]')
        answer = browser.hx_post(f"/post/{parent}/reply", data=sent | {"text": f"to {parent}"}, headers=here)
        put = answer.one(f'hx-partial[hx-target="#{target}"]')
        assert put["hx-swap"] == "beforeend"
        assert put.select_one(".said > .post .post__text").get_text() == f"to {parent}"
        assert answer.said(f"#post-{parent}-actions .act--reply") == ("2" if parent != two else "1")
    mine = browser.get(f"/post/{one}")
    assert mine.said(f"#post-{two}-branch .post__text") == f"to {two}"
