"""Where a list goes on is read in one way, whatever the list is of."""

import pytest

from microblog.extensions import db, writing
from microblog.models import Block, Follow, ModerationAction, Notification, Post, Report, User

LISTS = {
    **dict.fromkeys(["/", "/explore", "/search?q=hello", "/notifications", "/moderation/log"], "before"),
    **dict.fromkeys(["/user/ana/following", "/settings/people"], "before"),
    **dict.fromkeys(["/post/1", "/moderation"], "after"),
}


@pytest.fixture
def lists(app, browser, ana, bo, person):
    """One entry on each of them."""
    cy = person("cy_")
    with app.app_context(), writing():
        db.session.get(User, ana.id).role = "moderator"
        post = Post.write(db.session.get(User, ana.id), "Hello")
        Post.write(db.session.get(User, bo.id), "An answer", reply_to=post)
        db.session.add_all(
            [
                Follow(follower_id=ana.id, followed_id=bo.id),
                Block(blocker_id=ana.id, blocked_id=cy.id),
                Report(reporter_id=bo.id, user_id=cy.id, reason="spam"),
                ModerationAction(moderator_id=ana.id, user_id=cy.id, action="suspend"),
            ]
        )
        Notification.tell(ana.id, "follow", actor_id=bo.id)
        db.session.commit()
    return browser.sign_in(ana)


def words(page):
    for moment in page.all("time"):
        moment.node.decompose()  # the clock goes on between two pages
    return page.said("main")


@pytest.mark.parametrize("address", LISTS)
def test_what_is_no_number_is_the_beginning(lists, address):
    name, sign = LISTS[address], "&" if "?" in address else "?"
    whole = words(lists.get(address))
    for bad in ("", "x", "-1", "1.5", "%00", "%D9%A1", "0", "9" * 19, "9" * 5000):
        page = lists.get(f"{address}{sign}{name}={bad}")
        assert (page.status, words(page)) == (200, whole), bad


@pytest.mark.parametrize("address", LISTS)
def test_beyond_every_number_is_still_one(lists, address):
    name, sign = LISTS[address], "&" if "?" in address else "?"
    for large in (2**31 - 1, 2**31, 2**63, "9" * 18):
        assert lists.get(f"{address}{sign}{name}={large}").status == 200
