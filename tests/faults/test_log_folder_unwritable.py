"""F43: the log folder cannot be written at start. The site runs, stderr has the records, the file comes later."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from microblog.config.settings import ROOT

pytestmark = pytest.mark.fault(43)

PROGRAM = """
import logging, sys
import structlog
from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

class Mail(logging.Handler):
    def emit(self, record):
        print("mailed", record.msg["event"], flush=True)

setup.configure(Settings(logs=Logs(directory=sys.argv[1])), alert_handler=Mail(logging.ERROR))
log = structlog.get_logger("microblog.x")
log.info(events.SERVER_STARTED, pid=1)
logging.getLogger("werkzeug").warning("foreign")
print("serving", flush=True)
sys.stdin.readline()
log.info(events.PROFILE_SAVED, user_id=1)
log.info(events.PROFILE_SAVED, user_id=2)
setup.close()
"""


@contextlib.contextmanager
def program(folder: Path) -> Iterator[Any]:
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        yield process
        process.wait(60)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A file system that not even root may write to."""
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """A file stands where the folder should be."""
    folder.touch()
    yield


@pytest.mark.process
@pytest.mark.parametrize("broken", [occupied, read_only])
def test_the_site_starts_and_the_file_comes_later(tmp_path: Path, broken: Any) -> None:
    folder = tmp_path / "logs"
    with broken(folder), program(folder) as process:
        out = [process.stdout.readline().strip() for _ in range(2)]
        if broken is occupied:
            folder.unlink()
        else:
            subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        rest, errors = process.communicate("on\n", timeout=60)
        found = [json.loads(line) for line in (folder / "microblog.jsonl").read_text().splitlines()]

    assert process.returncode == 0
    assert out == ["mailed log.unwritable", "serving"]
    assert rest == ""
    # Nothing is lost: what the file lacks stands on stderr, as the same JSON.
    told = [json.loads(line) for line in errors.splitlines()]
    assert [(one["event"], one["level"]) for one in told] == [
        ("log.unwritable", "critical"),
        ("server.started", "info"),
        ("foreign", "warning"),
    ]
    assert str(folder) in told[0]["path"]
    assert [(one["event"], one.get("user_id"), one.get("dropped")) for one in found] == [
        ("profile.saved", 1, None),
        ("log.recovered", None, 0),
        ("profile.saved", 2, None),
    ]
