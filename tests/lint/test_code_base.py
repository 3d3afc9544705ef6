"""The code base about itself: who may know whom, which addresses there are, where anything at all may be caught."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest
from jinja2 import StrictUndefined

from microblog.config.settings import ROOT
from microblog.models.errors import DomainError
from tests.lint.imports import PACKAGE, arrows, imported, modules, room_of, unit
from tests.lint.picture import FILE, draw, floors

TEMPLATES = ROOT / "templates"

# A new arrow is a decision: it is made here. Features (admin, auth, relations, home, …) never know each other; log
# and config know nothing of the site.
MAY_KNOW = {
    "config": set(),
    "network": set(),
    "log": {"config", "network"},
    "logbook": {"log"},
    "alerts": {"config", "log", "logbook"},
    "db": {"config", "log"},
    "extensions": {"config", "db"},
    "models": {"extensions"},
    "web": {"alerts", "config", "db", "extensions", "log", "models"},
    "http": {"extensions", "log", "models", "web"},
    "monitoring": {"alerts", "config", "db", "extensions", "log"},
    "admin": {"alerts", "errors", "extensions", "log", "logbook", "models", "web"},
    "auth": {"db", "extensions", "log", "models", "web"},
    "relations": {"extensions", "log", "models", "web"},
    "home": {"extensions", "models", "web"},
    "feeds": {"extensions", "models", "web"},
    "search": {"db", "extensions", "models", "web"},
    "moderation": {"extensions", "log", "models", "web"},
    "notifications": {"extensions", "models", "web"},
    "people": {"extensions", "log", "models", "web"},
    "posts": {"extensions", "log", "models", "web"},
    "errors": {"db", "extensions", "log", "logbook", "models", "web"},
    "microblog": {
        *(
            "admin",
            "alerts",
            "auth",
            "relations",
            "config",
            "errors",
            "extensions",
            "feeds",
            "home",
            "http",
            "moderation",
        ),
        *("monitoring", "notifications", "people", "posts", "search", "web"),
    },
    "backups": {"config", "db", "log"},
    "dev": {"alerts", "config", "extensions", "models", "web"},
    "serving": {"alerts", "config", "db", "dev", "log", "microblog", "web"},
    "cli": {
        *(
            "alerts",
            "backups",
            "config",
            "db",
            "dev",
            "errors",
            "extensions",
            "log",
            "logbook",
            "microblog",
            "models",
            "monitoring",
            "serving",
            "web",
        ),
    },
}

# Where a component must survive whatever happens in it. Everywhere else an exception is named.
MAY_CATCH_ALL = {
    *("http/flask.py", "http/last_resort.py", "web/optional.py"),
    *("serving/bootstrap.py", "people/avatar_store.py", "dev/debugger/middleware.py"),
}
MAY_CATCH_ALL_BELOW = ("log/", "logbook/", "alerts/")

REFUSALS = {"abort": 1, **dict.fromkeys(("BadRequest", "Forbidden", "NotFound", "Unauthorized"), 0)}
REFUSALS |= {kind.__name__: 0 for kind in (DomainError, *DomainError.__subclasses__())}
"""What refuses with a sentence → the place of the sentence among the arguments."""

ROUTES = {
    "/": {"GET"},
    "/admin/errors": {"GET"},
    "/admin/errors/<fingerprint>": {"GET"},
    "/admin/errors/<fingerprint>/mute": {"POST"},
    "/admin/errors/<fingerprint>/reopen": {"POST"},
    "/admin/errors/<fingerprint>/resolve": {"POST"},
    "/admin/errors/<fingerprint>/undo": {"POST"},
    "/admin/logs": {"GET"},
    "/admin/logs/<reference>": {"GET"},
    "/admin/logs/new": {"GET"},
    "/avatar/<int:user_id>/<key>.webp": {"GET"},
    "/avatar/<seed>.svg": {"GET"},
    "/bookmarks": {"GET"},
    "/drill": {"GET"},
    "/edit_profile": {"GET", "POST"},
    "/explore/feed.atom": {"GET"},
    "/edit_profile/<field>": {"GET", "POST"},
    "/edit_profile/<field>/check": {"POST"},
    "/edit_profile/avatar": {"GET", "POST"},
    "/edit_profile/avatar/remove": {"POST"},
    "/edit_profile/avatar/restore": {"POST"},
    "/explore": {"GET"},
    "/index": {"GET"},
    "/livez": {"GET"},
    "/login": {"GET", "POST"},
    "/logout": {"POST"},
    "/metrics": {"GET"},
    "/moderation": {"GET"},
    "/moderation/log": {"GET"},
    "/moderation/post/<int:post_id>": {"GET"},
    "/moderation/post/<int:post_id>/<verb>": {"POST"},
    "/moderation/user/<int:user_id>": {"GET"},
    "/moderation/user/<int:user_id>/<verb>": {"POST"},
    "/notifications": {"GET"},
    "/notifications/read": {"POST"},
    "/notifications/unread": {"GET"},
    "/outcome": {"GET"},
    "/people/suggested": {"GET"},
    "/post": {"GET", "POST"},
    "/post/deleted": {"GET"},
    "/post/<int:post_id>": {"GET"},
    "/post/<int:post_id>/bookmark": {"POST"},
    "/post/<int:post_id>/delete": {"POST"},
    "/post/<int:post_id>/edit": {"GET", "POST"},
    "/post/<int:post_id>/history": {"GET"},
    "/post/<int:post_id>/like": {"POST"},
    "/post/<int:post_id>/reply": {"GET", "POST"},
    "/post/<int:post_id>/report": {"GET", "POST"},
    "/post/<int:post_id>/restore": {"POST"},
    "/post/<int:post_id>/unbookmark": {"POST"},
    "/post/<int:post_id>/unlike": {"POST"},
    "/readyz": {"GET"},
    "/register": {"GET", "POST"},
    "/register/check/<field>": {"POST"},
    "/search": {"GET"},
    "/search/people": {"GET"},
    "/settings/locale": {"GET", "POST"},
    "/settings/locale/check": {"POST"},
    "/settings/notifications": {"GET", "POST"},
    "/settings/people": {"GET"},
    "/tag/<tag>": {"GET"},
    "/tag/<tag>/feed.atom": {"GET"},
    "/user/<username>": {"GET"},
    "/user/<username>/<field>": {"GET"},
    "/user/<username>/block": {"POST"},
    "/user/<username>/card": {"GET"},
    "/user/<username>/feed.atom": {"GET"},
    "/user/<username>/follow": {"POST"},
    "/user/<username>/followers": {"GET"},
    "/user/<username>/following": {"GET"},
    "/user/<username>/mute": {"POST"},
    "/user/<username>/report": {"GET", "POST"},
    "/user/<username>/unblock": {"POST"},
    "/user/<username>/unfollow": {"POST"},
    "/user/<username>/unmute": {"POST"},
}


def test_everybody_knows_only_whom_they_may():
    wrong = defaultdict(set)
    for path, tree in modules():
        here = room_of(path)
        for module in imported(tree):
            there = unit(module)
            if module.split(".")[0] == "microblog" and there != here and there not in MAY_KNOW[here]:
                wrong[path].add(module)
    assert not wrong


def test_the_table_allows_nothing_that_nobody_needs():
    found = arrows()
    assert {room: unused for room, allowed in MAY_KNOW.items() if (unused := allowed - found.get(room, set()))} == {}


def test_no_rooms_know_each_other_in_a_circle():
    floors(arrows())
    with pytest.raises(ValueError, match=r"\['models', 'web'\]"):
        floors({"log": set(), "models": {"web"}, "web": {"log", "models"}})


def test_the_picture_is_of_this_code():
    assert FILE.read_text() == draw(), "python -m tests.lint.picture --write"


def test_only_the_door_is_free_of_packages():
    """bootstrap.py runs on a bare Python."""
    import sys

    tree = ast.parse((PACKAGE / "serving/bootstrap.py").read_text())
    assert {module.split(".")[0] for module in imported(tree)} <= set(sys.stdlib_module_names)


def test_nothing_else_catches_everything():
    for path, tree in modules():
        if path in MAY_CATCH_ALL or path.startswith(MAY_CATCH_ALL_BELOW):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                assert caught not in {"", "Exception", "BaseException"}, f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                assert "Exception" not in [ast.unparse(argument) for argument in node.args], f"{path}:{node.lineno}"


def test_the_addresses_of_the_site(app):
    found = defaultdict(set)
    for rule in app.url_map.iter_rules():
        found[rule.rule] |= rule.methods - {"HEAD", "OPTIONS"}
    assert found == ROUTES


def test_every_feature_has_its_room_in_each_tree(app):
    for name in {name for name in app.blueprints if name != "health"}:
        assert (PACKAGE / name).is_dir()
        assert (TEMPLATES / name).is_dir() or name == "feeds", "XML, which is built as a tree"
        assert (ROOT / "tests" / name).is_dir() or name == "home"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*")), ids=lambda path: path.name)
def test_templates(path: Path):
    if path.is_dir():
        return
    name, text = path.name, path.read_text()
    assert path.suffix in {".html", ".txt"}, "only these are escaped"
    assert "| safe" not in text
    assert "|safe" not in text
    assert "style=" not in text
    assert not re.search(r"\son\w+=", text)
    assert not re.search(r"hx-(boost|on|select|status)\b", text), (
        "see docs/errors.md: these override the answer's headers"
    )
    if name.startswith("_") or name.endswith(".swaps.html"):
        assert text.startswith("{#"), "its first line is its signature"


def test_every_template_is_used(app):
    source = "".join(path.read_text() for path in [*PACKAGE.rglob("*.py"), *TEMPLATES.rglob("*.html")])
    for path in TEMPLATES.rglob("*.html"):
        name = path.relative_to(TEMPLATES).as_posix()
        assert f'"{name}"' in source, f"nobody draws {name}"
        app.jinja_env.get_template(name)


def test_a_name_that_is_not_there_is_an_error(app):
    assert app.jinja_env.undefined is StrictUndefined


def test_no_context_processor_of_ours(app):
    """They would run for every error page too, and one that asks the database would break it when that is gone."""
    for processors in app.template_context_processors.values():
        assert {processor.__module__.split(".")[0] for processor in processors} <= {"flask", "flask_wtf"}


def test_no_module_is_longer_than_one_can_read():
    """About 150 lines keep a file calm; these are longer, because splitting them would make the reader jump."""
    longer = {
        "config/settings.py",  # every setting, in one place
        "serving/bootstrap.py",  # must be one file: nothing can be imported yet
        "log/file.py",  # the handler: one lock, one file, read from top to bottom
    }
    for path, _ in modules():
        lines = len((PACKAGE / path).read_text().splitlines())
        assert lines <= 300 or path in longer, f"{path} has {lines} lines"


def test_nothing_typed_is_ever_logged():
    """No log call hands over a form's data."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
                handed = " ".join(ast.unparse(keyword.value) for keyword in node.keywords)
                handed = handed.replace("form.remember.data", "")  # a tick, nothing typed
                assert not re.search(r"\.data\b|request\.form|password", handed), f"{path}:{node.lineno} logs {handed}"


def test_no_refusal_hides_what_was_typed():
    """The log quotes what a refusal says: what somebody may have typed is a `{name}` in it, given as a value."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (place := REFUSALS.get(ast.unparse(node.func))) is not None:
                for given in node.args[place : place + 1]:
                    assert not isinstance(given, ast.JoinedStr), f"{path}:{node.lineno} puts a value into the sentence"
