"""Members by number and by name, for commands that read the log: asked of the database if it can be asked."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from microblog.config.settings import Settings
from microblog.db.engine import engine_options
from microblog.models.user import FormerUsername, User
from microblog.models.usernames import username_key


@dataclass(frozen=True)
class Person:
    """Whom a record may name: by number, by the name now (the first) and by names before."""

    id: int | None = None
    names: tuple[str, ...] = field(default_factory=tuple)
    asked: bool = True
    """Whether the database could be asked."""

    def __str__(self) -> str:
        number = f"member {self.id}" if self.id is not None else ""
        return f"{self.names[0]} ({number})" if self.names and number else number or ", ".join(self.names)


def person(settings: Settings, text: str) -> Person:
    """The member with this number or name, now or formerly; what is not known stays empty. Never fails."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    try:
        engine = create_engine(settings.database_url, **engine_options(settings.database_url, 1, create=False))
        try:
            with engine.connect() as connection:
                return _asked(connection, text, number)
        finally:
            engine.dispose()
    except (SQLAlchemyError, OSError):
        return Person(number, () if number is not None else (text,), asked=False)


def _asked(connection: Connection, text: str, number: int | None) -> Person:
    now = select(User.id, User.username)
    former = select(FormerUsername.user_id)
    key = username_key(text)
    row = connection.execute(now.where(User.username_key == key)).first()
    if row is None and number is not None:
        row = connection.execute(now.where(User.id == number)).first()
    if row is None and (owner := connection.scalar(former.where(FormerUsername.username_key == key))) is not None:
        row = connection.execute(now.where(User.id == owner)).first()
    if row is None:
        return Person(number, () if number is not None else (text,))
    before = connection.scalars(select(FormerUsername.username).where(FormerUsername.user_id == row.id))
    return Person(row.id, (row.username, *before))
