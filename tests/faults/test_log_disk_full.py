"""F44: the disk with the logs is full, then freed. On a real, small file system."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from microblog.config.settings import ROOT

pytestmark = pytest.mark.fault(44)

# Says how many µs of the processor a line takes while there is room, while there is none and after, each time when
# told to go on.
PROGRAM = """
import json, logging, sys, time
import structlog
from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

mailed = []
class Mail(logging.Handler):
    def emit(self, record):
        mailed.append(record.msg["event"])

setup.configure(Settings(logs=Logs(directory=sys.argv[1], max_bytes=0)), alert_handler=Mail(logging.ERROR))
log = structlog.get_logger("microblog.x")
name, n = sys.argv[2], 0

def go(count):
    global n
    started = time.process_time()
    for _ in range(count):
        log.info(events.PROFILE_SAVED, user_id=f"{name}/{n}", fields=["x" * 100])
        n += 1
    print(json.dumps((time.process_time() - started) / count * 1e6), flush=True)

for line in sys.stdin:
    go(int(line))
print(json.dumps(mailed), flush=True)
setup.close()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                continue


@pytest.mark.process
@pytest.mark.parametrize("workers", [1, 3])
def test_the_site_goes_on_and_tells_what_is_missing(small_disk: Path, workers: int) -> None:
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(small_disk), str(name)],
            cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe,
        )
        for name in range(workers)
    ]  # fmt: skip
    speeds: list[list[float]] = []

    def go(count: int) -> None:
        for process in processes:
            assert process.stdin
            process.stdin.write(f"{count}\n")
            process.stdin.flush()
        speeds.append([json.loads(process.stdout.readline()) for process in processes if process.stdout])

    try:
        go(500)
        fill(small_disk / "ballast")
        started = time.monotonic()
        go(3000)
        go(3000)
        full_for = time.monotonic() - started
        (small_disk / "ballast").unlink()
        go(200)
        ended = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    lines = (small_disk / "microblog.jsonl").read_bytes().splitlines()
    whole, torn = [], 0
    for line in lines:
        try:
            whole.append(json.loads(line))
        except ValueError:
            torn += 1
    written = [record["user_id"] for record in whole if record["event"] == "profile.saved"]
    recovered = [record["dropped"] for record in whole if record["event"] == "log.recovered"]
    # Every line is in the file once, or was counted.
    assert len(written) == len(set(written))
    assert len(written) + sum(recovered) == workers * 6700
    assert sum(recovered) >= workers * 3000
    assert torn <= workers, "at most the line that met the end of the disk"
    assert {f"{name}/{n}" for name in range(workers) for n in range(6500, 6700)} <= set(written)
    for out, errors in ended:
        told = [json.loads(line) for line in errors.splitlines()]
        assert [(one["event"], one["level"]) for one in told] == [("log.unwritable", "critical")] * len(told)
        assert 1 <= len(told) <= 1 + full_for / 10
        assert "No space left" in told[0]["error"]
        assert json.loads(out) == ["log.unwritable"] * len(told)
    # As fast as with room: a failing write costs no more than one that succeeds.
    assert sorted(speeds[1])[0] < 3 * max(speeds[0]) + 50, speeds


NO_FILES_LEFT = """
import logging, os, sys
from microblog.log.file import JsonLinesHandler
handler = JsonLinesHandler(sys.argv[1] + "/log.jsonl", 0, 0)
def say(n):
    handler.handle(logging.makeLogRecord({"msg": f"line {n}", "name": "test", "levelname": "INFO"}))
def fill(name):
    try:
        for n in range(1000):
            open(f"{sys.argv[1]}/{name}{n}", "x").close()
    except OSError:
        pass
os.unlink(handler.path)
fill("a")
say(0)  # lets go of the deleted file
fill("b")
for line in range(1, 500):
    say(line)
print(handler.dropped)
os.unlink(f"{sys.argv[1]}/a0")
say(500)
"""


@pytest.mark.process
def test_no_file_can_be_made(small_disk: Path) -> None:
    """Full in the other way, and the file is gone: thousands of lines must not go to stderr instead."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=20", small_disk], check=True)
    command = [sys.executable, "-c", NO_FILES_LEFT, str(small_disk)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "500\n"
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["log.unwritable"]
    found = [json.loads(line) for line in (small_disk / "log.jsonl").read_text().splitlines()]
    assert [(one["event"], one.get("dropped")) for one in found] == [("line 500", None), ("log.recovered", 500)]


@pytest.mark.process
def test_a_full_device() -> None:
    """/dev/full, which every Linux has: the same without root."""
    script = """
import logging
from microblog.log.file import JsonLinesHandler
handler = JsonLinesHandler("/dev/full", 1000, 3)
for n in range(1000):
    handler.handle(logging.makeLogRecord({"msg": "x", "name": "test", "levelname": "INFO"}))
print(handler.dropped)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "1000\n"
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(one["event"], one["dropped"]) for one in told] == [("log.unwritable", 1), ("log.unwritable", 1000)]
