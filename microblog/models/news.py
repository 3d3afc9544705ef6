"""What the page of notifications shows: by day, and what many did to one post as one line."""

from dataclasses import dataclass, field
from datetime import date, tzinfo
from itertools import groupby

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager

from microblog.extensions import db
from microblog.models.notification import Notification
from microblog.models.post import Post
from microblog.models.user import User

PAGE = 40
NAMED = 2
"""So many are named in one line; the others are counted."""


@dataclass
class Item:
    """One line: what happened to `post`, or to the member (none), and who did it, the latest first."""

    kind: str
    post: Post | None
    notifications: list[Notification] = field(default_factory=list)

    @property
    def people(self) -> list[User]:
        return [one.actor for one in self.notifications]

    @property
    def latest(self) -> Notification:
        return self.notifications[0]

    @property
    def is_new(self) -> bool:
        return any(one.read_at is None for one in self.notifications)


def shown_to(viewer_id: int) -> Select[Notification]:
    """What this member is told, newest first."""
    return (
        select(Notification)
        .join(Notification.actor)
        .outerjoin(Notification.post)
        .options(contains_eager(Notification.actor), contains_eager(Notification.post))
        .where(Notification.user_id == viewer_id, Notification.is_shown())
        .order_by(Notification.id.desc())
    )


def page(viewer_id: int, before: int | None) -> tuple[list[Notification], int]:
    """Those of a page, and where the next one begins; 0 where there is none. One statement."""
    statement = shown_to(viewer_id).limit(PAGE + 1)
    if before is not None:
        statement = statement.where(Notification.id < before)
    found = list(db.session.scalars(statement))
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else 0


def by_day(notifications: list[Notification], zone: tzinfo) -> list[tuple[date, list[Item]]]:
    """The lines of each day in `zone`, the latest first; likes of one post, and follows, are one line a day."""
    days = groupby(notifications, key=lambda notification: notification.created_at.astimezone(zone).date())
    return [(day, _items(list(of_day))) for day, of_day in days]


def _items(notifications: list[Notification]) -> list[Item]:
    items: dict[tuple[object, ...], Item] = {}
    for one in notifications:
        # What was said to somebody stands for itself; what is only a sign is gathered.
        gathered = one.kind in {"like", "follow"}
        key = (one.kind, one.post_id, None if gathered else one.id)
        items.setdefault(key, Item(one.kind, one.post)).notifications.append(one)
    return list(items.values())
