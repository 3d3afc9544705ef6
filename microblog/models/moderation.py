"""What members report, and what moderators did about it: one row for every report, one for every decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, select, update
from sqlalchemy.orm import Mapped, aliased, contains_eager, mapped_column, relationship

from microblog.extensions import db, settings
from microblog.models import throttle
from microblog.models.columns import UtcDateTime, now
from microblog.models.errors import DomainError, Nobody, NotYours
from microblog.models.notification import Notification
from microblog.models.post import Post
from microblog.models.session import Session
from microblog.models.user import User, Viewer

REASONS = {
    "spam": "Spam or advertising",
    "harassment": "Harassment or hate",
    "violence": "Violence or a threat",
    "private": "Somebody's private matters",
    "other": "Something else",
}
UNDO = {"hide": "unhide", "unhide": "hide", "suspend": "lift", "lift": "suspend"}
SHELL = 0
"""The moderator of what was done by `manage.py`: whoever sits at the machine."""
PAGE = 30
HOUR = timedelta(hours=1)


class Report(db.Model):  # type: ignore[name-defined,misc]
    """A member finds that a post, or another member (no post), is against the rules."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_decided_at_id", "decided_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None]
    decision: Mapped[str] = mapped_column(String(20), default="")

    reporter: Mapped[User | None] = relationship(foreign_keys=[reporter_id])
    person: Mapped[User] = relationship(foreign_keys=[user_id])
    post: Mapped[Post | None] = relationship()

    # Queries

    @classmethod
    def about(cls, user_id: int, post_id: int | None) -> ColumnElement[bool]:
        """Of one subject: a post, or a member as a whole."""
        return (cls.user_id == user_id) & (cls.post_id == post_id)

    @classmethod
    def opened(cls) -> Select[Self]:
        """What nobody has decided yet, the oldest first, with everybody and everything it names."""
        reporter = aliased(User)
        return (
            select(cls)
            .join(cls.person)
            .outerjoin(cls.reporter.of_type(reporter))
            .outerjoin(cls.post)
            .options(contains_eager(cls.person), contains_eager(cls.reporter.of_type(reporter)))
            .options(contains_eager(cls.post))
            .where(cls.decided_at.is_(None))
            .order_by(cls.id)
        )

    @classmethod
    def oldest(cls, post: Post) -> Self | None:
        """The first report of the post that nobody has decided yet."""
        return db.session.scalar(cls.opened().where(cls.about(post.author_id, post.id)).limit(1))

    @staticmethod
    def opens(post: Post, oldest: "Report | None") -> bool:
        """True if moderators may read the post; `oldest` is its first open report.

        What its author has deleted is for the author alone, but for a report from before: deleting is no way out of it.
        """
        return post.deleted_at is None or (oldest is not None and oldest.created_at <= post.deleted_at)

    # Verbs

    @classmethod
    def file(cls, reporter_id: int, person: User, post: Post | None, *, reason: str, note: str) -> bool:
        """Tell the moderators; False where this member has done so already and nobody has decided yet.

        Needs `writing`. Raises TooFast.
        """
        if reporter_id == person.id:
            raise DomainError("This is yourself: it only works with other members.")
        # Two of the same at once wait for each other here.
        db.session.scalar(select(User.id).where(User.id == reporter_id).with_for_update(key_share=True))
        post_id = post.id if post else None
        same = select(cls.id).where(cls.reporter_id == reporter_id, cls.about(person.id, post_id))
        if db.session.scalar(same.where(cls.decided_at.is_(None)).limit(1)):
            return False
        key = f"report:{reporter_id}"
        throttle.check(key, limit=settings().security.reports, message="You have reported very much in an hour.")
        throttle.count(key, window=HOUR)
        db.session.add(cls(reporter_id=reporter_id, user_id=person.id, post_id=post_id, reason=reason, note=note))
        return True


@dataclass(frozen=True)
class Case:
    """What is open about one subject; `reports` has the oldest first."""

    reports: list[Report]

    @property
    def person(self) -> User:
        return self.reports[0].person

    @property
    def post(self) -> Post | None:
        return self.reports[0].post

    @property
    def id(self) -> int:
        return self.reports[0].id

    @property
    def is_readable(self) -> bool:
        """True if moderators may read the post."""
        return self.post is not None and Report.opens(self.post, self.reports[0])

    @property
    def until(self) -> int:
        """The newest of them: what comes later is not decided with these."""
        return self.reports[-1].id


def cases(after: int = 0) -> tuple[list[Case], int]:
    """Open reports by subject, and where the next page begins; 0 where there is none. One statement."""
    found: Sequence[Report] = db.session.scalars(Report.opened().where(Report.id > after).limit(PAGE + 1)).all()
    subjects: dict[tuple[int, int | None], list[Report]] = {}
    for report in found[:PAGE]:
        subjects.setdefault((report.user_id, report.post_id), []).append(report)
    return [Case(reports) for reports in subjects.values()], found[PAGE - 1].id if len(found) > PAGE else 0


class ModerationAction(db.Model):  # type: ignore[name-defined,misc]
    """The audit trail: who decided what about whom, and why. Never changed, never removed."""

    __tablename__ = "moderation_actions"

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int] = mapped_column(index=True)
    post_id: Mapped[int | None]
    report_id: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @classmethod
    def trail(cls, *, user_id: int | None = None) -> Select[Self, str, str]:
        """Every decision, or those about one member, the latest first, with the names of both where they are here."""
        by, about = aliased(User), aliased(User)
        statement = (
            select(cls, by.username.label("by"), about.username.label("about"))
            .outerjoin(by, by.id == cls.moderator_id)
            .outerjoin(about, about.id == cls.user_id)
            .order_by(cls.id.desc())
        )
        return statement if user_id is None else statement.where(cls.user_id == user_id)

    @classmethod
    def latest(cls, action: str, user_id: int, post_id: int | None) -> Self | None:
        """The last such decision about this member, also one for a post of theirs; with `post_id` about that post."""
        such = select(cls).where(cls.action == action, cls.user_id == user_id).order_by(cls.id.desc()).limit(1)
        return db.session.scalar(such if post_id is None else such.where(cls.post_id == post_id))


@dataclass(frozen=True)
class Decision:
    """Who decides about whom, and why; `until` is the newest report that they have read of it.

    With `undo` it takes back the decision before, and the reports that were closed by that are open again.
    """

    moderator: Viewer | None  # None: whoever sits at the machine
    person: User
    post: Post | None = None
    note: str = ""
    until: int = 0
    undo: bool = False

    # Verbs: each may be repeated, returns whether it changed anything, and needs `writing`.

    def dismiss(self) -> bool:
        """The reports are unfounded, or nothing has to be done."""
        if self.moderator and self.moderator.id == self.person.id:
            raise NotYours("Nobody decides about themselves. Another moderator can.")
        return self._close("dismiss")

    def hide(self) -> bool:
        """Nobody but moderators reads the post any more."""
        return self._set_hidden(now())

    def unhide(self) -> bool:
        """Everybody may read it again."""
        return self._set_hidden(None)

    def suspend(self) -> bool:
        """They can neither sign in nor write, are signed out everywhere, and what they wrote and did is not shown."""
        self._refuse_oneself_and_administrators()
        there = User.suspended_at.is_(None)
        if not self._changed(update(User).where(User.id == self.person.id, there).values(suspended_at=now())):
            return False
        Session.end_all(self.person)
        Notification.reconsider(actor_id=self.person.id)
        return self._done("suspend")

    def lift(self) -> bool:
        """They may sign in again, and everything of theirs is shown again."""
        self._refuse_oneself_and_administrators()
        there = User.suspended_at.is_not(None)
        changed = self._changed(update(User).where(User.id == self.person.id, there).values(suspended_at=None))
        if not changed:
            return False
        Notification.reconsider(actor_id=self.person.id)
        return self._done("lift")

    def _set_hidden(self, moment: datetime | None) -> bool:
        self._refuse_oneself_and_administrators()
        if self.post is None:
            raise Nobody("This post is not here any more.")
        other = Post.hidden_at.is_(None) if moment else Post.hidden_at.is_not(None)
        # Not through the row: its version is for those who edit the text.
        changed = self._changed(update(Post).where(Post.id == self.post.id, other).values(hidden_at=moment))
        if not changed:
            return False
        Notification.reconsider(post_id=self.post.id)
        return self._done("hide" if moment else "unhide")

    def _refuse_oneself_and_administrators(self) -> None:
        if self.moderator and self.moderator.id == self.person.id:
            raise NotYours("Nobody decides about themselves. Another moderator can.")
        if self.person.role == "administrator":
            raise NotYours("Nobody decides about an administrator.")

    def _changed(self, statement: Any) -> bool:
        return bool(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def _done(self, action: str) -> bool:
        if not self._close(action):
            self._note(action, now(), self._post_id)
        if self.undo:
            self._reopen(UNDO[action])
        return True

    def _close(self, action: str) -> bool:
        """Decide the reports about the subject that were read, and write it down; False where there are none."""
        about, moment = Report.about(self.person.id, self._post_id), now()
        open_ones = update(Report).where(about, Report.decided_at.is_(None), Report.id <= self.until)
        values = {"decided_at": moment, "decided_by": self._by, "decision": action}
        closed = db.session.scalars(open_ones.values(values).returning(Report.id)).all()
        if closed:
            self._note(action, moment, self._post_id, min(closed))
        return bool(closed)

    def _reopen(self, action: str) -> None:
        """Open again what the last such decision has closed: the moment of both is the same."""
        last = ModerationAction.latest(action, self.person.id, self._post_id)
        if last is None:
            return
        closed = update(Report).where(
            Report.about(last.user_id, last.post_id), Report.decision == action, Report.decided_at == last.created_at
        )
        values = {"decided_at": None, "decided_by": None, "decision": ""}
        reopened = db.session.scalars(closed.values(values).returning(Report.id)).all()
        if reopened:
            self._note("reopen", now(), last.post_id, min(reopened))

    def _note(self, action: str, moment: datetime, post_id: int | None, report_id: int | None = None) -> None:
        about = {"user_id": self.person.id, "post_id": post_id, "report_id": report_id, "created_at": moment}
        db.session.add(ModerationAction(moderator_id=self._by, action=action, note=self.note, **about))

    @property
    def _post_id(self) -> int | None:
        return self.post.id if self.post else None

    @property
    def _by(self) -> int:
        return self.moderator.id if self.moderator else SHELL
