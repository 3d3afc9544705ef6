"""Somebody's session, as signing in makes it: a row of the table, the cookie that names it, and a token for forms."""

import secrets

import sqlalchemy as sa
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from microblog.extensions import db, writing
from microblog.models import Session, User


def signed_in(app: Flask, user: User | str) -> tuple[str, str]:
    """The cookie of a new session of `user`, and the token that its forms carry."""
    name = user if isinstance(user, str) else user.username
    with app.app_context(), writing(claims=False):
        member = db.session.scalars(sa.select(User).where(User.username == name)).one()
        kept = {
            "_user_id": Session.start(member),
            "_fresh": True,
            "member": member.id,
            "csrf_token": secrets.token_hex(20),
        }
        db.session.commit()
    cookie = app.session_interface.get_signing_serializer(app).dumps(kept)  # type: ignore[attr-defined]
    token = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(kept["csrf_token"])
    return str(cookie), str(token)
