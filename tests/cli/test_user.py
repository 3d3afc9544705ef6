"""manage.py user and db, as they are typed."""

import io

import pytest

from microblog.cli import main
from microblog.log.setup import close


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("MICROBLOG_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    assert main(["db", "upgrade"]) == 0
    yield
    close()


def say(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_it_works(monkeypatch, capsys):
    say(monkeypatch, "a long password\n")
    assert main(["user", "create", "ana", "ana@example.org", "--role", "administrator", "--password-stdin"]) == 0
    assert main(["user", "list"]) == 0

    out = capsys.readouterr().out
    assert "Created ana (administrator)." in out
    assert "a long password" not in out
    assert "ana@example.org" in out


def test_without_a_password_one_is_made_and_shown_once(monkeypatch, capsys):
    say(monkeypatch, "")
    main(["user", "create", "ana", "ana@example.org"])
    made = capsys.readouterr().out.rpartition("Password: ")[2].strip()
    assert len(made) >= 16
    say(monkeypatch, "")
    assert main(["user", "password", "ana"]) == 0
    assert made not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create", "a", "ana@example.org"], "at least 3"),
        (["create", "login", "ana@example.org"], "kept for the site"),
        (["create", "bo_", "no address"], "@-sign"),
        (["password", "nobody"], "Nobody is called nobody"),
        (["role", "nobody", "member"], "Nobody is called nobody"),
    ],
)
def test_what_cannot_be_done_is_said(monkeypatch, capsys, words, sentence):
    say(monkeypatch, "")
    assert main(["user", *words]) == 1
    assert sentence in capsys.readouterr().err


def test_a_taken_name_and_a_short_password(monkeypatch, capsys):
    say(monkeypatch, "")
    main(["user", "create", "ana", "ana@example.org"])
    say(monkeypatch, "")
    assert main(["user", "create", "ANA", "ana@example.org"]) == 1
    assert "taken" in capsys.readouterr().err
    say(monkeypatch, "short\n")
    assert main(["user", "password", "ana", "--password-stdin"]) == 1
    assert "at least 8" in capsys.readouterr().err


def test_role(monkeypatch, capsys):
    say(monkeypatch, "")
    main(["user", "create", "ana", "ana@example.org"])
    assert main(["user", "role", "ana", "moderator"]) == 0
    main(["user", "list"])
    assert "moderator" in capsys.readouterr().out


def test_down_and_up_again():
    assert main(["db", "downgrade"]) == 0
    assert main(["db", "upgrade"]) == 0


def test_suspended_and_let_in_again(monkeypatch, capsys, tmp_path):
    say(monkeypatch, "")
    main(["user", "create", "ana", "ana@example.org"])
    capsys.readouterr()
    assert main(["user", "suspend", "ana", "--note", "Advertising"]) == 0
    assert capsys.readouterr().out == "ana is suspended, and signed out everywhere.\n"
    assert main(["user", "suspend", "ana"]) == 0
    assert capsys.readouterr().out == "ana was suspended.\n"
    assert main(["user", "unsuspend", "ANA"]) == 0
    assert capsys.readouterr().out == "ana is not suspended.\n"
    log = (tmp_path / "logs" / "microblog.jsonl").read_text()
    assert log.count('"moderation.decided"') == 2
    assert main(["user", "suspend", "nobody"]) == 1
    main(["user", "role", "ana", "administrator"])
    assert main(["user", "suspend", "ana"]) == 1
    assert "user role ana member" in capsys.readouterr().err
