"""Exceptions as data: type, message, frames with their source line, causes and groups; never a variable's value.

Locals are left out on purpose: they are where passwords are.
"""

import linecache
import os
import sys
from functools import lru_cache
from types import TracebackType
from typing import Any

from microblog.config.settings import ROOT
from microblog.log.redaction import scrub, scrub_source
from microblog.log.values import STEPS, Limits, readable

MESSAGE = 2000  # characters of one exception's text; a message is for reading
_GROUPS = 3  # groups within groups
_FOREIGN = ("site-packages", "dist-packages", ".venv", "venv", "node_modules")
_ROOT = str(ROOT) + os.sep
_PYTHON = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a plain prefix, compared thousands of times


@lru_cache(maxsize=4096)
def place(filename: str) -> tuple[str, bool]:
    """A file as a record names it, and whether it is ours: inside the checkout and not an installed package."""
    if filename.startswith(_ROOT):
        relative = filename[len(_ROOT) :]
        if not any(part in _FOREIGN for part in relative.replace(os.sep, "/").split("/")):
            return readable(relative.replace(os.sep, "/"), 300), True
    for folder in _FOREIGN[:2]:
        _, found, inside = filename.rpartition(f"{folder}{os.sep}")
        if found:
            return readable(inside.replace(os.sep, "/"), 300), False
    # The same on every machine, so that fingerprints are.
    if filename.startswith(_PYTHON):
        return readable("python/" + filename[len(_PYTHON) :].replace(os.sep, "/"), 300), False
    return readable(filename, 300), False


def function_of(traceback: TracebackType) -> str:
    """``Class.method`` of a frame; Jinja renames only `co_name` when it points a traceback at a template."""
    code = traceback.tb_frame.f_code
    name: str = code.co_qualname if code.co_qualname.endswith(code.co_name) else code.co_name
    return readable(name, 200)


def tracebacks(exception: BaseException) -> list[TracebackType]:
    """Every level of the traceback, the caller first and where it was raised last."""
    levels = []
    level = exception.__traceback__
    while level is not None:
        levels.append(level)
        level = level.tb_next
    return levels


def message_of(exception: BaseException, limit: int = MESSAGE) -> str:
    """The text of an exception without SQL parameters and secrets, or a placeholder where ``str`` raises."""
    try:
        text = str(exception)
    except Exception as problem:  # noqa: BLE001 - an exception's own __str__ may raise anything
        return f"<{type(exception).__name__}, whose text raised {type(problem).__name__}>"
    # Cut first: what is searched below is at most 64,000 characters whatever was raised.
    cut = scrub(text[:64_000])
    if len(cut) > limit:
        cut = f"{cut[:limit]}… [{len(text)} characters]"
    return readable(cut, len(cut))


def current(exc_info: Any) -> BaseException | None:
    """The exception meant by `exc_info`: True for the one being handled, an exception, or a tuple of three."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None


def _chain(limits: Limits) -> int:
    """How many causes of causes, and how many members of a group: 10, and fewer where the line must be shorter."""
    return max(1, min(10, limits.frames // 5))


def _frame(level: TracebackType) -> dict[str, Any]:
    filename, line = level.tb_frame.f_code.co_filename, level.tb_lineno or 0
    linecache.checkcache(filename)
    source = linecache.getline(filename, line, level.tb_frame.f_globals).strip()
    return {
        "file": place(filename)[0],
        "line": line,
        "function": function_of(level),
        "source": scrub_source(readable(source, 200)),
    }


def _one(exception: BaseException, limits: Limits, depth: int) -> dict[str, Any]:
    kind = type(exception)
    levels = tracebacks(exception)
    out = len(levels) - limits.frames
    if out > 0:
        # The first tell who asked, the last what went wrong; an endless recursion is the same in between.
        half = limits.frames // 2
        levels = levels[:half] + levels[half + out :]
    described: dict[str, Any] = {
        "type": readable(kind.__qualname__, 200),
        "module": readable(str(kind.__module__), 200),
        "message": message_of(exception, min(MESSAGE, limits.text)),
        "frames": [_frame(level) for level in levels],
    }
    if out > 0:
        described["frames_left_out"] = out
    notes = vars(exception).get("__notes__")  # where add_note() puts them; a property of that name may do anything
    if isinstance(notes, list):
        told = (note for note in notes[: _chain(limits)] if isinstance(note, str))
        described["notes"] = [scrub(readable(note, 500)) for note in told]
    if isinstance(exception, BaseExceptionGroup):
        inside = exception.exceptions
        described["members"] = len(inside)
        if depth < _GROUPS:
            described["exceptions"] = [describe(member, limits, depth + 1) for member in inside[: _chain(limits)]]
    return described


def describe(exception: BaseException, limits: Limits = STEPS[0], depth: int = 0) -> list[dict[str, Any]]:
    """The exception and, after it, what caused it: each with `type`, `module`, `message` and `frames`.

    An entry after the first says in `link` how it belongs to the one before: ``cause`` (``raise … from``) or
    ``context`` (raised while handling it). The members of an exception group stand in `exceptions`,
    each a list like this one.
    """
    described: list[dict[str, Any]] = []
    seen: set[int] = set()
    link = ""
    following: BaseException | None = exception
    while following is not None and id(following) not in seen and len(described) < _chain(limits):
        seen.add(id(following))
        try:
            entry = _one(following, limits, depth)
        except Exception as problem:  # noqa: BLE001 - an exception's own attributes may raise, and must not hide the rest
            entry = {
                "type": type(following).__name__,
                "module": "",
                "message": f"<raised {type(problem).__name__}>",
                "frames": [],
            }
        described.append({**entry, "link": link} if link else entry)
        if following.__cause__ is not None:
            link, following = "cause", following.__cause__
        else:
            link, following = "context", None if following.__suppress_context__ else following.__context__
    return described
