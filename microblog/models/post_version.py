"""Earlier versions of posts: the newest of each post are kept, for everybody to read."""

from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, Select, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from microblog.extensions import db, settings
from microblog.models.columns import UtcDateTime


class PostVersion(db.Model):  # type: ignore[name-defined,misc]
    """A text that a post had before an edit."""

    __tablename__ = "post_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(String(20000))
    language: Mapped[str] = mapped_column(String(35), default="")
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def of(cls, post_id: int) -> Select[Self]:
        """All of one post, the latest first."""
        return select(cls).where(cls.post_id == post_id).order_by(cls.id.desc())

    @classmethod
    def trim(cls, post_id: int) -> None:
        """Remove the oldest, so that posts.versions_kept stay. Needs `writing`."""
        beyond = cls.of(post_id).with_only_columns(cls.id).offset(settings().posts.versions_kept).limit(1)
        oldest = delete(cls).where(cls.post_id == post_id, cls.id <= beyond.scalar_subquery())
        db.session.execute(oldest, execution_options={"synchronize_session": False})
