"""`manage.py logs grep`: what it prints, and what it says when it finds nothing."""

import json

import pytest

from microblog.cli import CommandFailed
from microblog.config.settings import Logs, Settings
from tests.cli.asking import run


@pytest.fixture
def settings(tmp_path):
    made = Settings(logs=Logs(directory=str(tmp_path)))
    lines = [
        {"timestamp": f"2026-11-21T12:00:{n:02}.000Z", "level": "info", "event": "profile.saved", "logger": "x", "n": n}
        for n in range(30)
    ]
    (tmp_path / "microblog.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return made


def test_it_works(settings, capsys):
    assert run(settings, "grep", "n>=28", "profile", "--since", "2026-11-21") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "2026-11-21 12:00:28.000  INFO      profile.saved  n=28"
    assert "2 records (times in UTC)" in out
    assert "jq -cR" in out
    assert err == ""


def test_json_count_and_limit(settings, capsys):
    assert run(settings, "grep", "n<5", "--json", "--limit", "2") == 0
    assert [json.loads(line)["n"] for line in capsys.readouterr().out.splitlines()] == [3, 4]
    assert run(settings, "grep", "--count") == 0
    assert capsys.readouterr().out == "30\n"
    assert run(settings, "grep", "n>99", "--count") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["stats=1"], "no record of ours has stats; did you mean status?"),
        (["--event", "profile.save"], "profile.save is no event of ours; did you mean profile.saved?"),
        (["n=77"], "no record of ours has n"),
        (["event=request.failed"], "Nothing like that in 1 file beside"),
    ],
)
def test_nothing_is_said_with_what_may_be_meant(settings, capsys, words, sentence):
    assert run(settings, "grep", *words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err


def test_torn_lines_are_said_and_no_log_is(settings, capsys, tmp_path):
    with (tmp_path / "microblog.jsonl").open("a") as file:
        file.write('{"event":"torn\n')
    assert run(settings, "grep", "n=1") == 0
    assert run(settings, "grep") == 0
    assert "1 torn or foreign line left out." in capsys.readouterr().err
    assert run(Settings(logs=Logs(directory=str(tmp_path / "none"))), "grep") == 1
    assert "There is no log yet" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--since", "tomorrow-ish"], ["--user", "nobody_at_all"]])
def test_what_cannot_be_meant_is_refused(settings, words):
    with pytest.raises(CommandFailed, match=r"is no time|Nobody is called"):
        run(settings, "grep", *words)
