"""Whether the site runs: its processes hold a lock on one file, which goes with them, however they end."""

import fcntl
import os
from contextlib import suppress

from microblog.config.settings import Settings

_FILE = "site.lock"


def hold(settings: Settings) -> int | None:
    """Say that the site runs, until this process and those it forks have ended; the descriptor.

    None where the disk does not let us: the site runs all the same.
    """
    with suppress(OSError):
        descriptor = os.open(settings.data_dir / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # something is being restored; the start waits for that, and not for long
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor
    return None


def claim(settings: Settings) -> int | None:
    """Keep the site from starting until the descriptor is closed; None where it runs. Raises OSError."""
    settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(settings.data_dir / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
