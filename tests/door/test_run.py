"""`manage.py run` as people type it: production, debug mode and its guards, and behind a real nginx."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microblog.cli.db import upgrade
from microblog.config.settings import ROOT, Paths, Settings
from tests.support.mailbox import Mailbox, wait_until
from tests.support.nginx import Nginx, certified, free_port, program
from tests.support.site import Site

Run = Callable[..., "Site"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """`run("--debug", NAME="value")` starts the site; stopped at the end."""
    sites: list[Site] = []

    def run(*words: str, **environ: str) -> Site:
        sites.append(Site(tmp_path, *words, **environ).start())
        return sites[-1]

    yield run
    for site in sites:
        if site.process.poll() is None:
            site.stop()


def refused(*words: str, **environ: str) -> str:
    """The one line of a start that is refused."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_it_works(run: Run, tmp_path: Path) -> None:
    site = run("--workers", "1")

    assert site.ask("GET", "/").status_code == 200
    assert site.ask("GET", "/readyz").status_code == 200
    assert re.match(rf"Microblog \S+ on http://127\.0\.0\.1:{site.port} \(process {site.process.pid}\)", site.said())
    assert site.stop() == 0
    text = site.said()
    assert str(tmp_path) in text
    assert str(tmp_path / "logs" / "microblog.jsonl") in text
    started = site.records("server.started")
    assert len(started) == 1
    assert started[0]["pid"] == site.process.pid
    assert started[0]["database"] == "sqlite"
    assert len(site.records("server.stopped")) == 1


@pytest.mark.parametrize("words", [[], ["--debug"], ["--debug", "--no-reload"]])
def test_control_c_is_clean(run: Run, words: list[str]) -> None:
    site = run(*words)
    assert site.ask("GET", "/livez").status_code == 200
    os.killpg(site.process.pid, signal.SIGINT)  # as a terminal does: to all of them

    assert site.process.wait(60) in {0, 130}
    site.stop()
    assert "Traceback" not in site.said()
    assert site.records("server.stopped") or words


@pytest.mark.parametrize(
    ("words", "environ", "reason"),
    [
        (["--host", "0.0.0.0"], {}, "--debug lets whoever reaches 0.0.0.0 run code here"),
        (["--host", "::"], {}, "run code here"),
        (["--host", "blog.example.org"], {}, "run code here"),
        ([], {"APP_ENV": "production"}, "environment variable APP_ENV says that this is production"),
        ([], {"MICROBLOG_SITE__ENVIRONMENT": "production"}, "says that this is production"),
        ([], {"MICROBLOG_SITE__URL": "https://blog.example.org"}, "is a public address"),
    ],
)
def test_debug_is_refused_where_others_could_reach_it(words: list[str], environ: dict[str, str], reason: str) -> None:
    assert reason in refused("run", "--port", "0", "--debug", *words, **environ)
    assert reason in refused("run", "--port", "0", *words, **environ, FLASK_DEBUG="1")


def test_debug(run: Run, tmp_path: Path) -> None:
    site = run("--debug")

    assert site.ask("GET", "/").status_code == 200
    assert "__debugger__" in site.ask("GET", "/console").get_data(as_text=True)  # locked: it asks for the PIN
    site.stop()
    text = site.said()
    pin = re.search(r"Debugger PIN: ([\d-]+)", text)
    assert pin is not None
    assert text.count("Debugger PIN") == 1
    assert text.count("Microblog ") == 1
    assert pin[1] not in site.log.read_text()


def test_debug_without_debugger_and_reloader(run: Run) -> None:
    site = run("--debug", "--no-debugger", "--no-reload", "--passthrough-errors", "--show-error-pages")

    assert site.ask("GET", "/nope").status_code == 404
    assert site.ask("GET", "/console").status_code == 404
    site.stop()
    assert "PIN" not in site.said()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["rnu"], "'rnu' is not known; did you mean run?"),
        (["run", "--prot", "1"], "unknown: --prot 1"),
        (["run", "--port", "http"], "--port = 'http' must be a whole number."),
        (["run", "--port", "99999"], "--port = '99999' must be from 0 to 65535."),
        (["run", "--host", "192.0.2.1"], "192.0.2.1 is not an address of this machine"),
        (["config", "server.prot"], ""),
    ],
)
def test_a_mistyped_command_is_one_clear_sentence(words: list[str], text: str) -> None:
    assert text in refused(*words)


def test_a_wrong_setting_stops_the_start() -> None:
    text = refused("run", MICROBLOG_SERVER__PROT="1", MAIL_USE_TLS="maybe")

    assert "did you mean MICROBLOG_SERVER__PORT?" in text
    assert "MAIL_USE_TLS = 'maybe'" in text


@pytest.mark.parametrize("command", ["run", "setup", "test", "check", "config", "db", "user", "logs"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = subprocess.run([sys.executable, "manage.py", command, "--help"], cwd=ROOT, capture_output=True, text=True)

    assert shown.returncode == 0
    assert re.search(rf"xamples?:\s.*manage\.py {command}", shown.stdout, re.DOTALL)


def test_a_database_of_a_later_release_is_told(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(data=str(tmp_path)))
    upgrade(settings)
    with sqlite3.connect(tmp_path / "microblog.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of-tomorrow'")
    connection.close()

    text = refused("run", "--port", "0", MICROBLOG_PATHS__DATA=str(tmp_path))

    assert "The database is of another release than this code" in text


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "microblog.db").write_bytes(b"this is no database at all " * 200)

    assert "The database does not do it: file is not a database." in refused(
        "run", "--port", "0", MICROBLOG_PATHS__DATA=str(tmp_path)
    )


def test_the_administrator_hears_of_a_killed_worker(run: Run) -> None:
    mailbox = Mailbox()
    mailbox.start()
    try:
        site = run(
            *("--workers", "1"),
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=str(mailbox.port),
            ADMINS="ana@example.org",
            MICROBLOG_SITE__URL="https://blog.example.org",
            MICROBLOG_ALERTS__FIRST_WAIT="0.3",
        )
        children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

        assert wait_until(lambda: mailbox.mails)
        assert site.ask("GET", "/livez", Host="blog.example.org").status_code == 200
        assert "SIGKILL" in mailbox.mails[0].as_string()
    finally:
        mailbox.stop()


def test_config_shows_sources_and_masks_secrets() -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "config", "--json"],
        cwd=ROOT,
        env=os.environ
        | {"MAIL_PASSWORD": "hunter2", "DATABASE_URL": "postgres://me:hunter2@db/blog", "MAIL_PORT": "587"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    settings = json.loads(shown)

    assert "hunter2" not in shown
    assert settings["mail.port"]["value"] == 587
    assert settings["mail.port"]["source"] == "environment variable MAIL_PORT"
    assert settings["mail.port"]["variable"] == "MICROBLOG_MAIL__PORT"
    assert settings["database.url"]["value"] == "postgresql+psycopg://me:••••••@db/blog"
    assert settings["site.name"]["source"].startswith("config.toml, line ")


def test_config_into_a_closed_pipe() -> None:
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} manage.py config | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ended.stderr == ""


# nginx, as deploy/nginx.conf sets it up


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[[int], int]]:
    """`nginx(port of the site)` starts one with our own file, less its certificate; its port."""
    started: list[Nginx] = []

    def start(upstream: int) -> int:
        started.append(Nginx(tmp_path, free_port(), upstream))
        return started[-1].port

    yield start
    for one in started:
        one.stop()


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request(method, path, body=body or None, headers={"Host": "blog.example.org", **headers})
        answer = client.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        client.close()


def test_behind_nginx(run: Run, nginx: Callable[[int], int]) -> None:
    site = run(
        "--workers",
        "1",
        MICROBLOG_SERVER__PROXIES="1",
        MICROBLOG_SITE__URL="https://blog.example.org",
        MICROBLOG_PROFILE__AVATAR_MAX_BYTES="5000000",
    )
    port = nginx(site.port)

    status, headers, _ = ask(
        *(port, "GET", "/"),
        **{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Request-ID": "AAAAA-AAAAA"},
    )
    assert status == 200
    assert headers["X-Request-ID"] != "AAAAA-AAAAA"
    found: list[dict[str, object]] = []
    # The line is written when the answer is on its way, which may be a moment after it arrived here.
    assert wait_until(
        lambda: (
            found.extend(r for r in site.records("request.finished") if r["reference"] == headers["X-Request-ID"])
            or found
        )
    )
    assert found[0]["address"] == "127.0.0.1"  # the real client, not the one it claims to come for

    # Too large for the site, not for nginx: the page and the reference are the site's.
    status, headers, page = ask(port, "POST", "/login", b"username=" + b"x" * 2_000_000)
    assert status in {400, 413}
    assert headers["X-Request-ID"] in page
    assert "nginx" not in page

    status, headers, page = ask(port, "GET", "/nope")
    assert status == 404
    assert headers["X-Request-ID"] in page

    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:  # HTTP 1.0 knows no Host
        wire.sendall(b"GET /login HTTP/1.0\r\n\r\n")
        assert wire.makefile("rb").readline().split()[1] in {b"200", b"400"}
    assert not site.records("request.failed")

    site.stop()
    status, headers, page = ask(port, "GET", "/")
    assert status == 502
    assert headers["Retry-After"] == "5"
    assert "Back in a moment" in page


def test_the_whole_nginx_file_is_understood(tmp_path: Path) -> None:
    text = certified(tmp_path, (ROOT / "deploy" / "nginx.conf").read_text())
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/nginx.pid;\nevents {{}}\nhttp {{\n{text}\n}}\n")

    tried = subprocess.run(
        [program(), "-t", "-c", config, "-e", tmp_path / "nginx.log"], capture_output=True, text=True
    )

    assert tried.returncode == 0, tried.stderr
