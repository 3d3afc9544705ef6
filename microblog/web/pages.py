"""The numbers of rows that an address or a form holds: none is larger than a row can have.

A list goes on beyond the last number of the page before, however long it is and whatever came since.
"""

import re

from flask import request

from microblog.models.columns import LARGEST


def number(name: str) -> int | None:
    """The number in the query of the address. None where there is none, or what is none: a list from its beginning."""
    return _of_a_row(request.args.get(name, ""))


def sent_number(name: str) -> int:
    """The number in the form that was sent; 0 where there is none, or what is none."""
    return _of_a_row(request.form.get(name, "")) or 0


def _of_a_row(text: str) -> int | None:
    return min(int(text), LARGEST) or None if re.fullmatch("[0-9]{1,18}", text) else None
