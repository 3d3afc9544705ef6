"""Posts as tests write them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from microblog.extensions import db, writing
from microblog.models import Follow, Post, User


@pytest.fixture
def write(app: Flask) -> Callable[..., int]:
    """Let somebody write: ``write(ana, "Hello", reply_to=number)``; the number of the post."""

    def make(author: User, text: str = "Hello", *, reply_to: int | None = None, **values: Any) -> int:
        with app.app_context(), writing():
            parent = db.session.get(Post, reply_to) if reply_to else None
            person = db.session.get(User, author.id)
            post = Post.write(person, text, language=values.pop("language", ""), reply_to=parent)
            for name, value in values.items():
                setattr(post, name, value)
            db.session.commit()
            return post.id

    return make


@pytest.fixture
def follow(app: Flask) -> Callable[[User, User], None]:
    def make(follower: User, followed: User) -> None:
        with app.app_context(), writing():
            db.session.add(Follow(follower_id=follower.id, followed_id=followed.id))
            db.session.commit()

    return make
