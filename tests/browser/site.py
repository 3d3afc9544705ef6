"""The site that browsers visit: patient with many people from one address, and its database can be read and changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from microblog.db import search_words
from tests.support.site import Site

MANY_FROM_ONE_ADDRESS = {
    "MICROBLOG_SERVER__WORKERS": "2",
    "MICROBLOG_SERVER__THREADS": "4",
    "MICROBLOG_SECURITY__REGISTRATIONS": "1000",
    "MICROBLOG_SECURITY__LOGIN_ATTEMPTS": "100",
}


class VisitedSite(Site):
    """A site on SQLite, with data and log in `folder`."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        super().__init__(folder, *words, **MANY_FROM_ONE_ADDRESS | variables)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else holds the database's only lock for writing."""
        with closing(sqlite3.connect(self.folder / "microblog.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def log_text(self) -> str:
        """Everything in the log, as it stands there."""
        return "".join(path.read_text("utf-8") for path in (self.folder / "logs").iterdir() if path.is_file())

    def stored(self, statement: str, *values: Any) -> Any:
        """The first value of the first row in the database; also changes it."""
        with closing(sqlite3.connect(self.folder / "microblog.db", timeout=30)) as connection, connection:
            connection.create_function("search_words", 1, search_words.indexed, deterministic=True)
            row = connection.execute(statement, values).fetchone()
        return row[0] if row else None

    def profile(self, username: str, field: str) -> Any:
        return self.stored(f"SELECT {field} FROM users WHERE username = ?", username)  # field: from the test itself

    def edited_elsewhere(self, username: str, field: str, text: str) -> None:
        """`field` saved by its owner in another tab, at 14:02."""
        self.stored(
            f"UPDATE users SET {field} = ?, version = version + 1, edits = json_object('{field}', "
            "json_array(version + 1, '2026-11-21T14:02:00+00:00')) WHERE username = ?",
            text,
            username,
        )


@contextmanager
def debug_site(folder: Path) -> Iterator[VisitedSite]:
    """In debug mode, as a developer starts it who wants to see what members see."""
    with VisitedSite(folder, "--debug", "--show-error-pages", "--no-reload") as running:
        yield running
