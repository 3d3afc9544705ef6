"""`manage.py logs export` and `logs forget`, of a member of the real site."""

import json

import pytest

from microblog.cli import CommandFailed
from tests.cli.asking import run


def test_it_works(browser, another_browser, ana, bo, settings, records, capfdbinary):
    browser.sign_in_by_form(ana)
    another_browser.sign_in_by_form(bo).get("/user/ana")
    capfdbinary.readouterr()

    assert run(settings, "export", "ana") == 0
    told = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert {record.get("user_id") for record in told} == {ana.id, bo.id}

    count, of_bo = len(records()), len(records(user_id=bo.id))
    assert run(settings, "forget", str(ana.id)) == 0
    assert (
        f"{len(told)} records in 1 file no longer name ana (member {ana.id})." in capfdbinary.readouterr().out.decode()
    )
    text = (settings.log_dir / "microblog.jsonl").read_text()
    assert "ana" not in text
    assert records(user_id=ana.id) == []
    assert (len(records()), len(records(user_id=bo.id))) == (count + 1, of_bo)
    assert records("log.forgotten")[0]["records"] == len(told)
    assert run(settings, "export", "ana") == 1


@pytest.mark.sqlite_only
def test_a_name_needs_the_database(settings, changed):
    with pytest.raises(CommandFailed, match="Give the number"):
        run(changed(database={"url": "sqlite:///gone.db"}), "forget", "ana")
