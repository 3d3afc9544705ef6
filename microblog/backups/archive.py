"""The file of a backup: a compressed tar of backup.json, the database and the pictures. It appears whole or not at all.

backup.json stands first and tells the kind of database, the version of its tables, and what the others must hash to.
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from microblog.backups import BackupFailed

FORMAT = 1
MANIFEST = "backup.json"
DATABASES = {"sqlite": "microblog.db", "postgresql": "microblog.dump"}
NAME = re.compile(r"microblog-\d{8}T\d{6}Z\.tar\.gz")
_MEMBER = re.compile(r"microblog\.(db|dump)|avatars/[1-9][0-9]{0,18}/[0-9a-f]{16}\.webp")
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, KeyError, TypeError)
STALE = 86_400
"""Seconds after which nobody is still at work on a backup or a restore."""
_LEVEL = 3  # of compression: the pictures are compressed already, and the database at any level


@dataclass(frozen=True)
class Manifest:
    """What the file holds. `revisions` is the version of the tables, `rows` counts them where that was possible."""

    kind: str
    made_at: str
    revisions: list[str]
    sha256: str
    rows: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
    format: int = FORMAT


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(manifest: Manifest, folder: Path) -> Path:
    """Pack the database and the pictures that lie in `folder`, which is one's own, and read all of it back; the draft.

    Raises OSError and BackupFailed.
    """
    draft = folder / "draft"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as tar:
            told = json.dumps(asdict(manifest), indent=1).encode()
            first = tarfile.TarInfo(MANIFEST)
            first.size, first.mode = len(told), 0o600
            tar.addfile(first, io.BytesIO(told))
            tar.add(folder / DATABASES[manifest.kind], DATABASES[manifest.kind])
            for picture in sorted((folder / "avatars").glob("*/*.webp")):
                tar.add(picture, f"avatars/{picture.parent.name}/{picture.name}")
        file.flush()
        os.fsync(file.fileno())
    with opened(draft) as (_, names):
        packed = sum(name.startswith("avatars/") for name in names)
    if packed != manifest.pictures:
        raise BackupFailed(f"{draft} holds {packed} of {manifest.pictures} pictures; is the disk sound?")
    return draft


def give_name(draft: Path, directory: Path, moment: datetime) -> Path:
    """Give `draft` the name of `moment` in `directory`, or of the next second that has no backup yet; its path.

    It replaces no file, whoever else makes backups there, on this machine or another. Raises OSError.
    """
    while True:
        target = directory / f"microblog-{moment:%Y%m%dT%H%M%SZ}.tar.gz"
        with suppress(FileExistsError):
            _link(draft, target)
            sync(directory)
            return target
        moment += timedelta(seconds=1)


def _link(draft: Path, target: Path) -> None:
    """Raises FileExistsError where `target` is there, and OSError."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # this disk knows no links, like a memory stick: an empty file makes the name ours, for a moment
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(target)


@contextmanager
def opened(path: Path, *, into: Path | None = None) -> Iterator[tuple[Manifest, list[str]]]:
    """Read the whole file, into the folder `into` where one is given: what it says of itself, and the names inside.

    Raises BackupFailed for what is no backup of ours, is damaged, or was made by a later release.
    """
    try:
        yield _read(path, into)
    except _DAMAGE as error:
        raise BackupFailed(f"{path} is damaged, or no backup of this program: {error}.") from error


def _read(path: Path, into: Path | None) -> tuple[Manifest, list[str]]:
    names, found = [], ""
    with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        first = tar.next()
        told = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
        if told is None:
            raise ValueError(f"{MANIFEST} is not there")
        values = json.load(told)
        if values["format"] != FORMAT:
            raise BackupFailed(f"{path} was made by a later release of this program; install that one.")
        manifest = Manifest(**values)
        while member := tar.next():
            # Names are ours or none at all: nothing in a file from elsewhere may choose where it is written.
            if not (member.isfile() and _MEMBER.fullmatch(member.name)):
                raise ValueError(f"it holds {member.name[:100]!r}")
            source = tar.extractfile(member)
            hashed = hashlib.sha256()
            with (_target(into, member.name) if into else Path(os.devnull)).open("wb") as copy:
                while source and (piece := source.read(1 << 20)):
                    hashed.update(piece)
                    copy.write(piece)
            if member.name == DATABASES[manifest.kind]:
                found = hashed.hexdigest()
            names.append(member.name)
        while stream.read(1 << 20):
            pass  # to the very end, where the checksum of all of it stands
    if found != manifest.sha256:
        raise ValueError("its database is not what was put in")
    return manifest, names


def _target(into: Path, name: str) -> Path:
    target = into / name
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    return target


def copy_pictures(source: Path, target: Path) -> int:
    """Link, or else copy, the pictures below `source` that `target` does not have; how many `target` has then.

    A picture's name is made of its content, so whatever has the name is the picture.
    """
    for picture in source.glob("*/*.webp"):
        copy = target / picture.parent.name / picture.name
        if copy.exists() or not _MEMBER.fullmatch(f"avatars/{picture.parent.name}/{picture.name}"):
            continue
        copy.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # its owner has another one now
            try:
                os.link(picture, copy)
            except FileNotFoundError:
                raise
            except OSError:  # on another disk
                _copy(picture, copy)
    return sum(1 for _ in target.glob("*/*.webp"))


def _copy(picture: Path, copy: Path) -> None:
    # A draft of one's own: a restore on another machine may bring the same picture into a shared directory.
    descriptor, name = tempfile.mkstemp(dir=copy.parent, prefix=".", suffix=".part")
    os.close(descriptor)
    draft = Path(name)
    try:
        shutil.copy2(picture, draft)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)


def found(directory: Path) -> list[Path]:
    """The backups in `directory`, the oldest first. Files with other names are none."""
    return sorted(path for path in directory.glob("microblog-*.tar.gz") if NAME.fullmatch(path.name))


def prune(backups: list[Path], keep: int) -> list[Path]:
    """Remove all but the last `keep` of `backups`; what was removed. Another process may be faster."""
    gone = []
    for path in backups[: max(0, len(backups) - keep)]:
        with suppress(FileNotFoundError):
            path.unlink()
            gone.append(path)
    return gone


def clear(above: Path, prefix: str, *, seconds: float = STALE) -> None:
    """Remove the folders, `seconds` old and named `prefix`…, in which processes worked that were killed.

    Another process may be faster; one that cannot be removed is no reason to make no backup.
    """
    for left in above.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime <= time.time() - seconds:
                shutil.rmtree(left, ignore_errors=True)


def sync(folder: Path) -> None:
    """Have the names in `folder` on the disk, not only in memory."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
