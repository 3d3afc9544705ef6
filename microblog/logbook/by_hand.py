"""A query as the command lines that ask the same: ours, and jq for whoever has only that."""

import json
import re
import shlex

from microblog.log.event import LEVELS
from microblog.logbook.conditions import Condition, as_written
from microblog.logbook.query import Query

_LISTS = frozenset(("exception", "fields", "fingerprints", "recipients", "removed", "stack"))
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EACH = 'if type == "array" then .[] else . end'


def jq(query: Query, files: str) -> str:
    """The same with jq; `files` is how a shell spells the files of the log."""
    raw = "".join(f"select(contains({json.dumps(as_written(text).decode())})) | " for text in query.texts)
    tests = [_test(condition) for condition in query.conditions]
    if query.level:
        wanted = ", ".join(json.dumps(level) for level in LEVELS[LEVELS.index(query.level) :])
        tests.append(f"(.level | IN({wanted}))")
    tests += [f'.timestamp >= "{query.since}"'] if query.since else []
    tests += [f'.timestamp <= "{query.until}"'] if query.until else []
    selected = f" | select({' and '.join(tests)})" if tests else ""
    return f"zcat -f {files} | jq -cR {shlex.quote(f'{raw}fromjson?{selected}')}"


def command(query: Query) -> str:
    """The same with `manage.py logs grep`."""
    words = [str(condition) for condition in query.conditions]
    words += [f"--text={text}" if Condition.parsed(text) or text.startswith("-") else text for text in query.texts]
    for name in ("since", "until", "level"):
        words += [f"--{name}", getattr(query, name)] if getattr(query, name) else []
    return shlex.join(["python3", "manage.py", "logs", "grep", *words])


def _test(condition: Condition) -> str:
    spelled, number = _spelled(condition.value)
    if not _SIMPLE.fullmatch(condition.key) or condition.key in _LISTS:
        path = "." + f" | {_EACH} | .".join(f"[{json.dumps(part)}]?" for part in condition.key.split("."))
        found = f"any({path} | {_EACH}; {_judged('.', condition, spelled, number=number)})"
        return f"({found} | not)" if condition.operator == "!=" else found
    return _judged(f".{condition.key}", condition, spelled, number=number, alone=True)


def _judged(value: str, condition: Condition, spelled: list[str], *, number: bool, alone: bool = False) -> str:
    if condition.operator in ("=", "!="):
        same = f"{value} == {spelled[0]}" if len(spelled) == 1 else f"({value} | IN({', '.join(spelled)}))"
        if alone and condition.operator == "!=":
            return f"({same} | not)" if len(spelled) > 1 else f"{value} != {spelled[0]}"
        return same
    limit, kind = (condition.value, "numbers") if number else (spelled[0], "strings")
    return f"({value} | {kind} {condition.operator} {limit})"


def _spelled(value: str) -> tuple[list[str], bool]:
    """The JSON values that `value` may mean, and whether it is a number."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        found = json.loads(value)
    except ValueError:
        return [text], False
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return [text] if isinstance(found, str | list | dict) else [value, text], number
