"""A site as large as a test wants: a few members whose lists are asked for, among others who write all the time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, cycle, islice
from typing import Any

from sqlalchemy import Connection, func, insert, select

from microblog.models import (
    Block,
    Bookmark,
    Follow,
    Like,
    Mention,
    ModerationAction,
    Mute,
    Notification,
    Post,
    PostTag,
    PostVersion,
    Report,
    User,
)
from microblog.models.columns import now

WORD, SELDOM = "bread", "catalogue"
"""The first stands in every second post, as a tag too; the second is the tag of one old post."""

FANS = 20


class Crowd:
    """Rows, straight into the tables, without what the verbs of the models would do besides."""

    def __init__(self, connection: Connection, password_hash: str) -> None:
        self._connection, self._hash, self._at = connection, password_hash, now()
        self._posts, self._members = self._numbers(Post), self._numbers(User)
        self.quiet = self.first = self.popular = 0

    def _numbers(self, table: Any) -> Iterator[int]:
        return count((self._connection.scalar(select(func.max(table.id))) or 0) + 1)

    def _add(self, table: Any, rows: Iterable[dict[str, Any]], **common: Any) -> None:
        if made := [common | row for row in rows]:
            self._connection.execute(insert(table), made)

    def _pairs(self, table: Any, one: str, other: str, pairs: Iterable[tuple[int, int]]) -> None:
        self._add(table, [{one: first, other: second} for first, second in pairs])

    def _meet(self, pairs: Sequence[tuple[int, int]], *tables: Any) -> None:
        """The first of each pair follows, blocks or mutes the second."""
        columns = {Follow: ("follower_id", "followed_id"), Block: ("blocker_id", "blocked_id")}
        columns |= {Mute: ("muter_id", "muted_id")}
        for table in tables:
            self._pairs(table, *columns[table], pairs)

    def members(self, *names: str, **values: Any) -> list[int]:
        """New members; their numbers."""
        numbers = list(islice(self._members, len(names)))
        rows = [
            {"id": number, "username": name, "username_key": name} for number, name in zip(numbers, names, strict=True)
        ]
        self._add(User, rows, email="somebody@example.org", password_hash=self._hash, **values)
        return numbers

    def _write(self, authors: Sequence[int], many: int, *, answers: int = 0, to: int = 0, **values: Any) -> list[int]:
        """So many posts, by each in turn; one in `answers` answers the post `to`, or the one before it."""
        numbers = list(islice(self._posts, many))
        rows = []
        for place, (number, author) in enumerate(zip(numbers, cycle(authors), strict=False)):
            answered = (to or numbers[place - 1]) if answers and place % answers == answers - 1 else None
            text = f"About #{WORD}" if number % 2 else "About something else"
            row = {"id": number, "author_id": author, "thread_id": answered or number, "reply_to_id": answered}
            rows.append(row | {"text": text})
        self._add(Post, rows, likes_count=1, created_at=self._at, **values)
        self._add(PostTag, [{"tag": WORD, "post_id": number} for number in numbers if number % 2])
        return numbers

    def others(self, name: str, many: int) -> tuple[list[int], list[int]]:
        """So many posts, a tenth as many members, and everything that they do; the numbers of both."""
        people = self.members(*(f"{name}{number}" for number in range(many // 10)))
        posts = []
        for _ in range(many // 20):
            posts += self._write(people, 18, answers=3)
            self._write(people[:1], 1, deleted_at=self._at)
            self._write(people[:1], 1, hidden_at=self._at)
            people = [*people[18:], *people[:18]]
        marks = list(zip(cycle(people[1:]), posts, strict=False))
        for table in (Like, Bookmark, Mention):
            self._pairs(table, "user_id", "post_id", marks)
        self._meet(
            [(one, other) for place, one in enumerate(people) for other in people[place + 1 : place + 16]], Follow
        )
        self._meet(list(zip(people, people[11:], strict=False)), Block, Mute)
        told = [{"user_id": user, "post_id": post, "actor_id": people[0]} for user, post in marks]
        self._add(Notification, told, kind="like")
        self._add(Notification, [row | {"post_id": None} for row in told], kind="follow")
        self._add(PostVersion, [{"post_id": post} for post in posts[::10]], text="Before", written_at=self._at)
        about = [{"user_id": user, "post_id": post} for user, post in marks[::10]]
        self._add(Report, about, reporter_id=people[0], reason="spam", decided_at=self._at, decision="hide")
        self._add(ModerationAction, about, moderator_id=people[0], action="hide")
        return people, posts

    def cast(self, many: int, fans: Sequence[int], theirs: Sequence[int]) -> None:
        """The members whose lists are asked for. Of what there is a lot of, there is `many`; `fans` wrote `theirs`."""
        names = ("quiet", "answering", "speaking", "busy", "regretful")
        quiet, answering, speaking, busy, regretful = self.members(*names)
        fond, follower, parted, *silent = self.members("fond", "follower", "parted", "silent", "mute", "still")
        self.members("mod", role="moderator")
        self.quiet, (self.first,) = quiet, self._write([quiet], 1)
        self._add(PostTag, [{"tag": SELDOM, "post_id": self.first}])
        self._write([regretful], 1, deleted_at=self._at)
        self._write([answering], many, answers=1, to=self.first)
        self._write([speaking], many)
        (self.popular,) = self._write(fans[1:2], 1, replies_count=many)
        self._write([busy, regretful], 2 * many, answers=3)
        self._write(fans, many, answers=1, to=self.popular)
        for user in (fond, busy):
            for table in (Like, Bookmark):
                self._pairs(table, "user_id", "post_id", [(user, post) for post in theirs[:many]])
        told = [{"post_id": post, "actor_id": fans[0]} for post in theirs[:many]]
        self._add(Notification, told, user_id=busy, kind="like")
        self._add(Notification, told[:1], user_id=quiet, kind="like")
        self._meet([(follower, one) for one in silent], Follow)
        self._meet([(busy, fan) for fan in fans] + [(fan, busy) for fan in fans], Follow)
        disliked = self.members(*(f"disliked{number}" for number in range(many)))
        self._meet([(speaking, one) for one in disliked] + [(parted, busy)], Block, Mute)
        self._add(PostVersion, [{"post_id": self.first, "text": "Before", "written_at": self._at}])
        about = [{"user_id": quiet, "post_id": self.first}]
        self._add(Report, about, reporter_id=fond, reason="spam")
        self._add(ModerationAction, about, moderator_id=fond, action="hide")

    def tidy(self) -> None:
        """The index of words in one piece: in how many it lies is chance, and each is looked into."""
        for table in ("search_posts", "search_people"):
            self._connection.exec_driver_sql(f"INSERT INTO {table}({table}) VALUES ('optimize')")
