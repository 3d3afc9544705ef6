"""The error that `manage.py drill` asks for: one for each key that the command laid into the data directory.

A key is 256 random bits. The site knows none: it looks beside its own files for one whose name is the key's hash, and
takes it away; only the process that did so fails. So a key works once, for a minute, and only whoever may write
where the database lies can make one. To everybody else the address does not exist.
"""

import hashlib
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from microblog.config.settings import Settings

HEADER = "X-Drill"
SECONDS = 60.0
"""For so long a key works."""

_KEY = re.compile(r"([0-9a-f]{12})-[\w-]{43}")


class ThisIsADrill(RuntimeError):
    """Raised on purpose; the name stands in the subject of the mail."""


def new_run() -> str:
    """The fingerprint of one drill: its errors are one group of their own, and no earlier drill keeps its mail back."""
    return secrets.token_hex(6)


def lay_key(settings: Settings, run: str) -> str:
    """A new key, which the site will take once. Raises OSError."""
    key = f"{run}-{secrets.token_urlsafe(32)}"
    os.close(os.open(_place(settings, key), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return key


def take_keys_away(settings: Settings) -> None:
    """Those that nobody used."""
    for left in settings.data_dir.glob(".drill-*"):
        with suppress(OSError):
            left.unlink()


def spend(settings: Settings, key: str) -> str | None:
    """The run that `key` belongs to, the first time it is shown; None for what is no key, spent or too old."""
    found = _KEY.fullmatch(key)
    if not found:
        return None
    place = _place(settings, key)
    try:
        age = time.time() - place.stat().st_mtime
        place.unlink()  # of several that try at once, one succeeds
    except OSError:
        return None
    return found[1] if -1 < age < SECONDS else None


def _place(settings: Settings, key: str) -> Path:
    return settings.data_dir / f".drill-{hashlib.sha256(key.encode()).hexdigest()}"
