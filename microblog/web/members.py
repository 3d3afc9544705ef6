"""The member somebody asks for by name, with how the viewer stands to them: fetched through permission.

`open_user` for what they say and do, `visible_user` for their place (a profile says why the rest is missing), and
`known_user` for reports alone.
"""

from functools import cache
from typing import Any

from flask import abort
from sqlalchemy import Select, String, bindparam

from microblog.extensions import db
from microblog.models.errors import Nobody, Stale, Unavailable
from microblog.models.relation import Bond
from microblog.models.shown import VIEWER, bound
from microblog.models.user import User, near_name
from microblog.models.usernames import PATTERN, username_key
from microblog.web.once import viewer_id
from microblog.web.optional import attempt


def open_user(username: str) -> User:
    """The member of that name, if the viewer may see what they say and do. Raises as `visible_user`.

    And Unavailable where they are suspended, or the viewer has blocked them.
    """
    person = visible_user(username)
    if not person.is_open:
        raise Unavailable("What this member says is not shown.")
    return person


def visible_user(username: str) -> User:
    """The member of that name. Raises as `known_user`.

    And Unavailable where they have blocked the viewer: no other name of theirs is told than the one that was asked for.
    """
    person = known_user(username)
    if person.bond and person.bond.shuts_out:
        raise Unavailable("This profile is not available to you.", username)
    return person


def known_user(username: str) -> User:
    """The member who is, or once was, called `username`, with their `bond` to the viewer. One statement.

    Raises Nobody, and 404 for what is no name.
    """
    if not PATTERN.fullmatch(username):
        abort(404)
    person = _called(username) or _called(username, once=True)
    if person is None:
        near = attempt("near_name", lambda: near_name(username), "")
        raise Nobody("Nobody here is called {username}.", near=near, username=username)
    return person


def other_member(username: str, meant: str) -> User:
    """The same for a form about the member whose number is `meant`. Raises Stale where the name is another's by now."""
    person = visible_user(username)
    if meant != str(person.id):
        raise Stale("The name {username} belongs to somebody else now.", username=username)
    return person


@cache
def _statement(once: bool, signed_in: bool) -> Select[Any]:
    # With all that is asked about the two, building it takes longer than running it.
    key = bindparam("key", type_=String)
    bond = Bond.columns(User.id, VIEWER if signed_in else None)
    return (User.formerly_keyed(key) if once else User.keyed(key)).add_columns(*bond)


def _called(username: str, *, once: bool = False) -> User | None:
    values = bound({"key": username_key(username)}, viewer_id())
    row = db.session.execute(_statement(once, "viewer" in values), values).first()
    if row is None:
        return None
    person: User = row[0]
    person.bond = Bond(*row[1:])
    return person
