"""Back to a backup: all of it or nothing, and what was there is kept."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from microblog.backups import BackupFailed, archive, make, postgresql, sqlite
from microblog.config.settings import ROOT, Settings
from microblog.db import in_use
from microblog.log import events

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Restored:
    """What was put back, and where the database is that was there; `behind`: the next start brings it up."""

    manifest: archive.Manifest
    aside: Path | None
    behind: bool


def restore(settings: Settings, file: Path) -> Restored:
    """Replace the database by the one in `file`, and add its pictures to those that are there.

    Raises BackupFailed, with nothing changed, while the site runs, for a damaged file, one of another kind of
    database, or one whose tables this code does not know; and OSError.
    """
    settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    claim = in_use.claim(settings)
    if claim is None:
        raise BackupFailed("The site is running: stop it, restore, start it again.")
    try:
        archive.clear(settings.data_dir, make.RESTORING, seconds=0)  # with the claim we are alone
        # On the disk of the data, so that what is ready takes its place by one rename.
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=make.RESTORING) as made:
            return _restore(settings, file, Path(made))
    finally:
        os.close(claim)


def _restore(settings: Settings, file: Path, folder: Path) -> Restored:
    url = make_url(settings.database_url)
    with archive.opened(file, into=folder) as (manifest, _):
        pass
    if manifest.kind != url.get_backend_name():
        raise BackupFailed(f"{file} holds a database of {manifest.kind}, and database.url names {url.drivername}.")
    copy = folder / archive.DATABASES[manifest.kind]
    if manifest.kind == "sqlite":
        revisions, _ = sqlite.examine(copy)
        if revisions != manifest.revisions:
            raise BackupFailed(f"{file} says of itself what is not so; take another one.")
    behind = _is_behind(manifest.revisions, file)

    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    if manifest.kind == "postgresql":
        postgresql.refuse_if_used(url)
    # Pictures first: they harm nobody, and a database must not name any that are not there.
    archive.copy_pictures(folder / "avatars", settings.data_dir / "avatars")
    if manifest.kind == "sqlite":
        database = Path(url.database or "")
        aside = _file_aside(database, database.parent / f"before-restore-{moment}")
        sqlite.put(copy, database)
    else:
        aside = make.make(settings, settings.backup_dir / f"before-restore-{moment}", keep=1)
        postgresql.put(copy, url)
    log.info(events.BACKUP_RESTORED, path=str(file), aside=str(aside or ""), made_at=manifest.made_at)
    return Restored(manifest, aside, behind)


def _file_aside(database: Path, folder: Path) -> Path | None:
    folder.mkdir(mode=0o750)
    try:
        return folder if sqlite.set_aside(database, folder) else None
    finally:
        with suppress(OSError):  # something is in it
            folder.rmdir()


def _is_behind(revisions: list[str], file: Path) -> bool:
    """Whether the next start has to migrate. Raises BackupFailed for the tables of a later release."""
    script = ScriptDirectory(str(ROOT / "migrations"))
    known = {revision.revision for revision in script.walk_revisions()}
    if strange := set(revisions) - known:
        raise BackupFailed(
            f"{file} was made by a later release: its tables are at version {', '.join(sorted(strange))}, which this "
            "code does not know. Install that release, then restore."
        )
    return set(revisions) != set(script.get_heads())
