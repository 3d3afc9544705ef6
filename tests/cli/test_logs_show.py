"""`manage.py logs show`: the summary in words."""

import pytest

from tests.cli.asking import run


@pytest.mark.sqlite_only
def test_it_works(browser, ana, route, settings, capsys):
    def broken():
        raise LookupError("no such column")

    browser.sign_in(ana)
    route("/broken", broken)
    failed = browser.hx_post("/broken", headers={"HX-Source": "form#field-website"})
    capsys.readouterr()

    assert run(settings, "show", failed.reference) == 0
    top, _, rest = capsys.readouterr().out.partition("\n\n")
    lines = dict(line.strip().split("  ", 1) for line in top.splitlines()[1:])
    told = {word: text.strip() for word, text in lines.items()}
    assert told["who"] == f"ana (member {ana.id}), from 127.0.0.1"
    assert told["did"] == "POST /broken, by form#field-website, as a part of a page"
    assert told["saw"].startswith("500, a note: “Something broke on our side. It is not your fault")
    assert "SQL statement" in told["took"]
    assert told["why"].startswith("LookupError: no such column, in tests/cli/test_logs_show.py:")
    assert told["mail"].startswith("none in the log")
    assert "request.failed  microblog.errors" in rest
    assert "Around it, the same person within 120 seconds:" in rest
    assert "GET  /edit_profile  200" in rest


@pytest.mark.sqlite_only
def test_without_a_database_the_number_is_enough(browser, ana, settings, capsys, changed):
    page = browser.sign_in(ana).get("/nope")
    gone = changed(database={"url": "sqlite:///gone.db"})
    capsys.readouterr()

    assert run(gone, "show", page.reference) == 0
    assert f"  who     member {ana.id}, from 127.0.0.1" in capsys.readouterr().out
    assert not (settings.data_dir / "gone.db").exists()
