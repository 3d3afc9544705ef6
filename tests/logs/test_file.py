"""The handler on real files: rotation, deletion, torn lines, short writes, full disks."""

import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from microblog.log.file import JsonLinesHandler

Handlers = Any


@pytest.fixture
def handlers() -> Iterator[Handlers]:
    """Makes handlers and closes them."""
    made: list[JsonLinesHandler] = []

    def make(path: Path, max_bytes: int = 0, backups: int = 0) -> JsonLinesHandler:
        made.append(JsonLinesHandler(path, max_bytes, backups))
        return made[-1]

    yield make
    for handler in made:
        handler.close()


def say(handler: JsonLinesHandler, text: str) -> None:
    handler.handle(logging.makeLogRecord({"msg": text, "name": "test", "levelname": "INFO"}))


def said(*paths: Path) -> list[str]:
    return [json.loads(line)["event"] for path in paths for line in path.read_text().splitlines()]


def test_it_works(tmp_path: Path, handlers: Handlers) -> None:
    handler = handlers(tmp_path / "a" / "b" / "log.jsonl")
    say(handler, "one")
    say(handler, "two\nlines")

    assert said(tmp_path / "a" / "b" / "log.jsonl") == ["one", "two\nlines"]


def test_nobody_else_may_read(tmp_path: Path, handlers: Handlers) -> None:
    before = os.umask(0)
    handlers(tmp_path / "logs" / "log.jsonl")
    os.umask(before)

    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "logs" / "log.jsonl").stat().st_mode) == 0o640


def test_it_rotates(tmp_path: Path, handlers: Handlers) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path, max_bytes=1000, backups=3)
    for n in range(100):
        say(handler, f"line {n}")

    kept = [path.with_name(f"{path.name}.{n}") for n in (3, 2, 1)]
    assert sorted(tmp_path.iterdir()) == sorted([path, *kept])
    assert all(0 < file.stat().st_size <= 1000 for file in (path, *kept))
    found = said(*kept, path)
    assert found == [f"line {n}" for n in range(100 - len(found), 100)]


@pytest.mark.parametrize(("max_bytes", "backups"), [(0, 5), (100, 0)])
def test_zero_means_never(tmp_path: Path, handlers: Handlers, max_bytes: int, backups: int) -> None:
    handler = handlers(tmp_path / "log.jsonl", max_bytes, backups)
    for n in range(50):
        say(handler, str(n))

    assert len(said(tmp_path / "log.jsonl")) == 50


@pytest.mark.parametrize("how", ["rename", "delete", "folder", "truncate"])
def test_what_logrotate_does_is_noticed(tmp_path: Path, handlers: Handlers, how: str) -> None:
    path = tmp_path / "logs" / "log.jsonl"
    handler = handlers(path)
    say(handler, "before")
    if how == "rename":
        path.rename(path.with_suffix(".old"))
    elif how == "delete":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.parent.rmdir()
    else:
        os.truncate(path, 0)
    say(handler, "after")

    assert said(path) == ["after"]


def test_deleted_between_the_look_and_the_write(tmp_path: Path, handlers: Handlers, monkeypatch: Any) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path)
    write = os.write

    def late(fd: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        path.unlink()
        return write(fd, data)

    monkeypatch.setattr(os, "write", late)
    say(handler, "kept")

    assert said(path) == ["kept"]


def test_the_line_after_a_torn_one_is_whole(tmp_path: Path, handlers: Handlers) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"event":"torn')
    handler = handlers(path)
    say(handler, "next")
    # While open: another process is killed in the middle of its line.
    with path.open("ab") as other:
        other.write(b'{"event":"torn again')
    say(handler, "kept")
    say(handler, "last")

    lines = path.read_bytes().splitlines()
    assert lines[0] == b'{"event":"torn'
    assert b"" not in lines
    whole = [json.loads(line)["event"] for line in lines if line.endswith(b"}") and line.count(b'"event"') == 1]
    assert whole == ["next", "kept", "last"]
    assert len(lines) == 5, "one line is torn at each place and no more"


def test_a_write_cut_short_is_begun_anew(tmp_path: Path, handlers: Handlers, monkeypatch: Any) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path)
    write = os.write

    def short(fd: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        return write(fd, data[:10])

    say(handler, "before")
    monkeypatch.setattr(os, "write", short)
    say(handler, "kept")
    say(handler, "after")

    lines = path.read_bytes().splitlines()
    assert lines[1] == b'{"timestam'
    assert [json.loads(line)["event"] for line in (lines[0], *lines[2:])] == ["before", "kept", "after"]


LIMITED = """
import json, logging, resource, sys
from microblog.log.file import JsonLinesHandler
handler = JsonLinesHandler(sys.argv[1], 0, 0)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
def say(n):
    handler.handle(logging.makeLogRecord({"msg": f"line {n}", "name": "test", "levelname": "INFO"}))
for n in range(30):
    say(n)
lost = handler.dropped
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
say(30)
print(json.dumps([lost, handler.dropped]))
"""


@pytest.mark.process
def test_a_limit_reached_for_real_tears_one_line_and_counts_the_others(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)

    lost, after = json.loads(done.stdout)
    lines = path.read_bytes().splitlines()
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    assert [record["event"] for record in whole[-2:]] == ["line 30", "log.recovered"]
    assert whole[-1]["dropped"] == lost == 31 - (len(whole) - 1)
    assert after == 0
    assert len(lines) - len(whole) <= 1
    complaints = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(one["event"], one["level"]) for one in complaints] == [("log.unwritable", "critical")]
    assert "File too large" in complaints[0]["error"]


def test_a_failing_rotation_keeps_writing(tmp_path: Path, handlers: Handlers, ours_alone: Any) -> None:
    path = tmp_path / "log.jsonl"
    (tmp_path / "log.jsonl.1").mkdir()
    (tmp_path / "log.jsonl.1" / "in the way").touch()
    (tmp_path / "log.jsonl.2").mkdir()
    (tmp_path / "log.jsonl.2" / "in the way").touch()
    handler = handlers(path, max_bytes=500, backups=2)
    for n in range(50):
        say(handler, f"line {n}")

    found = said(path)
    assert found.count("log.rotation_failed") == 1, "said once and not for every line"
    assert [event for event in found if event.startswith("line")] == [f"line {n}" for n in range(50)]


def test_a_replacement_that_is_not_ours_to_write(tmp_path: Path, handlers: Handlers, capsys: Any) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path)
    say(handler, "one")
    path.rename(tmp_path / "log.jsonl.1")
    path.mkdir()  # as good as a file that is not ours: it cannot be opened for writing
    say(handler, "two")
    say(handler, "three")

    assert said(tmp_path / "log.jsonl.1") == ["one", "two", "three"]
    assert capsys.readouterr().err.count("log.unwritable") == 1
    path.rmdir()
    say(handler, "four")
    assert said(path) == ["four"]


def test_a_descriptor_closed_under_us_is_never_somebody_elses_file(tmp_path: Path, handlers: Handlers) -> None:
    handler = handlers(tmp_path / "log.jsonl")
    say(handler, "one")
    number = handler._fd
    os.close(number)
    database = os.open(tmp_path / "database", os.O_CREAT | os.O_RDWR)
    if database != number:
        os.dup2(database, number)
    say(handler, "two")

    assert os.write(number, b"still open") == 10
    assert (tmp_path / "database").read_bytes() == b"still open"
    assert said(tmp_path / "log.jsonl") == ["one", "two"]
    if database != number:
        os.close(database)


def test_a_formatter_that_raises_leaves_a_line(tmp_path: Path, handlers: Handlers) -> None:
    handler = handlers(tmp_path / "log.jsonl")
    handler.setFormatter(logging.Formatter("%(nothing)s"))
    say(handler, "one")

    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["problem"] == "formatting raised ValueError"


def test_a_plain_formatter_stays_one_line(tmp_path: Path, handlers: Handlers) -> None:
    handler = handlers(tmp_path / "log.jsonl")
    handler.setFormatter(logging.Formatter("%(message)s"))
    say(handler, "one\ntwo \ud800")
    say(handler, "x" * 100_000)

    one, two = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert one == b"one\\ntwo \\ud800"
    assert json.loads(two)["truncated"] is True


def test_a_pipe_that_nobody_empties_does_not_hold_us_up(tmp_path: Path, handlers: Handlers) -> None:
    os.mkfifo(tmp_path / "log.jsonl")
    reader = os.open(tmp_path / "log.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    handler = handlers(tmp_path / "log.jsonl")
    for n in range(2000):
        say(handler, f"line {n}")

    assert handler.dropped > 500
    text = b""
    while len(piece := os.read(reader, 65536)) == 65536:
        text += piece
    os.close(reader)
    assert json.loads((text + piece).splitlines()[0])["event"] == "line 0"


def test_threads_lose_nothing(tmp_path: Path, handlers: Handlers) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path, max_bytes=5000, backups=500)

    def work(name: int) -> None:
        for n in range(500):
            say(handler, f"{name}/{n}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = said(*tmp_path.iterdir())
    assert len(found) == len(set(found)) == 2000


@pytest.mark.process
def test_after_a_fork_both_write(tmp_path: Path, handlers: Handlers) -> None:
    path = tmp_path / "log.jsonl"
    handler = handlers(path, max_bytes=2000, backups=100)
    say(handler, "before")
    handler.dropped = 7  # what the parent lost is told by the parent alone
    child = os.fork()
    if child == 0:
        for n in range(200):
            say(handler, f"child {n}")
        os._exit(0 if handler.dropped == 0 else 1)
    for n in range(200):
        say(handler, f"parent {n}")
    _, status = os.waitpid(child, 0)
    handler.dropped = 0

    assert status == 0
    found = [event for event in said(*tmp_path.iterdir()) if event != "log.recovered"]
    assert sorted(found) == sorted(["before", *(f"{who} {n}" for who in ("child", "parent") for n in range(200))])


def test_nothing_is_written_after_close(tmp_path: Path, handlers: Handlers) -> None:
    handler = handlers(tmp_path / "log.jsonl")
    handler.close()
    (tmp_path / "log.jsonl").unlink()
    say(handler, "late")

    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_folders_owner(tmp_path: Path, handlers: Handlers) -> None:
    os.chown(tmp_path, 12345, 12345)
    handlers(tmp_path / "logs" / "log.jsonl")

    assert (tmp_path / "logs").stat().st_uid == 12345
    assert (tmp_path / "logs" / "log.jsonl").stat().st_uid == 12345


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_a_link_points_to_is_not_given_away(tmp_path: Path, handlers: Handlers) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    (tmp_path / "shadow").touch()
    (folder / "log.jsonl").symlink_to(tmp_path / "shadow")
    (folder / "other.jsonl").symlink_to(tmp_path / "not yet")
    handlers(folder / "log.jsonl")
    handlers(folder / "other.jsonl")

    assert (tmp_path / "shadow").stat().st_uid == 0
    assert (tmp_path / "not yet").stat().st_uid == 0


@pytest.mark.process
def test_stderr_that_nobody_reads_does_not_hold_us_up(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()  # a file where the folder should be: every line goes to stderr
    script = """
import logging, sys, time
from microblog.log.file import JsonLinesHandler
handler = JsonLinesHandler(sys.argv[1], 0, 0)
for n in range(3000):
    handler.handle(logging.makeLogRecord({"msg": f"line {n}", "name": "test", "levelname": "INFO"}))
print(handler.dropped)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "logs" / "log.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.wait(60) == 0
        assert int(process.stdout.read()) > 1000
        assert json.loads(process.stderr.readline())["event"] == "line 0"


def test_what_is_older_than_wanted_is_removed_at_a_start_and_at_a_rotation(tmp_path: Path) -> None:
    path, now = tmp_path / "microblog.jsonl", time.time()
    names = ("microblog.jsonl.1", "microblog.jsonl.2.gz", "microblog.jsonl-20261101", "microblog.jsonl.old.txt")

    def age(days: float) -> None:
        for name in names:
            (tmp_path / name).write_text("x")
            os.utime(tmp_path / name, (now - days * 86_400, now - days * 86_400))
        (tmp_path / "other.jsonl.1").write_text("x")
        os.utime(tmp_path / "other.jsonl.1", (1, 1))

    age(6.9)
    JsonLinesHandler(path, 1000, 10, 7).close()
    assert all((tmp_path / name).exists() for name in names)
    age(7.1)
    JsonLinesHandler(path, 1000, 10).close()
    assert all((tmp_path / name).exists() for name in names), "by size only"
    handler = JsonLinesHandler(path, 1000, 10, 7)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["microblog.jsonl", "other.jsonl.1"]
    age(7.1)
    for _ in range(6):
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "y" * 100, None, None))
    handler.close()
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "microblog.jsonl",
        "microblog.jsonl.1",
        "other.jsonl.1",
    ]
