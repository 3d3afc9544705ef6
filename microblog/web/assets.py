"""Static files: served by WhiteNoise, compressed, for ever cacheable, without waking the application."""

import fcntl
import gzip
import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from whitenoise import WhiteNoise

from microblog.config.settings import ROOT

STATIC = ROOT / "static"
_TEXT = {".css", ".js", ".svg", ".txt"}

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@cache
def fingerprint(root: Path = STATIC) -> str:
    """A short hash over all files: part of every address, so that a new release is seen at once.

    It stands before the path, so the modules that a script imports relatively carry it too.
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix not in {".gz", ".map"}:
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:10]


@cache
def has_htmx() -> bool:
    """Whether htmx was fetched; without it every page works as plain forms."""
    return (STATIC / "vendor" / "htmx.min.js").is_file()


def static_url(path: str, *, debug: bool = False) -> str:
    """The address of the file `path` below static/."""
    return f"/static/{path}" if debug else f"/static/{fingerprint()}/{path}"


def serve(app: Wsgi, *, debug: bool = False) -> Wsgi:
    """`app`, with the files of static/ in front of it."""
    if not debug:
        with suppress(OSError):  # a read-only folder: the files travel as they are
            compress()
    noise = WhiteNoise(
        app,
        autorefresh=debug,
        max_age=0 if debug else 300,
        allow_all_origins=False,
        immutable_file_test=r"^/static/[0-9a-f]{10}/",
    )
    noise.add_files(str(STATIC), prefix="static/")
    if not debug:
        noise.add_files(str(STATIC), prefix=f"static/{fingerprint()}/")
        for address in [name for name in noise.files if "/debug/" in name]:
            del noise.files[address]  # for developers
    return noise  # type: ignore[no-any-return]


def compress() -> None:
    """Put a .gz beside each text file that has none of its age; WhiteNoise then serves that one. Raises OSError.

    The first worker does so while the others wait: a half-written file must neither be served nor listed.
    """
    folder = os.open(STATIC, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for path in STATIC.rglob("*"):
            if path.suffix in _TEXT and path.is_file():
                _compress(path)
    finally:
        os.close(folder)


def _compress(path: Path) -> None:
    zipped, moment = path.with_name(path.name + ".gz"), path.stat().st_mtime_ns
    if zipped.exists() and zipped.stat().st_mtime_ns == moment:
        return
    made = zipped.with_name(f".{zipped.name}")
    made.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    os.utime(made, ns=(moment, moment))
    made.replace(zipped)  # a server that still runs reads the old one or the new one
