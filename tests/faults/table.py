"""docs/faults.md: each fault, what comes of it, and the tests that prove it.

`python -m tests.faults.table` prints the table; `--write` puts it into docs/faults.md, and takes out of [later] in
rows.toml what has a test by now.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from microblog.config.settings import ROOT

ROWS = Path(__file__).with_name("rows.toml")
DOCUMENT = ROOT / "docs" / "faults.md"
START, END = "<!-- rows: made by `python -m tests.faults.table --write` -->", "<!-- end of rows -->"

MARK = "pytest.mark.fault"

Proofs = dict[int, dict[str, list[str]]]


def rows() -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    """Every fault by its number, and why some have no test yet."""
    read: dict[str, Any] = tomllib.loads(ROWS.read_text("utf-8"))
    later = {number(name): reason for name, reason in read.pop("later", {}).items()}
    return {number(name): row for name, row in read.items()}, later


def number(name: str) -> int:
    return int(name.removeprefix("F"))


def proofs(folder: Path = ROOT / "tests") -> Proofs:
    """Fault → file → its tests: those marked `@pytest.mark.fault(34)`, and in a file so marked those without a mark."""
    found: Proofs = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if MARK not in text:
            continue
        tree = ast.parse(text)
        of_file = [fault for node in tree.body if isinstance(node, ast.Assign) for fault in marked([node.value])]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for fault in marked(node.decorator_list) or of_file:
                    found[fault][path.relative_to(folder.parent).as_posix()].append(node.name)
    return found


def marked(expressions: list[ast.expr]) -> list[int]:
    """The numbers of the faults that these decorators, or this list of marks, name."""
    calls = [node for expression in expressions for node in ast.walk(expression) if isinstance(node, ast.Call)]
    return [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == MARK]


def markdown(found: Proofs) -> str:
    """The table."""
    every, later = rows()
    lines = ["| # | what is done | what the person sees | in the log | mail | proved by |", "|---|---|---|---|---|---|"]
    for fault, row in sorted(every.items()):
        tests = "; ".join(_named(file, names) for file, names in found.get(fault, {}).items())
        proof = tests or f"*not yet: {later.get(fault, 'no test')}*"
        cells = (row[key].replace("|", "\\|") for key in ("inject", "sees", "log", "mail"))
        lines.append(f"| F{fault} | {' | '.join(cells)} | {proof} |")
    return "\n".join(lines)


def _named(file: str, names: list[str]) -> str:
    short = [name.removeprefix("test_") for name in names]
    return f"[{Path(file).name}](../{file}): {', '.join(f'`{name}`' for name in short)}"


def documented() -> str:
    """What stands in the document now."""
    return DOCUMENT.read_text("utf-8").partition(START)[2].partition(END)[0].strip()


def write(found: Proofs) -> None:
    """Bring docs/faults.md and the list of what is to come up to date."""
    kept = []
    for line in ROWS.read_text("utf-8").splitlines(keepends=True):
        named = re.match(r"F(\d+) = ", line)
        if not named or int(named[1]) not in found:
            kept.append(line)
    ROWS.write_text("".join(kept), "utf-8")
    head, _, rest = DOCUMENT.read_text("utf-8").partition(START)
    DOCUMENT.write_text(f"{head}{START}\n\n{markdown(found)}\n\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write(proofs())
    else:
        print(markdown(proofs()))
