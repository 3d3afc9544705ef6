"""`manage.py check --errors`: all of them on one page, and a failure for each thing that must not be."""

import re
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from flask import Response
from jinja2 import DictLoader
from sqlalchemy import text
from werkzeug.exceptions import HTTPException

from microblog.cli import error_answers, error_findings, main
from microblog.cli.markup import Reader
from microblog.config.settings import ROOT
from microblog.errors.table import PROBLEMS
from microblog.extensions import db
from microblog.log import setup
from tests.support.inspection import _parses

TEMPLATES = ROOT / "templates"


@pytest.fixture
def operator(tmp_path, monkeypatch):
    """The folder of a site that somebody runs."""
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MICROBLOG_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("MICROBLOG_SITE__NAME", "Python <friends>")
    monkeypatch.setenv("MICROBLOG_MAIL__SERVER", "127.0.0.1")
    monkeypatch.setenv("MICROBLOG_MAIL__ADMINS", "op@example.org")
    yield tmp_path
    setup.close()


@pytest.mark.slow
def test_it_works(operator, capsys):
    assert main(["check", "--errors"]) == 0

    sheet = operator / "data" / "errors.html"
    assert capsys.readouterr().out == f"All {answers_in_all()} answers are sound; {sheet} shows them.\n"
    html = sheet.read_text()
    _parses(html, fragment=False)
    for words in PROBLEMS.values():
        assert words.title in html
    assert "Every error of Python &lt;friends&gt;" in html
    assert not re.search(r'(src|href)="(/|https?:)', html), "it needs nothing else"
    # Nothing but the page was touched: no database, no key, no log, no mail waiting.
    assert [path.name for path in sheet.parent.iterdir()] == ["errors.html"]
    assert not (operator / "logs").exists()


def answers_in_all(statuses=PROBLEMS):
    return 3 * 2 * 2 * (len(statuses) + 1) + 3 * 2


@pytest.mark.slow
def test_the_page_goes_where_it_is_wanted(operator):
    wanted = operator / "somewhere" / "else.html"
    assert main(["check", "--errors", "--sheet", str(wanted)]) == 0
    assert wanted.is_file()
    assert not (operator / "data").exists()


def test_a_page_of_nothing_is_refused(operator, capsys):
    assert main(["check", "--sheet", "errors.html"]) == 1
    assert capsys.readouterr().err == "--sheet says where the page of --errors goes: add --errors.\n"


@pytest.mark.slow
def test_every_answer_is_valid_for_a_real_parser_too():
    with error_answers.throw_away("Microblog") as site:
        kinds = set()
        for answer in error_answers.every_answer(site):
            kinds.add((answer.case, answer.kind, answer.who, answer.database))
            if answer.kind != "JSON":
                _parses(answer.body, fragment=answer.kind == "fragment")
    assert len(kinds) == answers_in_all()
    assert not site.settings.data_dir.exists()


def leaks_a_path(app):
    handlers = app.error_handler_spec[None][None]
    tell = handlers[HTTPException]

    def leaky(error):
        answer = tell(error)
        try:
            Path("/srv/microblog/secrets.toml").read_text()
        except OSError as reason:
            answer.set_data(answer.get_data(as_text=True).replace("</p>", f"{reason.filename}</p>", 1))
        return answer

    handlers[HTTPException] = leaky


def template(name, old, new):
    """Plant a fault into the template `name`."""

    def plant(app):
        source = (TEMPLATES / name).read_text()
        assert old in source
        loader = app.jinja_env.loader
        app.jinja_env.loader = DictLoader({name: source.replace(old, new)})
        fallback = loader.get_source
        faulty = app.jinja_env.loader.get_source
        app.jinja_env.loader.get_source = lambda env, wanted: (faulty if wanted == name else fallback)(env, wanted)

    return plant


def asks_the_database(app):
    @app.context_processor
    def members():
        return {"members": db.session.execute(text("SELECT count(*) FROM users")).scalar()}


def says_what_runs_here(app):
    @app.after_request
    def tell(response: Response) -> Response:
        response.headers["Server"] = "gunicorn"
        return response


PLANTED = {
    "a path": (leaks_a_path, "it shows an internal detail: '/srv/'"),
    "SQL": (
        template("errors/page.html", "{{ failure.next_step }}", "{{ failure.next_step }} SELECT 1"),
        "it shows an internal detail: 'SELECT'",
    ),
    "a version": (
        template("shared/_toast.html", "{{ toast.text }}", "{{ toast.text }} Flask 3.1.3"),
        "it shows an internal detail: '3.1.3'",
    ),
    "no reference": (
        template("shared/_toast.html", "data-reference>{{ toast.reference }}", ">"),
        "it shows the reference , and the log has",
    ),
    "no place for it": (
        template("errors/page.html", '<code class="reference" data-reference>{{ reference }}</code>', ""),
        "it shows no reference",
    ),
    "another reference": (
        template("errors/page.html", "data-reference>{{ reference }}", "data-reference>AAAAA-BBBBB"),
        "it shows the reference AAAAA-BBBBB",
    ),
    "an open element": (template("errors/page.html", "</article>", ""), "<article> is not closed before </main>"),
    "an id twice": (
        template("errors/page.html", '<p class="lead">', '<p class="lead" id="main">'),
        'id="main" stands 2 times',
    ),
    "a query": (asks_the_database, "the status is "),
    "a server": (says_what_runs_here, "Server says what runs here"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_fails(operator, capsys, monkeypatch, what):
    plant, complaint = PLANTED[what]
    make = error_answers.create_app

    def faulty(settings):
        app = make(settings)
        plant(app)
        return app

    monkeypatch.setattr(error_answers, "create_app", faulty)
    monkeypatch.setattr(error_answers, "PROBLEMS", {404: PROBLEMS[404], 500: PROBLEMS[500]})  # enough to be caught
    assert main(["check", "--errors"]) == 1
    out = capsys.readouterr().out
    assert complaint in out
    assert re.search(r"FAIL  \d+, (page|fragment|JSON), (stranger|member), database (up|down)", out)
    assert re.search(rf"\d+ of {answers_in_all([404, 500])} answers are wrong; \S+errors.html shows them", out)
    assert "is-wrong" in (operator / "data" / "errors.html").read_text()


def test_a_missing_header_fails():
    with error_answers.throw_away("Microblog") as site:
        answers = [site.ask("429", 429, "/-/429/up", kind, "member", "up") for kind in error_answers.KINDS]
    for answer in answers:
        assert error_findings.problems(answer, name="Microblog") == []
        for header in (*error_findings.HEADERS, "Content-Security-Policy", "Vary", "Retry-After", "X-Request-ID"):
            less = answer.headers.copy()
            del less[header]
            complaints = error_findings.problems(replace(answer, headers=less), name="Microblog")
            assert any(header in text for text in complaints), header
    toast = answers[1]
    for header in error_findings.TOAST:
        less = toast.headers.copy()
        del less[header]
        assert f"{header} is missing" in error_findings.problems(replace(toast, headers=less), name="Microblog")


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<p>one", "<p> is never closed"),
        ("<p>one</div></p>", "</div> closes nothing"),
        ("<div><p>one</div>", "<p> is not closed before </div>"),
        ("<p><div>one</div></p>", "<div> inside <p>"),
        ("<p a='1' a='2'>one</p>", "<p> has a twice"),
        ("<img src=x>", "<img> has no alt"),
        ("<b id=a></b><i id=a></i>", 'id="a" stands 2 times'),
        ("<b id=''></b>", "<b> has an empty id"),
        ("<b style='x'></b>", "<b> has inline style or script, which the policy forbids"),
        ("<b onclick='x'></b>", "<b> has inline style or script, which the policy forbids"),
        ("<p>1 < 2</p>", "a < that begins no tag"),
        ("<p/>", "<p/> does not close itself"),
        ("<!doctype html><p>1 &lt; 2 <br>&amp; <use/></p><svg><path d='x'/></svg>", None),
        ("<ul><li>one</li></ul><p>a <b>b</b></p><textarea>\n&lt; x</textarea>", None),
    ],
)
def test_html(html, problem):
    assert Reader(html).problems == ([problem] if problem else [])
    if problem is None:
        html5lib.parse(html)
