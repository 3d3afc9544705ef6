"""`manage.py logs tail -f`, as a process: through a rotation, ended by Ctrl-C and by a closed pipe."""

import json
import os
import signal
import subprocess
import sys

import pytest

from microblog.config.settings import ROOT


def line(n):
    record = {"timestamp": f"2026-11-21T12:00:{n:02}.000Z", "level": "info", "event": "profile.saved", "n": n}
    return json.dumps(record, separators=(",", ":")) + "\n"


@pytest.fixture
def tail(tmp_path):
    """Starts the command on a log of three lines."""
    (tmp_path / "microblog.jsonl").write_text(line(0) + line(1) + line(2))
    started = []

    def begin(*words):
        script = "import sys; from microblog.cli import main; sys.exit(main(sys.argv[1:]))"
        environ = os.environ | {"MICROBLOG_LOGS__DIRECTORY": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", script, "logs", "tail", "--json", *words],
                cwd=ROOT,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_it_works(tail, tmp_path):
    process = tail("-f", "-n", "2", "n!=4")
    read = lambda: json.loads(process.stdout.readline())["n"]  # noqa: E731
    assert [read(), read()] == [1, 2]
    path = tmp_path / "microblog.jsonl"
    with path.open("a") as file:
        file.write(line(3) + line(4))
    path.rename(f"{path}.1")
    path.write_text(line(5))
    assert [read(), read()] == [3, 5]
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


@pytest.mark.slow
def test_a_reader_who_leaves_ends_it(tail):
    process = tail("-f")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
