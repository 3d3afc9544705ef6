"""One backup, while the site runs."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import make_url

from microblog.backups import archive, postgresql, sqlite
from microblog.config.settings import Settings
from microblog.log import events

log = structlog.get_logger(__name__)

MAKING, RESTORING = ".making-", ".restoring-"
"""The names of the folders in which a backup and a restore work begin with these."""


def make(settings: Settings, directory: Path, *, keep: int) -> Path:
    """Write one backup into `directory`, then remove all but the newest `keep`; its path.

    Others may do so at the same time, here or on another machine: each leaves a file of its own, and none removes one
    that appeared meanwhile. Raises BackupFailed and OSError, leaving the older ones alone and nothing half-made.
    """
    started = time.perf_counter()
    archive.clear(directory, MAKING)
    archive.clear(settings.data_dir, RESTORING)
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    older = archive.found(directory)
    target = _write(settings, directory)
    size = target.stat().st_size
    removed = archive.prune(older, keep - 1)
    log.info(
        events.BACKUP_FINISHED,
        path=str(target),
        bytes=size,
        ms=round((time.perf_counter() - started) * 1000),
        removed=len(removed),
    )
    return target


def _write(settings: Settings, directory: Path) -> Path:
    url = make_url(settings.database_url)
    kind = url.get_backend_name()
    moment = datetime.now(UTC)
    pictures = settings.data_dir / "avatars"
    with tempfile.TemporaryDirectory(dir=directory, prefix=MAKING) as made:
        folder = Path(made)
        copy = folder / archive.DATABASES[kind]
        rows: dict[str, int] = {}
        # Before and after: whatever the copy of the database names was there at one of the two moments.
        archive.copy_pictures(pictures, folder / "avatars")
        if kind == "sqlite":
            sqlite.dump(Path(url.database or ""), copy)
            revisions, rows = sqlite.examine(copy)
        else:
            postgresql.dump(url, copy)
            revisions = postgresql.revisions(url)
        manifest = archive.Manifest(
            kind=kind,
            made_at=moment.isoformat(timespec="seconds"),
            revisions=revisions,
            sha256=archive.digest(copy),
            rows=rows,
            pictures=archive.copy_pictures(pictures, folder / "avatars"),
        )
        return archive.give_name(archive.write(manifest, folder), directory, moment)
