"""F55, the log side: what strangers send is one valid line each, whichever way it goes into the log."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.config.settings import ROOT, Logs, Settings
from microblog.log import context, events, setup

pytestmark = pytest.mark.fault(55)

log = structlog.get_logger("microblog.http.last_resort")

ATTACKS = [
    'Mozilla/5.0\n{"timestamp":"2026-11-21T00:00:00.000Z","level":"info","event":"sign_in.succeeded","user_id":1}',
    'x","level":"critical","event":"forged',
    "\\\"},{\\\"event\\\":\\\"forged",
    "\r\n\r\nHTTP/1.1 200 OK",
    "${jndi:ldap://example.org/a} %s %d %n {0} {{7*7}}",
    "\x1b[1;31mred\x1b[0m\x1b]52;c;cm0gLXJm\x07",
    "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg",
    "\u202egnp.exe",
    "\x00",
    "\udcff\udcfe",
    "K7Q2F-9M4ZX",
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_one_line_each(tmp_path: Path, attack: str) -> None:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path))), process="test")
    context.bind(reference="AAAAA-AAAAA")
    log.info(events.REQUEST_FINISHED, address=attack, hx_source=attack, route=attack, method=attack)
    log.info(events.PROFILE_SAVED, user_id=1, **{attack: attack})  # a form field of that name
    logging.getLogger("werkzeug").info('127.0.0.1 - - "GET /%s HTTP/1.1" 200 -', attack)
    logging.getLogger("gunicorn.error").warning("Invalid request: " + attack.replace("%", "%%"))  # noqa: G003
    context.clear()
    setup.close()

    text = (tmp_path / setup.FILE_NAME).read_bytes().decode("utf-8", "strict")
    records: list[dict[str, Any]] = [json.loads(line) for line in text.split("\n")[:-1]]
    assert len(text.splitlines()) == len(records) == 4
    assert all(line.isprintable() for line in text.split("\n"))
    assert [record["level"] for record in records] == ["info", "info", "info", "warning"]
    assert [record["logger"] for record in records] == [log_name := "microblog.http.last_resort", log_name, *FOREIGN]
    assert {record["reference"] for record in records} == {"AAAAA-AAAAA"}
    assert not any("forged" in record["event"] for record in records[:2])
    readable = attack.encode("utf-8", "backslashreplace").decode()
    assert records[0]["method"] == readable
    assert records[1][readable] == readable


FOREIGN = ["werkzeug", "gunicorn.error"]


@pytest.mark.process
def test_the_one_who_looks_is_not_attacked(tmp_path: Path) -> None:
    """Shown on a terminal, the same text is harmless; and it does not turn up under a reference it only mentions."""
    settings = Settings(logs=Logs(directory=str(tmp_path)))
    setup.configure(settings, process="test")
    context.bind(reference="AAAAA-AAAAA")
    for attack in ATTACKS:
        log.info(events.REQUEST_FINISHED, route=attack, **{attack: attack})
    context.clear()
    setup.close()

    show = (
        "import argparse, sys; from microblog.cli import logs; from microblog.config.settings import Logs, Settings\n"
        "args = argparse.Namespace(reference=[sys.argv[2]], json=False)\n"
        "sys.exit(logs.show_reference(args, Settings(logs=Logs(directory=sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", show, str(tmp_path), "AAAAA-AAAAA"],
        cwd=ROOT, capture_output=True, text=True, check=True, env={"FORCE_COLOR": ""},
    )  # fmt: skip
    assert all(line.isprintable() for line in done.stdout.split("\n"))
    assert done.stdout.count("request.finished") == len(ATTACKS)
    assert not [line for line in done.stdout.splitlines() if line.startswith(("{", "HTTP/"))]

    done = subprocess.run(
        [sys.executable, "-c", show, str(tmp_path), "K7Q2F-9M4ZX"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "records of other requests name it" in done.stderr
