"""docs/architecture.svg: the rooms of the package and who imports whom, drawn from the imports so that it cannot lie.

`python -m tests.lint.picture` prints it; `--write` puts it into docs/.
"""

import ast
import sys
from html import escape

from tests.lint.imports import PACKAGE, ROOT, arrows

FILE = ROOT / "docs" / "architecture.svg"
WIDE, HIGH, GAP, FLOOR, EDGE = 118, 30, 14, 76, 24
"""Pixels: a box and the gap beside it, from one floor to the next, and the space around all."""
STYLE = """
  text { font: 13px system-ui, sans-serif; text-anchor: middle; fill: #1f2933 }
  rect { fill: #fff; stroke: #52606d; rx: 6 }
  path { fill: none; stroke: #9aa5b1; stroke-width: 1.2 }
  .ground { fill: #f5f7fa; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e7eb }
    rect { fill: #243b53; stroke: #829ab1 }
    path { stroke: #627d98 }
    .ground { fill: #102a43 }
  }"""


def floors(known: dict[str, set[str]]) -> dict[str, int]:
    """Each room's floor: 0 where nothing of ours is imported, else one above the highest that is.

    Raises ValueError, naming the rooms, where they import each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(known):
        ready = [room for room, below in known.items() if room not in found and below <= found.keys()]
        if not ready:
            raise ValueError(f"a circle among {sorted(known.keys() - found.keys())}")
        found |= {room: 1 + max((found[other] for other in known[room]), default=-1) for room in ready}
    return found


def needed(known: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows without those that a longer way says already."""
    reached: dict[str, set[str]] = {}
    for room in sorted(known, key=floors(known).__getitem__):
        reached[room] = set().union(known[room], *(reached[below] for below in known[room]))
    return {
        room: {one for one in below if not any(one in reached[other] for other in below - {one})}
        for room, below in known.items()
    }


def purpose(room: str) -> str:
    """The first sentence of the room's own documentation."""
    door = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    if room == "microblog":
        door = PACKAGE / "__init__.py"
    return (ast.get_docstring(ast.parse(door.read_text())) or room).split("\n")[0]


def draw() -> str:
    """The picture: the rooms that need most at the top, those that need nothing of ours at the bottom."""
    known = arrows()
    floor = floors(known)
    top = max(floor.values())
    rows = [sorted(room for room in known if floor[room] == level) for level in range(top, -1, -1)]
    width = 2 * EDGE + max(len(row) for row in rows) * (WIDE + GAP) - GAP
    places = {}
    for depth, row in enumerate(rows):
        left = (width - len(row) * (WIDE + GAP) + GAP) / 2
        for column, room in enumerate(row):
            places[room] = (left + column * (WIDE + GAP), EDGE + depth * FLOOR)
    lines = []
    for room, below in sorted(needed(known).items()):
        for other in sorted(below):
            (x, y), (to_x, to_y) = places[room], places[other]
            x, to_x, y = x + WIDE / 2, to_x + WIDE / 2, y + HIGH
            lines.append(f'<path d="M{x:g} {y:g}C{x:g} {y + 34:g} {to_x:g} {to_y - 34:g} {to_x:g} {to_y:g}"/>')
    for room, (x, y) in sorted(places.items()):
        lines.append(
            f'<g><title>{escape(purpose(room))}</title><rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}"/>'
            f'<text x="{x + WIDE / 2:g}" y="{y + 20:g}">{room}</text></g>'
        )
    height = 2 * EDGE + top * FLOOR + HIGH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
            f'aria-label="{len(known)} rooms on {top + 1} floors">',
            f"<style>{STYLE}\n</style>",
            f'<rect class="ground" width="{width:g}" height="{height:g}"/>',
            *lines,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        FILE.write_text(draw())
    else:
        sys.stdout.write(draw())
