"""Drawn texts of members, remembered within so many bytes: their authors decide how long they are."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from sys import getsizeof
from threading import Lock

from markupsafe import Markup

Draw = Callable[..., Markup]

ROOM = 16_000_000
"""Bytes that one process remembers of each function: 50 of the worst posts, thousands of usual ones."""


def remembered(most: int, room: int = ROOM) -> Callable[[Draw], Draw]:
    """As `functools.lru_cache`, which counts only entries: the latest `most` results, of `room` bytes together."""

    def decorate(function: Draw) -> Draw:
        known: OrderedDict[tuple[Hashable, ...], tuple[Markup, int]] = OrderedDict()
        taken, lock = 0, Lock()

        @wraps(function)
        def drawn(*values: Hashable) -> Markup:
            nonlocal taken
            with lock:
                if found := known.get(values):
                    known.move_to_end(values)
                    return found[0]
            made = function(*values)
            size = getsizeof(made)
            with lock:
                if values not in known:  # another thread may have drawn it meanwhile
                    known[values] = made, size
                    taken += size
                while taken > room or len(known) > most:
                    taken -= known.popitem(last=False)[1][1]
            return made

        return drawn

    return decorate
