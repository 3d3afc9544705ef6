"""Posts as they lie in the database: what search and feeds read, whoever wrote it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from microblog.extensions import db, writing
from microblog.models import Post, PostTag
from microblog.models.user import User

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def said(app: Flask) -> Callable[..., int]:
    """A post: ``said(ana, "some words", tags=["garden"], hidden_at=…)``; its number. One minute after the other."""

    def write(author: User, text: str, *, tags: tuple[str, ...] = (), **values: Any) -> int:
        with app.app_context(), writing():
            post = Post(author_id=author.id, text=text, **values)
            db.session.add(post)
            db.session.flush()
            post.thread_id = values.get("thread_id", post.id)
            post.created_at = values.get("created_at", BEGAN + timedelta(minutes=post.id))
            db.session.add_all(PostTag(tag=tag, post_id=post.id) for tag in tags)
            number: int = post.id
            db.session.commit()
        return number

    return write


@pytest.fixture
def change(app: Flask) -> Callable[..., None]:
    """Change a post: ``change(number, text="other words")``."""

    def write(number: int, **values: Any) -> None:
        with app.app_context(), writing():
            post = db.session.get(Post, number)
            for name, value in values.items():
                setattr(post, name, value)
            db.session.commit()

    return write


@pytest.fixture
def statements(app: Flask) -> list[str]:
    """The SELECTs that were asked since it was cleared."""
    with app.app_context():
        engine = db.engine
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    return asked
