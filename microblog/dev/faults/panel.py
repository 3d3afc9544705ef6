"""The drawer at the edge of every page, from which a developer injects faults; put into the answer on its way out."""

import json
import re
import secrets
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.wrappers import Request, Response

from microblog.dev.faults.catalogue import FAULTS
from microblog.web.access import is_own_path, split

if TYPE_CHECKING:
    from microblog.dev.faults.edge import Armed, Edge

PANEL = "/debug/faults"
"""Where the panel's own requests go; they never fail on purpose."""

_WHERE = {"save": "the next form that is sent", "any": "the next request of any kind"}
_ACTION = re.compile(r"(GET|POST) /[!-~]{0,500}")
_FORM = re.compile(r'<form\b[^>]*?\bmethod="post"[^>]*?\baction="([^"]+)"')


class Panel:
    """Draws the drawer, and answers what it sends."""

    def __init__(self, app: Flask) -> None:
        self._token = secrets.token_urlsafe(16)
        env = app.jinja_env
        assert env.loader is not None
        env.loader = ChoiceLoader([env.loader, FileSystemLoader(Path(__file__).parent)])
        self._template = env.get_template("_panel.html")

    def put_into(self, response: Response, armed: "Armed | None") -> None:
        """Add the drawer to a page; anything else stays as it is."""
        html = response.get_data()
        if response.mimetype != "text/html" or b"</body>" not in html:
            return
        actions = list(dict.fromkeys(map(unescape, _FORM.findall(html.decode("utf-8", "replace")))))
        drawn = self._template.render(
            groups=_groups(),
            where=_WHERE,
            actions=actions,
            armed=armed,
            words=described(armed),
            token=self._token,
            address=PANEL,
        )
        head, _, tail = html.rpartition(b"</body>")
        response.set_data(head + drawn.encode() + b"</body>" + tail)
        response.headers["Content-Length"] = str(len(response.get_data()))

    def answer(self, edge: "Edge", asked: Request) -> Response:
        """POST arms or clears; the script asks with GET what waits, and wants JSON."""
        if asked.method == "POST":
            form = asked.form
            if not secrets.compare_digest(form.get("csrf_token", ""), self._token):
                return Response("Reload the page: the panel is of an earlier start of the site.\n", 403)
            name, where = form.get("fault", ""), form.get("where", "save")
            if "clear" in form:
                edge.clear()
            elif name in FAULTS and (where in _WHERE or _ACTION.fullmatch(where)):
                edge.arm(name, where, once=form.get("until") != "cleared")
            else:
                return Response("There is no such fault, or no such place.\n", 400)
        if asked.accept_mimetypes.best == "application/json":
            told = {"waits": edge.armed is not None, "words": described(edge.armed)}
            return Response(json.dumps(told), content_type="application/json", headers={"Cache-Control": "no-store"})
        back = split(asked.referrer or "").path
        return Response(status=303, headers={"Location": back if is_own_path(back) else "/"})


def described(armed: "Armed | None") -> str:
    """What waits, in words."""
    if armed is None:
        return "Nothing waits."
    often = "" if armed.once else ", each time until it is cleared"
    return f"{armed.fault.name} waits for {_WHERE.get(armed.where, armed.where)}{often}."


def _groups() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for fault in FAULTS.values():
        found.setdefault(fault.group, []).append(fault)
    return found
