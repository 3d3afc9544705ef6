"""`manage.py logs level`: show, set, take back; what is misspelt is refused with what may be meant."""

import pytest

from microblog.cli import CommandFailed
from microblog.config.settings import Logs, Settings
from tests.cli.asking import run


@pytest.fixture
def settings(tmp_path):
    return Settings(logs=Logs(directory=str(tmp_path)))


def test_it_works(settings, capsys):
    assert run(settings, "level", "sqlalchemy=debug", "microblog.people=DEBUG", "--for", "2h") == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert lines["sqlalchemy"].startswith("debug until ")
    assert lines["sqlalchemy"].endswith("UTC, then warning")
    assert lines["microblog"] == "info"
    assert run(settings, "level") == 0
    assert capsys.readouterr().out == out
    assert run(settings, "level", "--reset") == 0
    assert "until" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sqlalchmy=debug"], "There is no logger sqlalchmy; did you mean sqlalchemy?"),
        (["root=debug"], "There is no logger root"),
        (["sqlalchemy=debugg"], "did you mean debug?"),
        (["sqlalchemy"], "is not logger=level"),
        (["sqlalchemy=debug", "--for", "8d"], "--for 8d is no time up to 7 days"),
        (["sqlalchemy=debug", "--reset"], "it stands alone"),
    ],
)
def test_refused(settings, words, sentence):
    with pytest.raises(CommandFailed, match=sentence.replace("?", r"\?")):
        run(settings, "level", *words)
