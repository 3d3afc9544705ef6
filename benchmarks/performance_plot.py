"""The figures of benchmarks/pages.py as a picture: share of the yardstick, and milliseconds, by the number of posts."""

import math
from collections.abc import Callable, Sequence
from html import escape

WIDTH, HEIGHT = 960, 420
PANEL, TOP, BOTTOM = 300, 56, 60
COLOURS = ("#4c4fc4", "#c0562f", "#2c7d5b", "#a8327a", "#7a6a1f", "#2f7fa8", "#666a73", "#20263a")
GOAL = 0.6

Row = dict[str, object]


def number(row: Row, key: str) -> float:
    return float(str(row[key]))


def draw(rows: Sequence[Row]) -> str:
    """An SVG that reads on light and dark pages."""
    left_out = {"quiet member", "only answers", "newest member's feed", "sign-in page", "error page", "rare word"}
    shown = [row for row in rows if row["kind"] == "page" and row["page"] not in left_out]
    names = list(dict.fromkeys(str(row["page"]) for row in shown))
    sizes = sorted({int(number(row, "posts")) for row in shown})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#fbfaf7"/>',
    ]
    most = max([1.0, *(number(row, "share") for row in shown)])
    parts += panel(60, "Requests a second, as a share of the yardstick's", shown, names, sizes, "share", most)
    y = TOP + PANEL * (1 - GOAL / ticks(most)[-1])
    parts.append(f'<path d="M60 {y:.1f}H{60 + PANEL}" stroke="#888" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="{64 + PANEL}" y="{y + 4:.1f}" fill="#666">goal</text>')
    slowest = max([1.0, *(number(row, "ms") for row in shown)])
    parts += panel(460, "Milliseconds, where nobody else asks", shown, names, sizes, "ms", slowest)
    for index, name in enumerate(names):
        y = TOP + 14 + 24 * index
        parts.append(f'<rect x="800" y="{y - 9}" width="14" height="4" rx="2" fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(f'<text x="822" y="{y}" fill="#333">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`, four to eight of them."""
    rough = most / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [round(step * number, 6) for number in range(math.ceil(most / step - 1e-9) + 1)]


def panel(
    left: int, title: str, rows: Sequence[Row], names: list[str], sizes: list[int], key: str, most: float
) -> list[str]:
    """One plot: a line for each page, the number of posts in powers of ten along the bottom."""
    values = ticks(most)
    x, y = scale(sizes, left), lambda value: TOP + PANEL * (1 - value / values[-1])
    parts = [f'<text x="{left}" y="30" fill="#222" font-weight="600">{escape(title)}</text>']
    for value in values:
        parts.append(f'<path d="M{left} {y(value):.1f}h{PANEL}" stroke="#e2dfd8"/>')
        parts.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#666">{value:g}</text>')
    parts += [
        f'<text x="{x(size):.1f}" y="{TOP + PANEL + 22}" text-anchor="middle" fill="#666">{size:,}</text>'
        for size in sizes
    ]
    parts.append(f'<text x="{left + PANEL / 2}" y="{TOP + PANEL + 46}" text-anchor="middle" fill="#666">posts</text>')
    for index, name in enumerate(names):
        colour = COLOURS[index % len(COLOURS)]
        points = sorted((number(row, "posts"), number(row, key)) for row in rows if row["page"] == name)
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>' for size, value in points]
    return parts


def scale(sizes: list[int], left: int) -> Callable[[float], float]:
    """Where a number of posts lies; one alone in the middle."""
    low, high = math.log10(min(sizes, default=1)), math.log10(max(sizes, default=1))
    return lambda size: left + 24 + (PANEL - 48) * ((math.log10(size) - low) / (high - low) if high > low else 0.5)
