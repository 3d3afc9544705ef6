"""SQLite, copied while others write to it, and put back. Copying the file would miss what is still beside it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from microblog.backups import BackupFailed
from microblog.backups.archive import sync

_BESIDE = ("-wal", "-shm", "-journal")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def _connect(path: Path) -> sqlite3.Connection:
    # 10 seconds: nobody waits for a backup, and a copy needs no lock that a writer would hold for long.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=10, isolation_level=None)


def dump(database: Path, target: Path) -> None:
    """Copy `database` as it is at one moment, and look whether the copy is sound. Raises BackupFailed, OSError."""
    if not database.is_file():
        raise BackupFailed(f"There is no database at {database} yet; the first start of the site makes it.")
    try:
        with closing(_connect(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        examine(target)
    except sqlite3.Error as error:
        raise BackupFailed(f"{database} cannot be copied: {error}.") from error
    with target.open("rb") as file:
        os.fsync(file.fileno())


def examine(database: Path) -> tuple[list[str], dict[str, int]]:
    """The version of the tables and how many rows each has. Raises BackupFailed for a database that is damaged."""
    try:
        with closing(_connect(database)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            astray = connection.execute("PRAGMA foreign_key_check").fetchone()
            if said != "ok" or astray:
                raise BackupFailed(f"{database} is damaged ({said}{', rows point at nothing' if astray else ''}).")
            tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            names = [name for (name,) in connection.execute(tables).fetchall()]
            rows = {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - its own names
                for name in names
            }
            if "alembic_version" not in names:
                raise BackupFailed(f"{database} is a database of another program.")
            revisions = [revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error as error:
        raise BackupFailed(f"{database} is damaged: {error}.") from error
    return sorted(revisions), rows


def set_aside(database: Path, folder: Path) -> bool:
    """Have the present database in `folder` too, whole; whether there was one.

    Raises BackupFailed where another program has it open. At every moment there is a database under the old name.
    """
    if not database.exists():
        return False
    try:
        with closing(_connect(database)) as connection:
            connection.execute("PRAGMA busy_timeout=500")
            # Write-ahead mode can be left only by the last one who has the file open, and leaves one whole file.
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if not name.startswith(_DAMAGED):
            raise BackupFailed(
                f"{database} is in use: stop the site and whatever else has it open, then restore ({error})."
            ) from error
    # What is damaged goes aside as it is, with the files beside it: they would be taken for the new one's.
    for suffix in _BESIDE:
        beside = Path(f"{database}{suffix}")
        if beside.exists():
            beside.replace(folder / beside.name)
    os.link(database, folder / database.name)
    sync(folder)
    return True


def put(copy: Path, database: Path) -> None:
    """Make `copy`, which lies on the same disk, the database."""
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    copy.chmod(0o640)
    copy.replace(database)
    sync(database.parent)
