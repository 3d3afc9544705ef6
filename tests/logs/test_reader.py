"""The story of one request, from files of every kind."""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.cli import logs as command
from microblog.config.settings import ROOT, Logs, Settings
from microblog.log import events, setup
from microblog.log.human import rendered, wants_colour
from microblog.logbook.reader import log_files, search

REFERENCE = "K7Q2F-9M4ZX"


def line(event: str, second: int, reference: str = REFERENCE, **more: Any) -> str:
    stamp = f"2026-11-21T12:00:{second:02}.000Z"
    record = {"timestamp": stamp, "level": "info", "event": event, "logger": "x", "reference": reference, **more}
    return json.dumps(record, separators=(",", ":")) + "\n"


def run(settings: Settings, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    args = parser.parse_args(["logs", *arguments])
    result: int = args.run(args, settings)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four generations: the current one, one of ours, one of logrotate's, one with a date; and strangers."""
    (tmp_path / "microblog.jsonl").write_text(line("d", 40) + line("other", 41, "AAAAA-AAAAA") + line("e", 39))
    (tmp_path / "microblog.jsonl.1").write_text(line("c", 30) + '{"reference":"K7Q2F-9M4ZX","event":"to' + "\n")
    with gzip.open(tmp_path / "microblog.jsonl.2.gz", "wt") as packed:
        packed.write(line("other", 19, "AAAAA-AAAAA") * 50_000 + line("b", 20))
    (tmp_path / "microblog.jsonl-20261120").write_text(line("a", 10) + "K7Q2F-9M4ZX in a line of somebody else\n")
    (tmp_path / "other.txt").write_text(line("not ours", 1))
    for age, name in enumerate(("", ".1", ".2.gz", "-20261120")):
        os.utime(tmp_path / f"microblog.jsonl{name}", (2e9 - age, 2e9 - age))
    return tmp_path


@pytest.fixture
def stored(folder: Path) -> Settings:
    return Settings(logs=Logs(directory=str(folder)))


def test_it_works(stored: Settings, capsys: Any) -> None:
    assert run(stored, "show", "k7q2f 9m4zx") == 0

    out = capsys.readouterr().out
    told = [text.split()[2] for text in out.splitlines() if text.startswith("12:00")]
    assert told == ["a", "b", "c", "e", "d"]
    assert "2 torn or foreign lines left out" in out
    assert f"zgrep -hF '\"{REFERENCE}\"' {stored.log_dir}/microblog.jsonl*" in out


def test_json_is_the_lines_as_they_stand(stored: Settings, capfdbinary: Any) -> None:
    assert run(stored, "show", REFERENCE, "--json") == 0

    out, err = capfdbinary.readouterr()
    assert out.decode() == line("a", 10) + line("b", 20) + line("c", 30) + line("e", 39) + line("d", 40)
    assert err == b""


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_the_lines_to_do_it_by_hand_do_it(stored: Settings, capsys: Any) -> None:
    run(stored, "show", REFERENCE)
    grep, jq = [text.strip() for text in capsys.readouterr().out.splitlines() if text.startswith("  z")]

    for by_hand in (grep, jq):
        done = subprocess.run(["bash", "-c", by_hand], cwd=ROOT, capture_output=True, text=True, check=True)
        found = sorted(json.loads(text)["event"] for text in done.stdout.splitlines() if text.endswith("}"))
        assert found == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense", "'nonsense' is not a reference. One has ten letters and digits"),
        ("\x1b[31m", "is not a reference"),
        ("ZZZZZ-ZZZZZ", "No record of ZZZZZ-ZZZZZ in 4 files beside"),
    ],
)
def test_not_found_is_said_with_what_to_do(stored: Settings, capsys: Any, text: str, sentence: str) -> None:
    assert run(stored, "show", text) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "\x1b" not in err


def test_no_log_at_all_is_said(tmp_path: Path, capsys: Any) -> None:
    assert run(Settings(logs=Logs(directory=str(tmp_path / "none"))), "show", REFERENCE) == 1
    assert "There is no log yet" in capsys.readouterr().err


def test_a_broken_archive_is_told_and_passed_over(stored: Settings, folder: Path, capsys: Any) -> None:
    (folder / "microblog.jsonl.3.gz").write_bytes(b"no archive")
    packed = (folder / "microblog.jsonl.2.gz").read_bytes()
    (folder / "microblog.jsonl.2.gz").write_bytes(packed[: len(packed) // 2])

    assert run(stored, "show", REFERENCE) == 0
    out, err = capsys.readouterr()
    assert "12:00:40" in out
    assert "microblog.jsonl.3.gz: cannot be read" in err
    assert "microblog.jsonl.2.gz: cannot be read" in err


def test_one_who_only_names_the_reference_is_not_it(folder: Path) -> None:
    with (folder / "microblog.jsonl").open("a") as file:
        file.write(line("request.finished", 50, "BBBBB-BBBBB", path=f"/?q={REFERENCE}"))
    found = search(REFERENCE, folder / "microblog.jsonl")

    assert found.mentions == 1
    assert len(found.records) == 5


def test_a_file_renamed_while_reading_counts_once(folder: Path) -> None:
    os.link(folder / "microblog.jsonl", folder / "microblog.jsonl.0")

    assert len(search(REFERENCE, folder / "microblog.jsonl").records) == 5


def test_the_newest_file_comes_first(folder: Path) -> None:
    names = [path.name.removeprefix("microblog.jsonl") for path in log_files(folder / "microblog.jsonl")]

    assert names == ["", ".1", ".2.gz", "-20261120"]


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "microblog.jsonl"
    with path.open("w") as file:
        for _ in range(60):
            file.write(line("other", 1, "AAAAA-AAAAA", padding="x" * 900) * 1000)
        file.write("no newline " * 400_000 + "\n" + line("found", 2))
    tracemalloc.start()
    found = search(REFERENCE, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(found.records) == 1
    assert path.stat().st_size > 60_000_000
    assert peak < 8_000_000


def test_what_was_written_is_found(settings: Settings, capsys: Any) -> None:
    setup.configure(settings, process="test")
    structlog.contextvars.clear_contextvars()  # what another test may have left
    structlog.contextvars.bind_contextvars(reference=REFERENCE)
    log = structlog.get_logger("microblog.people.views")
    try:
        raise ValueError("no \x1b[31mgood\nreally")
    except ValueError:
        log.exception(events.REQUEST_FAILED, method="POST", path="/edit", user_id=3)
    log.error(events.REQUEST_FINISHED, method="POST", status=500, ms=12.5)
    setup.close()
    structlog.contextvars.clear_contextvars()

    assert run(settings, "show", REFERENCE) == 0
    out = capsys.readouterr().out
    assert "ERROR     request.failed  microblog.people.views" in out
    assert "    ValueError: no \\x1b[31mgood\n        really\n" in out
    assert "tests/logs/test_reader.py:" in out
    assert 'raise ValueError("no \\x1b[31mgood\\nreally")' in out
    assert "    status  500" in out
    assert "\x1b" not in out


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    terminal: Any = Terminal()
    assert wants_colour(terminal, {})
    assert not wants_colour(terminal, {"NO_COLOR": "1"})
    assert not wants_colour(terminal, {"TERM": "dumb"})
    assert not wants_colour(sys.stdout, {})
    assert "\x1b[31m" in rendered({"level": "error", "event": "x"}, colour=True)
    assert "\x1b" not in rendered({"level": "error", "event": "\x1b[2J", "\x1b[2J": "\x1b[2J", "exception": "?"})


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"exception": [{"frames": 1, "notes": 2, "exceptions": 3}, {"frames": [4], "exceptions": [5]}]},
        {"event": None, "exception": [None, {}, {"frames": [{}], "message": 3}], "stack": 7, "timestamp": 5},
        {
            "level": [],
            "stack": "a\nb",
            "reference": {},
            "exception": [{"exceptions": [[{"type": "X"}]], "link": "cause"}],
        },
    ],
)
def test_anything_that_is_an_object_can_be_shown(record: dict[str, Any]) -> None:
    assert rendered(record)
    assert rendered(record, full=False, colour=True)


def test_events_are_listed(stored: Settings, capsys: Any) -> None:
    assert run(stored, "events") == 0
    assert "request.finished  (info, warning, error)" in capsys.readouterr().out
    assert run(stored, "events", "--markdown") == 0
    assert capsys.readouterr().out == events.markdown()


@pytest.mark.process
def test_a_pipe_that_ends_early_is_no_error(stored: Settings) -> None:
    script = (
        "import argparse, sys; from microblog.cli import logs; from microblog.config.settings import Logs, Settings\n"
        "args = argparse.Namespace(reference=['K7Q2F-9M4ZX'], json=False)\n"
        "sys.exit(logs.show_reference(args, Settings(logs=Logs(directory=sys.argv[1]))))"
    )
    done = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" "$2" | true; exit ${PIPESTATUS[0]}', sys.executable, script, str(stored.log_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
