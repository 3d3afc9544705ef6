"""PostgreSQL, by its own pg_dump and psql."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from microblog.backups import BackupFailed

_EMPTY = """DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE 'DROP TABLE IF EXISTS ' || found.name || ' CASCADE';
  END LOOP;
END $$;
"""
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def _program(name: str) -> str:
    """Where the program is; the newest where there are several. Raises BackupFailed."""
    versions = sorted(
        (path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.parts[4].isdigit()),
        key=lambda path: int(path.parts[4]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise BackupFailed(f"{name} is not here: install PostgreSQL's client (Debian: apt install postgresql-client).")
    return found


def _environment(url: URL) -> dict[str, str]:
    """The address for libpq; the password must not stand in a command line, which everybody on the machine can read."""
    query = {f"PG{name.upper()}": str(value) for name, value in url.query.items() if name == "sslmode"}
    host = url.host or url.query.get("host")
    given = {"PGHOST": host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    return (
        {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        | query
        | {name: str(value) for name, value in given.items() if value}
        | {"PGDATABASE": url.database or "", "PGCONNECT_TIMEOUT": "10"}
    )


def _run(url: URL, command: list[str], *, feed: bytes | None = None) -> bytes:
    # The commands are ours; nothing in them comes from a request.
    ran = subprocess.run(command, env=_environment(url), input=feed, capture_output=True, check=False)  # noqa: S603
    if ran.returncode:
        said = " ".join(ran.stderr.decode(errors="replace").split())[:300]
        raise BackupFailed(f"{Path(command[0]).name} failed: {said or ran.returncode}.")
    return ran.stdout


def dump(url: URL, target: Path) -> None:
    """Copy the database as it is at one moment. Raises BackupFailed."""
    _run(url, [_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])
    _run(url, [_program("pg_restore"), "--list", str(target)])  # whether the file can be read


def revisions(url: URL) -> list[str]:
    """The version of the tables. Raises BackupFailed."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return sorted(connection.scalars(text("SELECT version_num FROM alembic_version")))
    except SQLAlchemyError as error:
        raise BackupFailed(f"The database cannot be read: {getattr(error, 'orig', error)}.") from error
    finally:
        engine.dispose()


def refuse_if_used(url: URL) -> None:
    """Raises BackupFailed where anybody else is connected, on whatever machine."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            others = connection.scalar(text(_OTHERS))
    except SQLAlchemyError as error:
        raise BackupFailed(f"The database does not answer: {getattr(error, 'orig', error)}.") from error
    finally:
        engine.dispose()
    if others:
        raise BackupFailed(f"The database is in use ({others} connections): stop the site on every machine first.")


def put(copy: Path, url: URL) -> None:
    """Replace what the database holds by `copy`, in one transaction: all of it or nothing. Raises BackupFailed."""
    script = _run(url, [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(copy)])
    psql = [_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]
    _run(url, psql, feed=_EMPTY.encode() + script)
