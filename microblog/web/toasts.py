"""Toasts: the short notes at the edge of the page. Errors stay, successes leave by themselves."""

import json
import zlib
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from flask import flash, get_flashed_messages

ROOM = 1_800
"""Bytes. The cookie has a third more of them, and 700 of the session: of one above 4,096 a browser takes none."""


@dataclass(frozen=True)
class Undo:
    """What the Undo button sends: the field, the value it had, and the version that the change made."""

    field: str
    value: str
    version: int


@dataclass(frozen=True)
class Back:
    """What any other Undo button sends: `values` to `address`, which answers with what stands there, or with a page."""

    address: str
    target: str
    values: dict[str, str]


@dataclass(frozen=True)
class Toast:
    """One note. `title` says what happened, `text` what to do; `next_step` is what a countdown takes the place of."""

    title: str
    text: str = ""
    kind: Literal["success", "error", "note"] = "success"
    reference: str = ""
    code: str = ""
    undo: Undo | None = None
    back: Back | None = None
    link: str = ""
    link_text: str = ""
    next_step: str = ""


def keep_for_next_page(toast: Toast) -> None:
    """Show `toast` on the page that follows a redirect; without its Undo where the values are longer than a cookie."""
    text = json.dumps(asdict(toast))
    if len(zlib.compress(text.encode())) > ROOM:  # the cookie is packed so too
        text = json.dumps(asdict(replace(toast, undo=None, back=None)))
    flash(text, "toast")


def kept() -> list[Toast]:
    """What `keep_for_next_page` kept, each given once, and equal ones as one."""
    kept_texts = dict.fromkeys(str(text) for text in get_flashed_messages(category_filter=["toast"]))
    return [_restored(json.loads(text)) for text in kept_texts]


def _restored(value: Any) -> Toast:
    undo, back = value.get("undo"), value.get("back")
    return Toast(**(value | {"undo": Undo(**undo) if undo else None, "back": Back(**back) if back else None}))
