"""Every call of a logger in the program against the catalogue, found in the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from microblog.config.settings import ROOT
from microblog.log import events
from microblog.log.event import LEVELS, Event
from microblog.log.events import EVENTS

PACKAGE = ROOT / "microblog"
ALWAYS = {"exc_info", "stack_info"}
LEVEL_OF = {
    **{level: level for level in LEVELS},
    **{f"a{level}": level for level in LEVELS},
    "exception": "error",
    "aexception": "error",
    "warn": "warning",
    "fatal": "critical",
    "msg": "info",
    "log": None,  # a level that is decided while running
    "alog": None,
}


class Calls(ast.NodeVisitor):
    """Collects what is wrong with the log calls of one module, and the events it names."""

    def __init__(self, tree: ast.Module) -> None:
        self.problems: list[tuple[int, str]] = []
        self.named: set[str] = set()
        self.given: dict[str, set[str]] = {}  # event → the keys that a call hands over
        self.modules: set[str] = set()  # what `microblog.log.events` is called here
        self.constants: dict[str, str] = {}  # events imported by their own name
        self.loggers: set[str] = set()
        self._functions: list[ast.AST] = [tree]
        for node in ast.walk(tree):
            self._learn(node)
        self.visit(tree)

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.ImportFrom) and node.module == "microblog.log":
            self.modules |= {alias.asname or alias.name for alias in node.names if alias.name == "events"}
        elif isinstance(node, ast.ImportFrom) and node.module == "microblog.log.events":
            self.constants |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name.isupper()}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("microblog"):
            # A logger of another module keeps its usual name.
            self.loggers |= {alias.asname or alias.name for alias in node.names if alias.name in ("log", "logger")}
        elif (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and node.value is not None
            and is_logger(node.value, self.loggers)
        ):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                self.loggers.add(ast.unparse(target))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in self.modules and node.attr.isupper():
            self.named.add(node.attr)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.constants:
            self.named.add(self.constants[node.id])

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr in LEVEL_OF
            and is_logger(function.value, self.loggers)
        ):
            self._check(node, LEVEL_OF[function.attr], 1 if function.attr in ("log", "alog") else 0)
        elif (
            isinstance(function, ast.Call)
            and ast.unparse(function.func) == "getattr"
            and function.args
            and is_logger(function.args[0], self.loggers)
        ):
            self._check(node, None, 0)

    def _check(self, call: ast.Call, level: str | None, position: int) -> None:
        say = lambda problem: self.problems.append((call.lineno, problem))  # noqa: E731
        if len(call.args) != position + 1:
            say("a log call has one positional argument, the event; all else has a key")
            return
        found = list(self._events(call.args[position]))
        for event in found:
            if isinstance(event, str) and not isinstance(event, Event):
                say(event)
                continue
            if level is None and not event.varies:
                say(f"{event} has one level, so its call has it too")
            if level is not None and level not in event.levels:
                say(f"{event} is logged at {level}; the catalogue says {' or '.join(event.levels)}")
            for key in self._keys(call):
                self.given.setdefault(str(event), set()).add(key)
                if key.startswith("**"):
                    say(f"{event}: the keys in {key} cannot be seen here; write them out or build them as a dict above")
                elif key not in event.keys | ALWAYS:
                    say(f"{event} has no key {key!r}")

    def _events(self, node: ast.expr) -> Iterator[Event | str]:
        if isinstance(node, ast.IfExp):
            yield from self._events(node.body)
            yield from self._events(node.orelse)
            return
        name = None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.modules:
            name = node.attr
        elif isinstance(node, ast.Name) and node.id in self.constants:
            name = self.constants[node.id]
        if name is None:
            yield f"the event is {ast.unparse(node)!r}, which is not a constant of the catalogue"
        elif not isinstance(getattr(events, name, None), Event):
            yield f"there is no event {name}"
        else:
            yield getattr(events, name)

    def _keys(self, call: ast.Call) -> Iterator[str]:
        for keyword in call.keywords:
            if keyword.arg is not None:
                yield keyword.arg
            elif isinstance(keyword.value, ast.Name):
                yield from self._keys_of_variable(keyword.value.id)
            else:
                yield from keys_of(keyword.value)

    def _keys_of_variable(self, name: str) -> Iterator[str]:
        """The keys of a dict that the same function builds: ``values = {"a": 1}`` and ``values["b"] = 2``."""
        known = False
        for node in ast.walk(self._functions[-1]):
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and node.value:
                known = True
                yield from keys_of(node.value)
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if ast.unparse(target) == name:
                        known = True
                        yield from keys_of(node.value)
                    elif isinstance(target, ast.Subscript) and ast.unparse(target.value) == name:
                        constant = isinstance(target.slice, ast.Constant)
                        yield str(target.slice.value) if constant else f"**{name}"  # type: ignore[attr-defined]
        if not known:
            yield f"**{name}"


def keys_of(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "dict" and not node.args:
        yield from (keyword.arg or f"**{ast.unparse(keyword.value)}" for keyword in node.keywords)
    else:
        yield f"**{ast.unparse(node)}"


def is_logger(node: ast.expr, loggers: set[str]) -> bool:
    """``structlog.get_logger(…)``, a name it was given, and what ``.bind(…)`` and its like make of one."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in ("structlog.get_logger", "get_logger", "structlog.stdlib.get_logger"):
            return True
        return isinstance(node.func, ast.Attribute) and is_logger(node.func.value, loggers)
    return ast.unparse(node) in loggers


def inspect(source: str) -> Calls:
    return Calls(ast.parse(source))


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_it_works() -> None:
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in modules()
        for line, problem in inspect(path.read_text()).problems
    ]

    assert not problems, "\n" + "\n".join(problems)


# The features come piece by piece; from the first on, every event must be somebody's.
@pytest.mark.skipif(
    not any(path.stat().st_size for path in (PACKAGE / "web").glob("*.py")), reason="microblog/web is still empty"
)
def test_every_event_is_emitted_somewhere() -> None:
    named = {name for path in modules() for name in inspect(path.read_text()).named}
    constants = {name for name, value in vars(events).items() if isinstance(value, Event)}

    assert not constants - named, f"nobody logs {', '.join(sorted(constants - named))}"


@pytest.mark.slow
def test_every_key_is_given_somewhere() -> None:
    given: dict[str, set[str]] = {}
    for path in modules():
        for event, keys in inspect(path.read_text()).given.items():
            given.setdefault(event, set()).update(keys)
    # The handler writes log.* itself, without a logger: it is what loggers write to.
    named = [event for event in EVENTS.values() if not event.startswith("log.")]
    never = {str(event): sorted(event.keys - given.get(str(event), set())) for event in named}

    assert not {event: keys for event, keys in never.items() if keys}


HEAD = "import structlog\nfrom microblog.log import events\nlog = structlog.get_logger(__name__)\n"


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("log.info('profile.saved', user_id=1)", "not a constant"),
        ("log.info(f'profile {name} saved')", "not a constant"),
        ("log.info('profile %s saved', name)", "one positional"),
        ("log.info(events.PROFILE_SAVED, 1)", "one positional"),
        ("log.info(events.PROFILE_SHAVED)", "no event PROFILE_SHAVED"),
        ("log.info(events.PROFILE_SAVED, about_me='x')", "no key 'about_me'"),
        ("log.warning(events.PROFILE_SAVED)", "is logged at warning"),
        ("log.exception(events.PROFILE_SAVED)", "is logged at error"),
        ("log.log(20, events.PROFILE_SAVED)", "has one level"),
        ("getattr(log, level)(events.PROFILE_SAVED)", "has one level"),
        ("log.info(events.PROFILE_SAVED, **anything)", "cannot be seen"),
        ("log.info(events.PROFILE_SAVED, **{'about_me': 1})", "no key 'about_me'"),
        ("log.bind(x=1).info('x')", "not a constant"),
        ("structlog.get_logger().info('x')", "not a constant"),
        ("class A:\n    log = structlog.get_logger()\nother = log.bind()\nother.info('x')", "not a constant"),
        ("from microblog.x import log as theirs\ntheirs.info('x')", "not a constant"),
        ("log.info(events.PROFILE_SAVED if a else 'x')", "not a constant"),
        (
            "def f():\n    values = {}\n    values['bio'] = 2\n    log.info(events.PROFILE_SAVED, **values)",
            "'bio'",
        ),
    ],
)
def test_a_wrong_call_is_found(call: str, problem: str) -> None:
    problems = inspect(HEAD + call).problems

    assert len(problems) == 1
    assert problem in problems[0][1]


@pytest.mark.parametrize(
    "call",
    [
        "log.info(events.PROFILE_SAVED, version=1, field='location')",
        "log.error(events.REQUEST_FAILED, path='/', exc_info=True)",
        "log.exception(events.REQUEST_FAILED)",
        "log.log(level, events.REQUEST_FINISHED, ms=1)",
        "getattr(log, level)(events.REQUEST_FINISHED, ms=1)",
        "def f():\n    values = dict(version=1)\n    values['field'] = 2\n    log.info(events.PROFILE_SAVED, **values)",
        "from microblog.log.events import PROFILE_SAVED\nlog.info(PROFILE_SAVED)",
        "import math\nmath.log(2)\nprint('log.info')",
    ],
)
def test_a_right_call_is_left_alone(call: str) -> None:
    assert not inspect(HEAD + call).problems


def test_the_names_are_noun_and_past_verb() -> None:
    for name, event in EVENTS.items():
        assert name == event
        noun, _, verb = name.partition(".")
        assert noun.replace("_", "").isalpha(), name
        assert verb.replace("_", "").isalpha(), name
        assert event.doc[0].isupper(), name
        assert event.doc.endswith("."), name


def test_no_key_is_redacted_or_reserved() -> None:
    from microblog.log.redaction import is_secret

    for event in EVENTS.values():
        assert not [key for key in event.keys if is_secret(key) or key in events.CANONICAL], event


def test_the_documentation_shows_the_catalogue() -> None:
    text = (ROOT / "docs/logs.md").read_text()
    _, _, rest = text.partition("<!-- events: made by `manage.py logs events --markdown` -->\n")
    table, end, _ = rest.partition("<!-- end of events -->")

    assert end
    assert table == events.markdown(), "write docs/logs.md anew: manage.py logs events --markdown"


def test_an_event_is_copied_as_its_name() -> None:
    import copy
    import pickle

    assert copy.deepcopy(events.REQUEST_FAILED) == "request.failed"
    assert pickle.loads(pickle.dumps(events.REQUEST_FAILED)) == "request.failed"
