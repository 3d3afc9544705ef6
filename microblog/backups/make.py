"""One backup, while the site runs."""

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import make_url

from microblog.backups import archive, postgresql, sqlite
from microblog.config import Settings
from microblog.logs import events

log = structlog.get_logger(__name__)

STALE = 86_400
"""Seconds after which nobody is still at work on a backup."""


def make(settings: Settings, directory: Path, *, keep: int) -> Path:
    """Write one backup into `directory`, then remove all but the newest `keep`; its path.

    Raises BackupFailed and OSError, leaving the older ones alone and nothing half-made.
    """
    started = time.perf_counter()
    for left in directory.glob(".making-*"):  # by one that was killed
        if left.stat().st_mtime < time.time() - STALE:
            shutil.rmtree(left)
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    target = _write(settings, directory)
    removed = archive.prune(directory, keep)
    log.info(
        events.BACKUP_FINISHED,
        path=str(target),
        bytes=target.stat().st_size,
        ms=round((time.perf_counter() - started) * 1000),
        removed=len(removed),
    )
    return target


def _write(settings: Settings, directory: Path) -> Path:
    url = make_url(settings.database_url)
    kind = url.get_backend_name()
    moment = datetime.now(UTC)
    pictures = settings.data_dir / "avatars"
    with tempfile.TemporaryDirectory(dir=directory, prefix=".making-") as made:
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
        target = directory / f"microblog-{moment:%Y%m%dT%H%M%SZ}.tar.gz"
        archive.write(target, manifest, folder)
    return target
