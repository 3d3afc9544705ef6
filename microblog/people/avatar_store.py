"""Where drawn avatars lie: one folder per person, one file per picture, named after its content.

The name changes with the content, so a browser may keep a picture for ever and Undo only has to point back.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{16}")  # 64 bits of SHA-256: only a person's own pictures could ever collide
_MODE = 0o640  # a front server in the same group may send the files itself
GRACE = 3_600.0  # seconds a file without an owner is left alone: its request may not have committed yet


class AvatarStore:
    """Avatars under `directory`/<user id>/<key>.webp. Every method may raise OSError (disk full, no permission)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(self, user_id: int, data: bytes) -> str:
        """Keep `data` and return its key. The file appears whole or not at all, and is on the disk on return.

        Raises ValueError for an id below 1, and OSError, leaving nothing behind, where the disk refuses.
        """
        key = hashlib.sha256(data).hexdigest()[:16]
        target = self.path(user_id, key)
        if target is None:
            raise ValueError(f"{user_id} is no user id")
        with suppress(FileNotFoundError):
            os.utime(target)  # used again: counts as new for prune()
            return key
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write_whole(target, data)
        return key

    def path(self, user_id: int, key: str) -> Path | None:
        """Where that picture lies or would lie; None where `key` is not the kind of name save() gives."""
        if user_id < 1 or not _KEY.fullmatch(key):
            return None
        return self.directory / f"{user_id:d}" / f"{key}.webp"

    def has(self, user_id: int, key: str) -> bool:
        """Whether that picture is there."""
        path = self.path(user_id, key)
        return path is not None and path.is_file()

    def prune(self, user_id: int, keep: set[str], *, grace: float = GRACE) -> int:
        """Remove the person's other pictures, and what a killed process left half-written; the number removed.

        Files younger than `grace` seconds stay: a second tab may have saved one and not committed yet.
        """
        removed = 0
        for file in self._folder(user_id).glob("*"):
            with suppress(FileNotFoundError):  # another request prunes as well
                if file.stem not in keep and file.stat().st_mtime <= time.time() - grace:
                    file.unlink()
                    removed += 1
        return removed

    def remove_all(self, user_id: int) -> None:
        """Remove everything of one person at once, as when the account goes. Repeating it is safe."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._folder(user_id))

    def _folder(self, user_id: int) -> Path:
        if user_id < 1:
            raise ValueError(f"{user_id} is no user id")
        return self.directory / f"{user_id:d}"


def _write_whole(target: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder: a power cut leaves the old state or the new one."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(data)
            file.flush()
            os.fchmod(descriptor, _MODE)
            os.fsync(descriptor)
        os.replace(name, target)  # noqa: PTH105 - the tests take this call away
    except BaseException:  # also an interrupt: nothing half-written stays
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - mkstemp gives a string
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
