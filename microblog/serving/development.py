"""The development server: Werkzeug's, with debugger and reloader. Loopback only; cli/run.py is the guard."""

import logging
import os
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.serving import is_running_from_reloader, run_simple

from microblog import create_app
from microblog.alerts.start import start
from microblog.config.settings import ROOT, Settings, ensure_secret
from microblog.db import in_use
from microblog.dev import debug_mode
from microblog.dev.debugger.middleware import SCRIPT, HtmxDebugger
from microblog.serving.production import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def serve(
    settings: Settings,
    *,
    announce: Callable[[Settings, int], None],
    served: Callable[[Settings, int], Settings],
    before: Callable[[Settings], None],
    debugger: bool,
    reload: bool,
    passthrough_errors: bool,
    show_error_pages: bool,
) -> int:
    """Serve until Ctrl+C. With the reloader a parent process watches and this function runs again in each child."""
    # Its request lines would go into the JSON log a second time, after our own.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    child = is_running_from_reloader()
    if child:
        settings = served(settings, settings.server.port)
    else:
        # Asked for once here: Werkzeug's own words about a taken port are several lines.
        with listen(settings.server.host, settings.server.port) as probe:
            settings = served(settings, probe.getsockname()[1])
        ensure_secret(settings)
        before(settings)
        announce(settings, os.getpid())
        if debugger:
            # One for all reloads, and known here, in the process that outlives them.
            pin = os.environ.setdefault("WERKZEUG_DEBUG_PIN", "-".join(f"{secrets.randbelow(1000):03}" for _ in "abc"))
            print(f"  Debugger PIN: {pin}", flush=True)  # noqa: T201 - for the eyes only, never into a log

    app: WSGIApplication = _nothing
    # The parent only watches; an application of its own would open the log and the database for nothing.
    if child or not reload:
        alerts = start(settings, process="web")
        in_use.hold(settings)
        flask = create_app(settings, debug=True, show_error_pages=show_error_pages, alerts=alerts, serving=True)
        flask.jinja_env.auto_reload = True
        debug_mode.enter(settings)
        from microblog.dev.faults.install import install  # not before: outside of debug mode it cannot be imported

        install(flask)
        app = flask
        if debugger and not show_error_pages:
            flask.jinja_env.globals["debug_script"] = SCRIPT
            app = HtmxDebugger(flask)
    files = [str(path) for path in (ROOT / ".env", ROOT / ".flaskenv", ROOT / "config.toml")]
    run_simple(
        settings.server.host,
        settings.server.port,
        app,
        use_reloader=reload,
        extra_files=files,
        threaded=True,
        passthrough_errors=passthrough_errors,
    )
    return 0


def _nothing(_environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    start_response("503 Service Unavailable", [])
    return []
