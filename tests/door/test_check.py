"""`manage.py check` finds what is wrong, and finds nothing where all is well."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from microblog.cli import checks
from microblog.cli.checks import Finding
from microblog.cli.db import upgrade
from microblog.config.settings import ROOT, Logs, Mail, Paths, Security, Server, Settings, Site, ensure_secret


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "logs").mkdir()
    made = Settings(paths=Paths(data=str(tmp_path / "data")), logs=Logs(directory=str(tmp_path / "logs")))
    made.data_dir.mkdir()
    return made


def states(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[tuple[str, str]]:
    return [(finding.state, finding.detail) for finding in look(settings)]


def test_it_works(tmp_path: Path) -> None:
    environ = {"MICROBLOG_PATHS__DATA": str(tmp_path / "data"), "MICROBLOG_LOGS__DIRECTORY": str(tmp_path / "logs")}
    ran = subprocess.run(
        [sys.executable, "manage.py", "check", "--site"],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "FAIL" not in ran.stdout
    assert not (tmp_path / "data").exists()  # looking changes nothing


def test_a_wrong_configuration_is_a_finding(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "check", "--site"],
        cwd=ROOT,
        env=os.environ | {"MICROBLOG_SERVER__PROT": "1"},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1
    assert "did you mean MICROBLOG_SERVER__PORT?" in ran.stdout


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("you-will-never-guess", "fail"),
        ("a" * 40, "fail"),
        ("0123456789abcdef", "warn"),
        ("0123456789abcdef" * 3, "ok"),
    ],
)
def test_the_strength_of_the_secret(settings: Settings, key: str, state: str) -> None:
    ((found, detail),) = states(checks.secret, replace(settings, security=Security(secret_key=key)))

    assert found == state
    assert key not in detail


def test_a_secret_that_others_may_read(settings: Settings) -> None:
    assert states(checks.secret, settings) == [("ok", "is made at the first start")]
    ensure_secret(settings)
    assert states(checks.secret, settings)[0][0] == "ok"
    (settings.data_dir / "secret_key").chmod(0o644)
    assert states(checks.secret, settings)[0][0] == "fail"


def test_a_directory_that_is_none(settings: Settings) -> None:
    settings.data_dir.rmdir()
    settings.data_dir.write_text("")

    assert [state for state, _ in states(checks.directories, settings)] == ["fail", "ok"]


def test_files_of_another_user(settings: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    (settings.data_dir / "microblog.db").write_text("")
    os.chown(settings.data_dir / "microblog.db", 65534, 65534)

    assert states(checks.directories, settings)[0][0] == "warn"


def test_the_database(settings: Settings) -> None:
    assert "is made at the first start" in states(checks.database, settings)[0][1]

    upgrade(settings)
    assert states(checks.database, settings)[0][0] == "ok"

    path = settings.data_dir / "microblog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of-tomorrow'")
    connection.close()
    assert "ahead of the code" in states(checks.database, settings)[0][1]

    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    assert "behind the code" in states(checks.database, settings)[0][1]

    path.write_bytes(b"this is no database at all " * 200)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    assert states(checks.database, settings)[0][0] == "fail"


def test_a_database_that_does_not_answer(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://me:hunter2@127.0.0.1:{taken.getsockname()[1]}/blog"
        ((state, detail),) = states(checks.database, replace(settings, database=replace(settings.database, url=url)))

    assert state == "fail"
    assert "hunter2" not in detail


def test_a_clock_that_runs_behind(settings: Settings) -> None:
    assert states(checks.clock, settings)[0][0] == "ok"
    log = settings.log_dir / "microblog.jsonl"
    log.write_text("")
    os.utime(log, (time.time() + 3600, time.time() + 3600))
    assert states(checks.clock, settings)[0][0] == "warn"


def test_every_template_compiles(settings: Settings) -> None:
    assert states(checks.templates, settings)[0][0] == "ok"
    assert not (settings.data_dir / "secret_key").exists()


def test_mail(settings: Settings) -> None:
    assert states(checks.mail, settings)[0][0] == "warn"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        mail = Mail(
            server="127.0.0.1", port=taken.getsockname()[1], admins=("ana@example.org",), sender="blog@example.org"
        )
        found = states(checks.mail, replace(settings, mail=mail))

    assert found[0][0] == "fail"
    assert "Connection refused" in found[0][1]


def test_a_test_site_that_mails_real_people(settings: Settings) -> None:
    mail = Mail(server="192.0.2.1", admins=("ana@example.org",), sender="blog@example.org", timeout=0.1)
    elsewhere = replace(mail, other_admins=mail.admins)
    found = states(checks.mail, replace(settings, mail=elsewhere, site=Site(environment="staging")))

    assert ("warn", "this is staging, and its errors go to ana@example.org") in found


def test_debug_on_a_public_site(settings: Settings) -> None:
    public = replace(settings, site=Site(url="https://blog.example.org"), debug=True)

    found = states(checks.configuration, public)

    assert "fail" in [state for state, _ in found]
    assert any("server.proxies is 0" in detail for _, detail in found)
    proxied = replace(public, debug=False, server=Server(proxies=1))
    assert [state for state, _ in states(checks.configuration, proxied)] == ["ok"]
