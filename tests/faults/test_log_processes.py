"""F45, F46, F47: several processes on one log, while it is rotated, while they are killed, while one stands still."""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from microblog.config.settings import ROOT

WORKER = """
import sys, time
import structlog
from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

folder, name, count, size, max_bytes, pause = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
setup.configure(Settings(logs=Logs(directory=folder, max_bytes=int(max_bytes), backups=1000)))
log = structlog.get_logger("microblog.x")
print("ready", flush=True)
sys.stdin.readline()
n = 0
while n < count:
    log.info(events.PROFILE_SAVED, user_id=f"{name}/{n}", fields="x" * int(size))
    n += 1
    print(n, flush=True) if size > 1000 else None
    time.sleep(pause) if pause else None
"""


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker that waits for a line before it logs; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(
        name: object, count: int, size: int = 50, max_bytes: int = 0, pause: float = 0
    ) -> "subprocess.Popen[str]":
        values = (tmp_path / "logs", name, count, size, max_bytes, pause)
        command = [sys.executable, "-c", WORKER, *map(str, values)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def go(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def finish(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")


def strict(constant: str) -> None:
    raise ValueError(constant)


def read(*pieces: bytes) -> tuple[Counter[str], list[bytes]]:
    """How often each line is there, and the lines that are none."""
    seen: Counter[str] = Counter()
    broken = []
    for piece in pieces:
        assert piece == b"" or piece.endswith(b"\n")
        for line in piece.split(b"\n")[:-1]:
            try:
                seen[json.loads(line, parse_constant=strict)["user_id"]] += 1
            except (ValueError, KeyError):
                broken.append(line)
    return seen, broken


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


@pytest.mark.slow
def test_four_processes_rotating_every_megabyte_lose_nothing(tmp_path: Path, start: Start) -> None:
    workers = [start(name, 20_000, max_bytes=1_000_000) for name in range(4)]
    go(*workers)
    finish(*workers)

    folder = tmp_path / "logs"
    seen, broken = read(*files(folder))
    assert broken == []
    assert seen == Counter(f"{name}/{n}" for name in range(4) for n in range(20_000))
    assert len(list(folder.iterdir())) > 10
    # While one renames, the others write on: by a little, not by a file.
    assert max(path.stat().st_size for path in folder.iterdir()) < 1_300_000
    if shutil.which("jq"):
        names = sorted(map(str, folder.iterdir()))
        done = subprocess.run(["jq", "-c", ".user_id", *names], capture_output=True, text=True, check=True)
        assert len(done.stdout.splitlines()) == 80_000


@pytest.mark.process
@pytest.mark.parametrize("size", [50, 5000])
def test_rotation_from_every_process_at_once(tmp_path: Path, start: Start, size: int) -> None:
    """The same in small: a new file every few lines, so that all of them rotate all the time."""
    workers = [start(name, 400, size=size, max_bytes=10_000) for name in range(4)]
    go(*workers)
    finish(*workers)

    seen, broken = read(*files(tmp_path / "logs"))
    assert broken == []
    assert seen == Counter(f"{name}/{n}" for name in range(4) for n in range(400))


class Rotated:
    """Does to the log what logrotate does, and keeps what was in the files that it takes away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turns = 0
        self._deleted: list[int] = []

    def rename(self) -> None:
        self.turns += 1
        self.path.rename(self.path.with_name(f"{self.path.name}-{self.turns}"))

    def create(self) -> None:
        self.rename()
        self.path.touch(0o640)

    def delete(self) -> None:
        self.turns += 1
        self._deleted.append(os.open(self.path, os.O_RDONLY))
        self.path.unlink()

    def logrotate(self, create: str = "nocreate") -> int:
        self.turns += 1
        state, rules = self.path.parent.with_name("state"), self.path.parent.with_name("rules")
        rules.write_text(f"{self.path} {{\n size 1\n rotate 1000\n {create}\n missingok\n nocompress\n}}\n")
        rules.chmod(0o644)
        return subprocess.run(["logrotate", "-f", "-s", state, rules], check=False, capture_output=True).returncode

    def logrotate_create(self) -> None:
        # It finds the file that we were quicker to make and moves that away as well, always to the same name in an
        # hour: at fifty rotations a second it would overwrite what it keeps. docs/logs.md says `nocreate`.
        self.logrotate("create 0640")
        for kept in self.path.parent.glob("*.backup"):
            kept.rename(kept.with_suffix(f".{self.turns}"))

    def everything(self) -> list[bytes]:
        deleted = []
        for number in self._deleted:
            with os.fdopen(number, "rb") as file:
                deleted.append(file.read())
        return files(self.path.parent) + deleted


@pytest.mark.fault(45)
@pytest.mark.process
@pytest.mark.parametrize("how", ["rename", "create", "delete", "logrotate", "logrotate_create"])
def test_rotated_from_outside_under_load(tmp_path: Path, start: Start, how: str) -> None:
    if "logrotate" in how and not shutil.which("logrotate"):
        pytest.skip("logrotate is not installed")
    workers = [start(name, 4000, pause=0.0002) for name in range(4)]
    rotated = Rotated(tmp_path / "logs" / "microblog.jsonl")
    go(*workers)
    while any(worker.poll() is None for worker in workers):
        if rotated.path.exists():
            assert not getattr(rotated, how)()
        time.sleep(0.02)
    finish(*workers)

    seen, broken = read(*rotated.everything())
    assert rotated.turns > 10
    assert broken == []
    missing = {f"{name}/{n}" for name in range(4) for n in range(4000)} - set(seen)
    assert not missing
    # Only who deletes a file under a writer may find a line in the deleted one and in the new one.
    assert how == "delete" or set(seen.values()) == {1}


@pytest.mark.fault(46)
@pytest.mark.process
def test_killed_in_the_middle_of_a_write(tmp_path: Path, start: Start) -> None:
    kills = 12
    survivor = start("survivor", 1500, size=300)
    go(survivor)
    written: dict[str, int] = {}
    for turn in range(kills):
        victim = start(f"victim{turn}", 100_000, size=40_000)
        go(victim)
        time.sleep(0.05 + random.random() * 0.05)
        victim.kill()
        assert victim.stdout
        told = victim.stdout.read().split()
        written[f"victim{turn}"] = int(told[-1]) if told else 0
        victim.wait()
    finish(survivor)
    last = start("last", 1)
    go(last)
    finish(last)

    seen, broken = read(*files(tmp_path / "logs"))
    assert len(broken) <= kills, "at most one torn line for each that was killed"
    assert {f"survivor/{n}" for n in range(1500)} <= set(seen), "who lives loses nothing"
    assert {f"{name}/{n}" for name, count in written.items() for n in range(count)} <= set(seen)
    assert seen["last/0"] == 1


@pytest.mark.fault(46)
@pytest.mark.process
def test_a_torn_line_costs_no_other(tmp_path: Path, start: Start) -> None:
    """The tear that the kill above only sometimes makes, made for sure, while another process has the file open."""
    worker = start("one", 100, pause=0.001)
    path = tmp_path / "logs" / "microblog.jsonl"
    go(worker)
    while worker.poll() is None:
        with path.open("ab", buffering=0) as dying:
            dying.write(b'{"timestamp":"2026-11-21T12:00:00.000Z","event":"to')
        time.sleep(0.01)
    finish(worker)
    last = start("two", 1)
    go(last)
    finish(last)

    seen, broken = read(*files(tmp_path / "logs"))
    assert broken
    assert set(seen) == {*(f"one/{n}" for n in range(100)), "two/0"}
    assert b"" not in broken


@pytest.mark.fault(47)
@pytest.mark.process
def test_one_stands_still_and_the_others_write(tmp_path: Path, start: Start) -> None:
    workers = [start(name, 2000, max_bytes=20_000) for name in range(3)]
    still, *others = workers
    go(*workers)
    time.sleep(0.02)
    still.send_signal(signal.SIGSTOP)
    finish(*others)  # while it stands still
    assert still.poll() is None
    still.send_signal(signal.SIGCONT)
    finish(still)

    seen, broken = read(*files(tmp_path / "logs"))
    assert broken == []
    assert seen == Counter(f"{name}/{n}" for name in range(3) for n in range(2000))


@pytest.mark.fault(47)
@pytest.mark.process
def test_standing_still_with_the_lock_in_hand(tmp_path: Path, start: Start) -> None:
    """The worst moment: stopped in the middle of a rotation. The file grows, and is rotated when the other goes on."""
    path = tmp_path / "logs" / "microblog.jsonl"
    worker = start("one", 300, max_bytes=2000)
    hold = f"import fcntl, time; f = open({str(path)!r}); fcntl.flock(f, 2); print(1, flush=True); time.sleep(60)"
    holder: Any = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        holder.send_signal(signal.SIGSTOP)
        go(worker)
        finish(worker)
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        assert path.stat().st_size > 20_000
    finally:
        holder.kill()
        holder.communicate()
    after = start("two", 1, max_bytes=2000)
    go(after)
    finish(after)

    assert len(list(path.parent.iterdir())) == 2
    seen, broken = read(*files(path.parent))
    assert broken == []
    assert len(seen) == 301
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
