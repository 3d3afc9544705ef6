"""Opening a log file that several processes, root among them, open, delete and rename at the same time."""

# plain strings and system calls: this is called while things are broken
# ruff: noqa: PTH102, PTH108, PTH112, PTH114, PTH116, PTH120

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator

# O_NONBLOCK: where the name leads to a pipe or a terminal, a reader that stalls must not stall us. Files ignore it.
_FLAGS = os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
_MODE = 0o640
_TRIES = 10


def open_to_append(path: str) -> int:
    """A descriptor of the file at `path`, made with its folder where missing (0640 in 0750). Raises OSError.

    Readable as well, so that the end of what others wrote can be looked at; write-only where that is not allowed.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            return _open(path, _FLAGS)
        folder = os.path.dirname(path)
        make_folder(folder)
        # Exclusively, so that what is given away below is ours and not what a symbolic link pointed to.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            fd = _open(path, _FLAGS | os.O_CREAT | os.O_EXCL)
            _give_to_owner_of(folder, fd)
            return fd
        if os.path.islink(path):
            return _open(path, _FLAGS | os.O_CREAT)
    raise OSError(errno.EBUSY, "made and removed over and over", path)


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_RDWR, _MODE)
    except OSError as problem:
        if problem.errno not in (errno.ENXIO, errno.EACCES, errno.EINVAL):
            raise
        return os.open(path, flags | os.O_WRONLY, _MODE)


def make_folder(folder: str) -> None:
    """The folder and those above it, whoever makes them first. Raises OSError."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_folder(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o750)
        if os.geteuid() == 0:
            owner = os.stat(parent)
            os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _give_to_owner_of(folder: str, fd: int) -> None:
    """What root made belongs to the folder's owner: ``sudo manage.py …`` must not lock the site out of its own log."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            owner = os.stat(folder)
            os.fchown(fd, owner.st_uid, owner.st_gid)


def end_torn_line(fd: int) -> None:
    """End a line that somebody left torn, so that the next is not glued to it; once is enough, so under the lock."""
    with contextlib.suppress(OSError):
        before = os.fstat(fd)
        if not ends_torn(fd, before.st_size):
            return
        with locked(fd) as mine:
            # Or is it a line that another process is writing right now? The kernel lets nobody change the mode of a
            # file that is being written to, so this, which changes nothing, waits until all of that line is there.
            os.fchmod(fd, stat.S_IMODE(before.st_mode))
            if mine and os.fstat(fd).st_size == before.st_size:
                os.write(fd, b"\n")


def ends_torn(fd: int, size: int) -> bool:
    """Whether a file of `size` bytes ends in the middle of a line. Raises OSError where it cannot be read."""
    return size > 0 and os.pread(fd, 1, size - 1) not in (b"\n", b"")


@contextlib.contextmanager
def locked(fd: int) -> Iterator[bool]:
    """Hold the lock of the file and give True, or give False at once. Raises OSError where there are no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        # Said aloud and not left to close(): a process forked meanwhile holds the same descriptor.
        fcntl.flock(fd, fcntl.LOCK_UN)


def remove_older(path: str, days: float) -> None:
    """Remove what `path` was renamed to, by us or by logrotate, and not written to for so many days; 0 is never."""
    if not days:
        return
    folder, name = os.path.split(path)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f"{name}.") or entry.name.startswith(f"{name}-"):
                with contextlib.suppress(OSError):
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < time.time() - days * 86_400:
                        os.unlink(entry.path)


def same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether both are the same file, whatever it is called."""
    return one.st_ino == other.st_ino and one.st_dev == other.st_dev
