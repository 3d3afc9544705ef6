"""The picture of whoever has not chosen one: a small glazed tile, drawn from a hash, the same for ever.

A tile is 4 × 4 cells. One quarter is chosen, then turned or mirrored three times around the centre. Shapes only begin
and end at corners of cells, so whatever is chosen joins into one calm figure. Everything that matters lies within the
inscribed circle, as avatars may be shown round.
"""

import hashlib
from collections.abc import Sequence

# Ground, figure, accent. Grounds are of middle lightness: a tile stands out from white and from black pages alike.
PALETTE = (
    ("#4f7a8c", "#efd9b4", "#e9a15b"),  # lake, sand, apricot
    ("#7d6b91", "#ecd3de", "#e8b06a"),  # heather, blossom, honey
    ("#5d8a72", "#e4e8bd", "#f0b95c"),  # sage, lime blossom, yolk
    ("#c4705a", "#f6d7bd", "#5b3a4a"),  # brick, flour, plum
    ("#cf9a4c", "#f8e6bd", "#7d4b3a"),  # ochre, cream, chestnut
    ("#5b6fa3", "#d3dcf2", "#f2a58c"),  # cornflower, mist, salmon
    ("#a8647c", "#f5d2d6", "#f0bd74"),  # rose hip, petal, wheat
    ("#4d8a8b", "#cae8dc", "#f28f70"),  # lagoon, mint, coral
    ("#6a7685", "#ead9c6", "#e08468"),  # slate, linen, terracotta
    ("#6c8cb0", "#eae3cc", "#2f4a6b"),  # sky, chalk, harbour
    ("#94a06a", "#f1edc4", "#4f5f3a"),  # moss, straw, fir
    ("#d1857a", "#fbe0cf", "#6f4460"),  # shell, milk, mulberry
    ("#8b6f9e", "#d5e3d8", "#f0c36d"),  # lilac, dew, primrose
    ("#5a8f9e", "#f6d9c9", "#8c3f52"),  # spring, peach, cherry
)

# A cell measures 20 × 20; (0, 0) is its corner towards the centre of the tile. "A" is an arc of a circle:
# radius, sweep, end. Each shape has its weight in being chosen.
Step = tuple[str, int, int] | tuple[str, int, int, int, int]
Shape = tuple[Step, ...]
_NOTHING: Shape = ()
_FAN: Shape = (("M", 0, 0), ("L", 20, 0), ("A", 20, 1, 0, 20))  # a quarter disc around the inner corner
_BOWL: Shape = (("M", 20, 20), ("L", 0, 20), ("A", 20, 1, 20, 0))  # around the outer corner
_STAR: Shape = (("M", 0, 0), ("L", 20, 0), ("A", 20, 0, 0, 20))  # what a bowl leaves
_PETAL: Shape = (("M", 0, 0), ("A", 20, 1, 20, 20), ("A", 20, 1, 0, 0))  # from the centre outwards
_LEAF: Shape = (("M", 20, 0), ("A", 20, 1, 0, 20), ("A", 20, 1, 20, 0))  # across
_KITE: Shape = (("M", 0, 0), ("L", 20, 0), ("L", 0, 20))
_SIDE: Shape = (("M", 0, 0), ("A", 20, 1, 20, 20), ("L", 0, 20))
_DOT: Shape = (("M", 4, 10), ("A", 6, 1, 16, 10), ("A", 6, 1, 4, 10))

_INNER = (_FAN, _PETAL, _STAR, _LEAF, _KITE, _FAN, _PETAL, _BOWL)
_EDGE = (_PETAL, _LEAF, _FAN, _BOWL, _SIDE, _STAR, _DOT, _KITE)
_CORNER = (_NOTHING, _FAN, _STAR, _NOTHING, _PETAL, _DOT, _LEAF, _NOTHING)

_TURNED = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
_MIRRORED = ((1, 0, 0, 1), (-1, 0, 0, 1), (-1, 0, 0, -1), (1, 0, 0, -1))


def identicon_svg(seed: str) -> str:
    """An SVG for `seed`, at most 1 KB: presentation attributes only, no id, no style, nothing a strict CSP minds."""
    draw = hashlib.sha256(b"identicon 1:" + seed.encode("utf-8", "surrogatepass")).digest()
    ground, figure, accent = PALETTE[draw[0] % len(PALETTE)]
    inner, edge, corner = _INNER[draw[1] % 8], _EDGE[draw[2] % 8], _CORNER[draw[3] % 8]
    turns = _MIRRORED if draw[4] % 2 else _TURNED
    other = edge if draw[5] % 4 else _EDGE[draw[6] % 8]
    flip = draw[5] % 2 == 0
    back = (
        "",
        '<circle cx="40" cy="40" r="40" fill-opacity=".2"/>',
        '<path d="M40 0L80 40L40 80L0 40Z" fill-opacity=".2"/>',
        '<circle cx="40" cy="40" r="28" fill-opacity=".2"/>',
    )[draw[7] % 4]
    rim = _path([(edge, 1, 0, flip), (other, 0, 1, not flip), (corner, 1, 1, False)], turns)
    heart = _path([(inner, 0, 0, False)], turns)
    first, second = (figure, accent) if draw[8] % 3 else (accent, figure)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-5 -5 90 90">'
        f'<path fill="{ground}" d="M-5-5h90v90h-90z"/><g fill="{figure}">{back}</g>'
        f'<path fill="{first}" d="{rim}"/><path fill="{second}" d="{heart}"/></svg>'
    )


def _path(cells: Sequence[tuple[Shape, int, int, bool]], turns: Sequence[tuple[int, int, int, int]]) -> str:
    """The path data of each (shape, column, row, transposed) of the quarter below right, four times around (40, 40)."""
    drawn = []
    for a, b, c, d in turns:
        mirrored = a * d - b * c < 0
        for shape, column, row, transposed in cells:
            for step in shape:
                u, v = (step[-1], step[-2]) if transposed else (step[-2], step[-1])
                x, y = 20 * column + int(u), 20 * row + int(v)
                point = f"{40 + a * x + b * y} {40 + c * x + d * y}"
                if step[0] == "A":
                    sweep = int(step[2]) ^ mirrored ^ transposed
                    drawn.append(f"A{step[1]} {step[1]} 0 0 {sweep} {point}")
                else:
                    drawn.append(f"{step[0]}{point}")
            drawn.append("Z" if shape else "")
    return "".join(drawn)
