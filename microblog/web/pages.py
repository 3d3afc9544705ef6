"""Where a list goes on: beyond the last number of the page before, however long the list is and whatever came since."""

import re

from flask import request

from microblog.models.columns import LARGEST


def number(name: str) -> int | None:
    """The number in the query of the address. None where there is none, or what is none: a list from its beginning."""
    text = request.args.get(name, "")
    return min(int(text), LARGEST) or None if re.fullmatch("[0-9]{1,18}", text) else None
