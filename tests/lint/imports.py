"""The code base's own imports: which module names which, and which room each one is in."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from microblog.config.settings import ROOT

PACKAGE = ROOT / "microblog"


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Each module of the package: its path below `microblog/`, and its syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text())


def room_of(path: str) -> str:
    """The room that a file is in: `web/htmx.py` is in web, `network.py` is a room of its own."""
    return "microblog" if path == "__init__.py" else path.split("/")[0].removesuffix(".py")


def unit(module: str) -> str:
    """The room that a module is in: ``microblog.web.htmx`` is in web."""
    return module.split(".")[1] if "." in module else module


def imported(tree: ast.Module) -> Iterator[str]:
    """The full name of each module that `tree` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "microblog":
            for alias in node.names:
                inside = (PACKAGE / alias.name).is_dir() or (PACKAGE / f"{alias.name}.py").is_file()
                yield f"microblog.{alias.name}" if inside else "microblog"
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def arrows() -> dict[str, set[str]]:
    """Each room → the rooms that it imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules():
        here = room_of(path)
        ours = {unit(module) for module in imported(tree) if module.split(".")[0] == "microblog"}
        found[here] |= ours - {here}
    return dict(found)
