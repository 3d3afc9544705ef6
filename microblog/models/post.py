"""What members write: posts, what they said before, and whom and what they mention."""

from datetime import datetime, timedelta
from typing import Literal, Self

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value

from microblog.extensions import db, settings
from microblog.models import throttle
from microblog.models.columns import UtcDateTime, now, rare, some
from microblog.models.errors import Stale
from microblog.models.notification import Notification
from microblog.models.post_text import mentioned, tags
from microblog.models.post_version import PostVersion
from microblog.models.relation import Who, blocked, muted
from microblog.models.user import User

YOU_DELETED = "You have deleted this post."
THEY_DELETED = "Its author has deleted this post."
TAKEN_AWAY = "A moderator has taken this post away."

KEPT_FOR = timedelta(days=30)
"""For so long a deleted post can be brought back."""

SWEPT_EVERY, PURGED_AT_ONCE = 16, 500
"""One new post in so many removes what was deleted long ago; so many at most, for the others wait meanwhile."""

MENTIONS = 10
"""So many people a post can call, however often it is edited; further names are only links."""

TOO_FAST = {
    "posts": "You have written very much in a short time.",
    "edits": "You have changed your posts very often in a short time.",
}

_SEEN = (User.username, User.display_name, User.avatar, User.suspended_at)
"""What is seen of an author beside a post."""


class Post(db.Model):  # type: ignore[name-defined,misc]
    """One post. Deleted by its author or hidden by a moderator it keeps its place in a thread, without its words."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_author_id_id", "author_id", "id"),  # docs/posts.md says which list asks which index
        some("ix_posts_author_id_id_begun", "author_id", "id", where="reply_to_id IS NULL"),
        some("ix_posts_author_id_id_answers", "author_id", "id", where="reply_to_id IS NOT NULL"),
        some("ix_posts_author_id_id_deleted", "author_id", "id", where="deleted_at IS NOT NULL"),
        some("ix_posts_id_begun", "id", where="reply_to_id IS NULL"),
        some("ix_posts_reply_to_id_id", "reply_to_id", "id", where="reply_to_id IS NOT NULL"),
        some("ix_posts_reply_to_id_author_id", "reply_to_id", "author_id", where="reply_to_id IS NOT NULL"),
        Index("ix_posts_thread_id_id", "thread_id", "id"),
        rare("ix_posts_deleted_at", "deleted_at"),
        {"sqlite_autoincrement": True},  # a number is never used twice: addresses and feeds name posts by it
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(String(20000))
    language: Mapped[str] = mapped_column(String(35), default="")
    # The first post of the conversation; its own number for one that begins a conversation. No foreign keys: what was
    # answered may be gone for good, and the answer stays.
    thread_id: Mapped[int | None]
    reply_to_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
    # Counted with the row, so that no page counts.
    likes_count: Mapped[int] = mapped_column(default=0)
    replies_count: Mapped[int] = mapped_column(default=0)

    author: Mapped[User] = relationship()

    __mapper_args__ = {"version_id_col": version}

    # Queries

    @classmethod
    def shown_to(cls, viewer_id: int | None) -> Select[Self]:
        """The posts that this viewer may read, with authors; pages read plain values (models/shown.py)."""
        author = contains_eager(cls.author).load_only(*_SEEN)  # the rest is for their profile
        statement = select(cls).join(cls.author).options(author)
        return statement.where(*cls.readable(viewer_id))

    @classmethod
    def deleted_by(cls, author_id: int, before: int) -> Select[Self]:
        """What they have deleted and may bring back, the newest post first, below number `before`."""
        theirs = select(cls).where(cls.author_id == author_id, cls.deleted_at.is_not(None), cls.hidden_at.is_(None))
        return theirs.where(cls.id < before).order_by(cls.id.desc())

    @property
    def kept_until(self) -> datetime | None:
        """When one that was deleted may go for good; None of one that was not."""
        return self.deleted_at and self.deleted_at + KEPT_FOR

    @classmethod
    def readable(cls, viewer_id: Who | None) -> list[ColumnElement[bool]]:
        """The conditions of `shown_to`, where `users` is joined: there, not hidden, and nobody has blocked anybody."""
        conditions: list[ColumnElement[bool]] = [
            column.is_(None) for column in (cls.deleted_at, cls.hidden_at, User.suspended_at)
        ]
        if viewer_id is not None:
            conditions.append(~blocked(viewer_id, cls.author_id))
        return conditions

    @classmethod
    def welcome(cls, viewer_id: Who | None) -> ColumnElement[bool]:
        """What a timeline, a search and a notification leave out besides: those whom the viewer has muted."""
        return literal(value=True) if viewer_id is None else ~muted(viewer_id, cls.author_id)

    # Verbs; all need `writing`

    @classmethod
    def write(cls, author: User, text: str, *, language: str = "", reply_to: Self | None = None) -> Self:
        """A new post of `author`, perhaps an answer to `reply_to`, which they may read; whoever it concerns is told."""
        post = cls(author_id=author.id, text=text, language=language)
        if reply_to is not None:
            post.reply_to_id, post.thread_id = reply_to.id, reply_to.thread_id or reply_to.id
        db.session.add(post)
        db.session.flush()
        told: set[int] = set()
        if reply_to is None:
            post._set(thread_id=post.id)  # not through the row: this is no second version of it
        else:
            cls._count(reply_to.id, replies_count=1)
            if Notification.tell(reply_to.author_id, "reply", actor_id=author.id, post_id=post.id):
                told.add(reply_to.author_id)
        post._connect(told=told)
        if post.id % SWEPT_EVERY == 0:
            cls.purge()
        return post

    @classmethod
    def pace(cls, author_id: int, what: Literal["posts", "edits"] = "posts") -> None:
        """Count one more post of theirs, or one more edit. Raises TooFast."""
        key, limit = f"{what}:{author_id}", settings().posts.per_five_minutes
        throttle.check(key, limit=limit, message=TOO_FAST[what])
        throttle.count(key, window=timedelta(minutes=5))

    def edit(self, text: str, *, language: str, seen_version: int) -> bool:
        """Say something else; what it said before is kept for everybody to read. False where nothing is different.

        Raises Stale when the text was changed since `seen_version`, unless to the same, and TooFast.
        """
        if (text, language) == (self.text, self.language):
            return False
        if seen_version != self.version:
            raise Stale("This post was changed in another tab or on another device meanwhile.")
        self.pace(self.author_id, "edits")
        was_mentioned = self._mentioned()
        written_at = self.edited_at or self.created_at
        db.session.add(PostVersion(post_id=self.id, text=self.text, language=self.language, written_at=written_at))
        self.text, self.language, self.edited_at = text, language, now()
        db.session.flush()
        PostVersion.trim(self.id)
        db.session.execute(delete(PostTag).where(PostTag.post_id == self.id))
        db.session.execute(delete(Mention).where(Mention.post_id == self.id))
        self._connect(told=was_mentioned)
        return True

    def delete(self) -> bool:
        """Take it away, for good after 30 days. False where it was away already."""
        return self._move(away=True)

    def restore(self) -> bool:
        """Undo `delete`. False where it was here already."""
        return self._move(away=False)

    def like(self, user_id: int) -> bool:
        """False where `user_id` likes it already; so for the other three."""
        added = self._mark(Like, user_id)
        if added:
            self._count(self.id, likes_count=1)
            Notification.tell(self.author_id, "like", actor_id=user_id, post_id=self.id)
        return added

    def unlike(self, user_id: int) -> bool:
        removed = self._unmark(Like, user_id)
        if removed:
            self._count(self.id, likes_count=-1)
        return removed

    def bookmark(self, user_id: int) -> bool:
        return self._mark(Bookmark, user_id)

    def unbookmark(self, user_id: int) -> bool:
        return self._unmark(Bookmark, user_id)

    @classmethod
    def purge(cls) -> int:
        """Remove for good what was deleted longer ago than it can be brought back; a batch. How many these were."""
        old = select(cls.id).where(cls.deleted_at < now() - KEPT_FOR).order_by(cls.deleted_at).limit(PURGED_AT_ONCE)
        gone = delete(cls).where(cls.id.in_(old)).returning(cls.id)
        return len(db.session.scalars(gone, execution_options={"synchronize_session": False}).all())

    # The steps of the verbs

    def _set(self, **values: object) -> None:
        """Change columns without making another version: that is for those who edit the text."""
        db.session.execute(
            update(Post).where(Post.id == self.id).values(**values), execution_options={"synchronize_session": False}
        )
        for name, value in values.items():
            set_committed_value(self, name, value)

    @classmethod
    def _count(cls, post_id: int, **steps: int) -> None:
        counted = {name: getattr(cls, name) + step for name, step in steps.items()}
        statement = update(cls).where(cls.id == post_id).values(counted)
        db.session.execute(statement, execution_options={"synchronize_session": False})

    def _move(self, *, away: bool) -> bool:
        if (self.deleted_at is not None) == away:
            return False
        self._set(deleted_at=now() if away else None)
        if self.reply_to_id is not None:
            self._count(self.reply_to_id, replies_count=-1 if away else 1)
        Notification.reconsider(post_id=self.id)
        return True

    def _mark(self, kind: type["Like | Bookmark"], user_id: int) -> bool:
        insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
        statement = insert(kind).values(user_id=user_id, post_id=self.id, created_at=now()).on_conflict_do_nothing()
        return db.session.execute(statement.returning(kind.id)).first() is not None

    def _unmark(self, kind: type["Like | Bookmark"], user_id: int) -> bool:
        mine = delete(kind).where(kind.user_id == user_id, kind.post_id == self.id)
        return db.session.execute(mine.returning(kind.id)).first() is not None

    def _mentioned(self) -> set[int]:
        return set(db.session.scalars(select(Mention.user_id).where(Mention.post_id == self.id)))

    def _connect(self, *, told: set[int]) -> None:
        """Note the tags and mentions of the text, and tell whoever is mentioned and not among `told`.

        MENTIONS people in all: whoever edits a post again and again cannot call one after the other.
        """
        db.session.add_all(PostTag(tag=tag, post_id=self.id) for tag in tags(self.text))
        if names := mentioned(self.text)[:MENTIONS]:
            people = select(User.id).where(User.username_key.in_(names), ~blocked(self.author_id, User.id))
            called = Notification.count("mention", post_id=self.id)
            for user_id in db.session.scalars(people.order_by(User.id)).all():  # in one order: no deadlock
                db.session.add(Mention(user_id=user_id, post_id=self.id))
                if user_id not in told and called < MENTIONS:
                    called += Notification.tell(user_id, "mention", actor_id=self.author_id, post_id=self.id)
        db.session.flush()


class PostTag(db.Model):  # type: ignore[name-defined,misc]
    """A post speaks of a #tag; `tag` is casefolded."""

    __tablename__ = "post_tags"

    tag: Mapped[str] = mapped_column(String(100), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True)


class Mention(db.Model):  # type: ignore[name-defined,misc]
    """A post names a member."""

    __tablename__ = "mentions"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True)


class Like(db.Model):  # type: ignore[name-defined,misc]
    """A member likes a post."""

    __tablename__ = "likes"
    __table_args__ = (
        Index("ix_likes_post_id_id", "post_id", "id"),
        Index("ix_likes_user_id_id", "user_id", "id"),
        Index("uq_likes_pair", "user_id", "post_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Bookmark(db.Model):  # type: ignore[name-defined,misc]
    """A member keeps a post; nobody else is told."""

    __tablename__ = "bookmarks"
    __table_args__ = (
        Index("ix_bookmarks_user_id_id", "user_id", "id"),
        Index("uq_bookmarks_pair", "user_id", "post_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
