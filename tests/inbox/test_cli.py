"""manage.py errors, as it is typed."""

import json
import re
import time

import pytest

from microblog.alerts.inbox.store import Inbox
from microblog.alerts.spool_file import SpoolUnusable
from microblog.cli import main

NOW = time.time()


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", settings.paths.data)
    monkeypatch.setenv("MICROBLOG_LOGS__DIRECTORY", settings.logs.directory)
    monkeypatch.setenv("SUDO_USER", "ana")


@pytest.fixture
def run(capsys):
    def run(*words, code=0):
        assert main(["errors", *words]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return run


def test_it_works(log, run):
    now = time.time()
    log.started("0.1.0", at=now - 200)
    for number in range(3):
        log.fails(fingerprint="82eebddbf847", at=now - 180, user_id=number, route="/profile", reference="K7Q2F-9M4ZX")
    log.fails("ValueError", fingerprint="11aa00000000", at=now - 90_000)
    lines = run("list").splitlines()
    assert lines[0].split() == ["id", "state", "count", "people", "last", "seen", "what"]
    assert re.fullmatch(r"82eebddb  new +3 +3 +3 min ago  KeyError: no KeyError here  /profile", lines[1]), (
        "the latest first"
    )
    assert lines[2].startswith("11aa0000  ongoing ")
    assert run("list", "--since", "1h").count("\n") == 2

    shown = run("show", "82e")
    assert "KeyError: no KeyError here\n\n  id           82eebddbf847\n  state        new\n" in shown
    assert "in 0.1.0  K7Q2F-9M4ZX" in shown
    assert "      return form[name]" in shown
    assert "█  most in six hours: 3" in shown
    assert shown.endswith("python3 manage.py logs show K7Q2F-9M4ZX\n")


def test_what_was_decided(log, run):
    one = log.fails(at=NOW - 60)
    assert run("resolve", one[-12:]) == f"{one[:8]} is resolved in 0.1.0. If it comes back, a mail says so at once.\n"
    assert run("list") == "Nothing is open. 1 resolved or muted: manage.py errors list --state all\n"
    assert re.search(r"state +resolved in 0\.1\.0 by ana, \d{4}-", run("show", one))
    log.fails(at=time.time() + 1)
    assert re.search(r"state +regressed: resolved in 0\.1\.0 by ana", run("show", one))
    assert "regressed" in run("list", "--state", "regressed")
    assert " is muted: no mail, still counted." in run("mute", one)
    assert re.search(r" is muted until \d{4}-\d\d-\d\d \d\d:\d\d: no mail", run("mute", one, "--for", "7d"))
    assert re.search(r"state +muted by ana, .*, until ", run("show", one))
    assert run("list", "--state", "resolved") == "Nothing is resolved.\n"
    assert run("reopen", one) == f"{one[:8]} is new again.\n"


def test_nothing_has_failed(run):
    assert run("list") == "Nothing has failed. When something does, it stands here.\n"


def test_for_pipes(log, run):
    one = log.fails(at=NOW, user_id=3, reference="K7Q2F-9M4ZX")
    (listed,) = map(json.loads, run("list", "--json").splitlines())
    assert (listed["fingerprint"], listed["state"], listed["count"], listed["people"]) == (one, "new", 1, "1")
    shown = json.loads(run("show", one, "--json"))
    assert (sum(shown["curve"]), shown["example"]["reference"]) == (1, "K7Q2F-9M4ZX")


def test_reindex(log, run):
    log.fails()
    assert run("reindex") == "Read 1 lines anew: 1 different failure. What was decided is kept.\n"


def test_what_cannot_be_done_is_said(log, run, monkeypatch):
    log.fails(fingerprint="aa1111111111")
    log.fails(fingerprint="aa2222222222")
    assert "No failure has an id that begins with 'zz'" in run("show", "zz", code=1)
    assert "Several ids begin with 'aa'" in run("resolve", "aa", code=1)
    for words in (["mute", "aa1", "--for", "soon"], ["list", "--state", "mutd"], ["list", "--since", "0d"]):
        with pytest.raises(SystemExit):
            main(["errors", *words])

    def full(self, *_):
        raise SpoolUnusable("errors.sqlite3: no room")

    monkeypatch.setattr(Inbox, "decide", full)
    assert "Nothing was changed, the inbox cannot be written" in run("mute", "aa1", code=1)
    monkeypatch.setattr(Inbox, "read_on", full)
    assert "The inbox cannot be used: errors.sqlite3: no room." in run("list", code=1)


def test_hostile_text_moves_no_terminal(log, run):
    log.fails("\x1b[2JEvil\u202e", fingerprint="ee0000000000")
    assert "\x1b" not in run("list") + run("show", "ee")


@pytest.mark.parametrize("words", [[], ["list"], ["show"], ["resolve"], ["mute"], ["reopen"], ["reindex"]])
def test_help_has_an_example(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(["errors", *words, "--help"])
    assert ended.value.code == 0
    assert re.search("examples?:\n", capsys.readouterr().out)
