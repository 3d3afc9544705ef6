"""Exceptions as data, and which of them are the same."""

import json
import logging
import sys
import types
from pathlib import Path
from typing import Any

import jinja2
import pytest
import sqlalchemy as sa
import structlog

from microblog.config.settings import ROOT
from microblog.log import events
from microblog.log.exceptions import describe, message_of, place
from microblog.log.fingerprint import fingerprint

log = structlog.get_logger("microblog.tests")


def raised(function: Any, *arguments: Any) -> BaseException:
    try:
        function(*arguments)
    except BaseException as exception:
        return exception
    raise AssertionError("nothing was raised")


def fail() -> None:
    local_password = "canary-in-a-local"  # noqa: F841 - what must not be told
    raise ValueError("no good")


class BrokenError(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")

    __repr__ = __str__


def test_it_works(records: Any) -> None:
    try:
        fail()
    except ValueError:
        log.exception(events.REQUEST_FAILED, path="/x")

    (record,) = records()
    (described,) = record["exception"]
    assert described["type"] == "ValueError"
    assert described["module"] == "builtins"
    assert described["message"] == "no good"
    assert described["frames"][-1] == {
        "file": "tests/logs/test_exceptions.py",
        "line": fail.__code__.co_firstlineno + 2,
        "function": "fail",
        "source": 'raise ValueError("no good")',
    }
    assert len(record["fingerprint"]) == 12
    assert "exc_info" not in record
    assert "canary-in-a-local" not in json.dumps(record)


@pytest.mark.parametrize("how", ["true", "instance", "tuple"])
def test_however_it_is_handed_over(records: Any, how: str) -> None:
    try:
        fail()
    except ValueError as exception:
        log.error(events.REQUEST_FAILED, exc_info={"true": True, "instance": exception, "tuple": sys.exc_info()}[how])

    (record,) = records()
    assert record["exception"][0]["type"] == "ValueError"


def test_none_where_there_is_none(records: Any) -> None:
    log.error(events.REQUEST_FAILED, exc_info=True)  # noqa: LOG014 - the mistake this is about
    log.error(events.REQUEST_FAILED, exc_info=None)

    assert not any("exception" in record for record in records())


def test_a_foreign_exception_is_described_too(records: Any) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("it broke")

    (record,) = records()
    assert record["event"] == "it broke"
    assert record["exception"][0]["message"] == "no good"
    assert "fingerprint" in record


def test_the_chain_tells_what_led_to_what() -> None:
    def explicit() -> None:
        try:
            try:
                fail()
            except ValueError as first:
                raise KeyError("second") from first
        except KeyError:
            raise RuntimeError("third")  # noqa: B904

    described = describe(raised(explicit))
    assert [(entry["type"], entry.get("link")) for entry in described] == [
        ("RuntimeError", None),
        ("KeyError", "context"),
        ("ValueError", "cause"),
    ]


def test_a_suppressed_context_stays_out() -> None:
    def hidden() -> None:
        try:
            fail()
        except ValueError:
            raise RuntimeError from None

    assert len(describe(raised(hidden))) == 1


def test_a_chain_in_a_circle_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    assert [entry["message"] for entry in describe(one)] == ["one", "two"]


def test_groups_and_notes_are_told() -> None:
    inner = ExceptionGroup("inner", [raised(fail)])  # type: ignore[list-item]
    group = ExceptionGroup("outer", [inner, KeyError("k")])
    group.add_note("while saving, password=hunter2")

    (described,) = describe(group)
    assert described["members"] == 2
    assert described["notes"] == ["while saving, password=[redacted]"]
    assert described["exceptions"][0][0]["exceptions"][0][0]["message"] == "no good"


def test_an_endless_recursion_keeps_its_ends() -> None:
    def endless(n: int) -> None:
        endless(n + 1)

    (described,) = describe(raised(endless, 0))
    frames = described["frames"]
    assert described["type"] == "RecursionError"
    assert len(frames) == 50
    assert frames[0]["function"] == "raised"
    assert frames[-1]["function"].endswith("endless")
    assert described["frames_left_out"] > 800


def test_what_raises_when_shown_has_a_placeholder(records: Any, ours_alone: Any) -> None:
    ours_alone()
    log.error(events.REQUEST_FAILED, exc_info=BrokenError())

    (record,) = records()
    assert record["exception"][0]["message"] == "<BrokenError, whose text raised TypeError>"


def test_a_long_message_is_cut() -> None:
    message = message_of(ValueError("x" * 1_000_000))

    assert len(message) < 2100
    assert message.endswith("… [1000000 characters]")


@pytest.mark.parametrize("hidden", [True, False])
def test_no_sql_parameter_is_told(hidden: bool) -> None:
    typed = "CANARY\n[SQL: (".lower()  # not as it stands in this source line
    engine = sa.create_engine("sqlite://", hide_parameters=hidden)

    def query() -> None:
        with engine.connect() as connection:
            connection.execute(sa.text("INSERT INTO nowhere VALUES (:bio)"), {"bio": typed})

    text = json.dumps(describe(raised(query)))
    engine.dispose()
    assert "INSERT INTO nowhere" in text
    assert "canary" not in text


def test_a_template_error_names_the_template(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>\n{{ missing.name }}\n</p>")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(tmp_path), undefined=jinja2.StrictUndefined, autoescape=True
    )

    (described,) = describe(raised(environment.get_template("page.html").render))
    (frame,) = [frame for frame in described["frames"] if frame["file"] == str(tmp_path / "page.html")]
    assert frame["line"] == 2
    assert frame["function"] == "top-level template code"
    assert frame["source"] == "{{ missing.name }}"


def test_places_are_told_without_this_machine() -> None:
    assert place(str(ROOT / "microblog/x.py")) == ("microblog/x.py", True)
    assert place(str(ROOT / "templates/posts/_post.html")) == ("templates/posts/_post.html", True)
    assert place(str(ROOT / ".venv/lib/python3.11/site-packages/flask/app.py")) == ("flask/app.py", False)
    assert place("/usr/lib/python3/dist-packages/flask/app.py") == ("flask/app.py", False)
    assert place(json.__file__) == ("python/json/__init__.py", False)
    assert place("<string>") == ("<string>", False)


def module(source: str, file: Path) -> Any:
    made = types.ModuleType("made")
    exec(compile(source, file, "exec"), made.__dict__)
    return made


def test_the_fingerprint_is_the_kind_and_the_place() -> None:
    ours = ROOT / "microblog/made.py"
    first = module("def a(): raise ValueError('one')\ndef b(): raise ValueError\ndef c(): raise KeyError", ours)
    moved = module("\n\n\ndef a():\n    x = 1\n    raise ValueError('two')", ours)
    other = module("def a(): raise ValueError('one')", ROOT / "microblog/other.py")

    one = fingerprint(raised(first.a))
    assert one == fingerprint(raised(moved.a)), "an edit elsewhere and another message do not make it new"
    assert len({one, *(fingerprint(raised(f)) for f in (first.b, first.c, other.a))}) == 4
    assert int(one, 16) >= 0
    assert len(one) == 12


def test_the_deepest_frame_of_ours_decides() -> None:
    library = module("def call(f): f()\ndef fail(): raise ValueError", Path("/x/site-packages/lib.py"))
    ours = module("def a(l): l.call(l.fail)\ndef b(l): l.call(l.fail)", ROOT / "microblog/made.py")

    assert fingerprint(raised(ours.a, library)) != fingerprint(raised(ours.b, library))


def test_without_ours_the_deepest_frame_decides() -> None:
    library = module("def a(): raise ValueError\ndef b(): raise ValueError", Path("/x/site-packages/lib.py"))

    def cut(exception: BaseException) -> BaseException:
        assert exception.__traceback__
        return exception.with_traceback(exception.__traceback__.tb_next)

    assert fingerprint(cut(raised(library.a))) != fingerprint(cut(raised(library.b)))
    assert fingerprint(ValueError("never raised")) == fingerprint(ValueError())
