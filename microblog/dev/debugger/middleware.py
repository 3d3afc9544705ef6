"""Werkzeug's debugger, also for requests of htmx.

Its page would be refused in place of a fragment, so a failing htmx request gets a toast and the address of the page;
overlay.js opens that above the page that asked, and can repeat the request from there.
"""

import secrets
import traceback
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from jinja2 import TemplateError
from werkzeug.debug import DebuggedApplication
from werkzeug.debug.tbtools import DebugTraceback
from werkzeug.wrappers import Request, Response

from microblog.web.access import is_trusted
from microblog.web.dom import TOASTS
from microblog.web.toasts import Toast

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/__debugger__/"
SCRIPT = f"{PREFIX}overlay.js"
FILES = {"overlay.js": "text/javascript", "overlay.css": "text/css"}
KEPT = 20
"""So many tracebacks can still be opened; each holds the variables of its frames."""

TRUSTED = (".localhost", "127.0.0.1", "[::1]")

GONE = "<!doctype html><title>Gone</title><p>The process that knew this traceback has ended. Repeat the request."


class HtmxDebugger(DebuggedApplication):
    """Answers a failing request of htmx with a toast that leads to the debugger; all else is Werkzeug's."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app, evalex=True, pin_logging=False)
        self.flask = app
        self.tracebacks: OrderedDict[str, DebugTraceback] = OrderedDict()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        asked = Request(environ)
        if asked.path.startswith(PREFIX) and "__debugger__" not in asked.args:
            return self._own(asked.path.removeprefix(PREFIX), environ)(environ, start_response)
        if "true" in (asked.headers.get("HX-Request"), asked.headers.get("HX-History-Restore-Request")):
            return self._for_htmx(environ, start_response)
        return super().__call__(environ, start_response)

    def check_host_trust(self, environ: "WSGIEnvironment") -> bool:
        """This machine's names; Werkzeug's own check cuts [::1] at its first colon."""
        return is_trusted(environ.get("HTTP_HOST", ""), TRUSTED)

    def _for_htmx(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        contexts: list[Any] = []
        environ["werkzeug.debug.preserve_context"] = contexts.append  # so that `request` works in the console
        try:
            return self.flask(environ, start_response)
        except Exception as error:  # noqa: BLE001 - what a debugger is for
            found = DebugTraceback(error, skip=1)
            environ["wsgi.errors"].write(found.render_traceback_text())
            for frame in found.all_frames:
                self.frames[id(frame)], self.frame_contexts[id(frame)] = frame, contexts
            key = secrets.token_urlsafe(12)
            self.tracebacks[key] = found
            while len(self.tracebacks) > KEPT:
                _, oldest = self.tracebacks.popitem(last=False)
                for frame in oldest.all_frames:
                    self.frames.pop(id(frame), None)
                    self.frame_contexts.pop(id(frame), None)
            answer = self._toast(error, f"{PREFIX}{key}", environ.get("microblog.reference", ""))
            return answer(environ, start_response)

    def _toast(self, error: Exception, address: str, reference: str) -> Response:
        text = "".join(traceback.format_exception_only(error)).strip()
        name = type(error).__name__
        toast = Toast(
            title=name,
            text=text[:300],
            kind="error",
            reference=reference,
            code=f"debugger:{name}",
            link=address,
            link_text="Open the debugger",
        )
        try:
            with self.flask.app_context():
                body = self.flask.jinja_env.get_template("shared/_toast.html").render(toast=toast)
        except (TemplateError, TypeError, AttributeError):  # the toast itself is what is being worked on
            body = "<p>The toast cannot be drawn.</p>"
        headers = {
            "HX-Retarget": f"#{TOASTS}",
            "HX-Reswap": "beforeend",
            "HX-Push-Url": "false",
            "X-Microblog": "1",  # or the client guard refuses it
            "X-Request-ID": reference,
            "X-Debugger": address,
            "Cache-Control": "no-store",
        }
        return Response(body, 500, headers, mimetype="text/html")

    def _own(self, name: str, environ: "WSGIEnvironment") -> Response:
        """A file of the overlay, or the page of one traceback."""
        if name in FILES:
            text = Path(__file__).with_name(name).read_text("utf-8")
            return Response(text, mimetype=FILES[name], headers={"Cache-Control": "no-store"})
        found = self.tracebacks.get(name)
        if found is None or not self.check_host_trust(environ):
            return Response(GONE, 404, {"Content-Security-Policy": policy("")}, mimetype="text/html")
        html = found.render_debugger_html(
            evalex=True, secret=self.secret, evalex_trusted=bool(self.check_pin_trust(environ))
        )
        nonce = secrets.token_urlsafe(16)
        # The first is Werkzeug's own: what comes before it, the title, is escaped.
        html = html.replace("<script>", f'<script nonce="{nonce}">', 1)
        headers = {"Content-Security-Policy": policy(nonce), "Cache-Control": "no-store"}
        return Response(html, mimetype="text/html", headers=headers)


def policy(nonce: str) -> str:
    """For Werkzeug's page alone: its one inline script, its inline styles, and our page around it."""
    script = f"'self' 'nonce-{nonce}'" if nonce else "'none'"
    return (
        f"default-src 'self'; script-src {script}; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
