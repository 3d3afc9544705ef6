"""`manage.py check --deploy`: what others would find open, and how old the newest backup is."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from microblog.cli import checks, deploy_checks
from microblog.config.settings import ROOT, Database, Logs, Mail, Paths, Server, Settings, Site, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A site as it should be."""
    made = Settings(
        site=Site(url="https://blog.example.org"),
        server=Server(proxies=1, workers=2),
        paths=Paths(data=str(tmp_path / "data")),
        logs=Logs(directory=str(tmp_path / "logs")),
        mail=Mail(server="mail.example.org", admins=("ana@example.org",), other_admins=("ana@example.org",)),
    )
    for folder in (made.data_dir, made.log_dir):
        folder.mkdir(mode=0o750)
    (made.data_dir / "secret_key").write_text("k" * 40)
    return made


def found(settings: Settings) -> dict[str, str]:
    """name → state, of what is not ok."""
    every = [finding for look in deploy_checks.DEPLOY for finding in look(settings)]
    return {finding.name: finding.state for finding in every if finding.state != "ok"}


def test_it_works(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    assert found(settings) == {}


@pytest.mark.parametrize(
    ("section", "values", "name", "state"),
    [
        ("site", {"url": "http://blog.example.org"}, "address", "fail"),
        ("site", {"url": "http://127.0.0.1:5000"}, "address", "fail"),
        ("site", {"environment": "staging"}, "environment", "warn"),
        ("server", {"proxies": 0}, "proxies", "fail"),
        ("server", {"workers": 1}, "workers", "warn"),
        ("server", {"workers": 64}, "workers", "warn"),
        ("server", {"trusted_hosts": (".example.org",)}, "trusted hosts", "warn"),
        ("mail", {"server": ""}, "mail", "fail"),
        ("mail", {"admins": ()}, "mail", "fail"),
    ],
)
def test_what_is_left_open(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    section: str,
    values: dict[str, object],
    name: str,
    state: str,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    assert found(replace(settings, **{section: replace(getattr(settings, section), **values)})) == {name: state}


def test_debug(settings: Settings) -> None:
    assert found(replace(settings, debug=True))["debug"] == "fail"


def test_no_key_yet(settings: Settings) -> None:
    (settings.data_dir / "secret_key").unlink()

    assert found(settings)["secret key"] == "warn"


@pytest.mark.parametrize("name", ["data", "logs"])
def test_folders_others_may_look_into(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / name).chmod(0o755)
    (finding,) = deploy_checks.permissions(settings)

    assert finding.state == "fail"
    assert finding.detail.endswith(f"chmod 750 {tmp_path / name}")


def test_a_database_others_may_read(settings: Settings, tmp_path: Path) -> None:
    """It is safe in a folder that they cannot enter."""
    (settings.data_dir / "microblog.db").touch(0o644)
    assert "permissions" not in found(settings)

    tmp_path.chmod(0o755)
    (tmp_path / "elsewhere.db").touch(0o644)
    assert found(replace(settings, database=Database(url=f"sqlite:///{tmp_path}/elsewhere.db"))) == {
        "permissions": "fail"
    }


def test_the_configuration(tmp_path: Path) -> None:
    """A file that others may read is well, unless a secret stands in it; one that they may change never is."""
    config, password = tmp_path / "microblog.toml", tmp_path / "password"
    paths = f'[paths]\ndata = "{tmp_path}/none"\n[logs]\ndirectory = "{tmp_path}/none"\n'

    def state(text: str, mode: int, **environ: str) -> tuple[str, str]:
        config.write_text(paths + text)
        config.chmod(mode)
        (finding,) = deploy_checks.permissions(load(config, environ, folder=tmp_path))
        return finding.state, finding.detail

    assert state("", 0o644)[0] == "ok"
    assert state("", 0o646)[0] == "fail"
    assert state('[mail]\npassword = "hunter2"\n', 0o640)[0] == "ok"
    assert state('[mail]\npassword = "hunter2"\n', 0o644)[0] == "fail"
    assert state('[database]\nurl = "postgresql://me:hunter2@db/blog"\n', 0o644)[0] == "fail"
    assert state('[metrics]\ntoken = "hunter2hunter2hunter2"\n', 0o644)[0] == "fail"
    password.write_text("hunter2")
    password.chmod(0o644)
    assert state("", 0o644, MAIL_PASSWORD_FILE=str(password)) == (
        "fail",
        f"others may read the secrets in {password} (-rw-r--r--): chmod o= {password}",
    )


def test_the_age_of_the_newest_backup(settings: Settings) -> None:
    def line() -> tuple[str, str]:
        ((state, detail),) = [(one.state, one.detail) for one in checks.backups(settings)]
        return state, detail

    assert line() == ("ok", "nothing to keep yet")
    (settings.data_dir / "microblog.db").write_text("")
    assert line()[0] == "warn"
    assert "python3 manage.py backup" in line()[1]

    settings.backup_dir.mkdir()
    (settings.backup_dir / "microblog-of-mine.tar.gz").write_text("")
    assert line()[0] == "warn", "that is another file"
    newest = settings.backup_dir / "microblog-20261121T030000Z.tar.gz"
    newest.write_text("")
    assert line() == ("ok", "1 kept, the newest is 0 hours old")
    os.utime(newest, (time.time(), time.time() - 3 * 86400))
    assert line()[0] == "warn"
    assert "3 days old" in line()[1]


def test_the_command(tmp_path: Path) -> None:
    """At the desk it fails; each thing is told once, with the worse word."""
    environ = {
        "MICROBLOG_PATHS__DATA": str(tmp_path / "data"),
        "MICROBLOG_LOGS__DIRECTORY": str(tmp_path / "logs"),
        "MICROBLOG_SITE__URL": "http://blog.example.org",
    }
    ran = subprocess.run(
        [sys.executable, "manage.py", "check", "--site", "--deploy"],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1, ran.stdout + ran.stderr
    names = [(line[:4], line[6:20].strip()) for line in ran.stdout.splitlines() if line[:4] in {"FAIL", "warn"}]
    assert [state for state, name in names if name == "mail"] == ["FAIL"]
    assert [state for state, name in names if name == "address"] == ["FAIL"]
    assert not (tmp_path / "data").exists()
