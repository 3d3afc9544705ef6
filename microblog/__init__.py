"""A self-hosted microblog whose errors cost nobody anything. create_app is its table of contents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from microblog.alerts.handler import AlertHandler
    from microblog.config.settings import Settings

__version__ = "0.1.0"


def create_app(
    settings: Settings,
    *,
    debug: bool = False,
    show_error_pages: bool = False,
    alerts: AlertHandler | None = None,
    create_database: bool = False,
    serving: bool = False,
) -> Flask:
    """The application for `settings`.

    With `debug`, files are read anew and exceptions go to the debugger, unless `show_error_pages` asks for what members
    would see. `alerts` is the mail handler. Only migrations `create_database`; else a missing one is an error.
    With `serving` the log is told at once where the database does not fit; else the first request that needs it does.
    """
    # Not before: what needs no application (manage.py logs) starts in a fraction of the time.
    from jinja2 import StrictUndefined
    from werkzeug.middleware.proxy_fix import ProxyFix

    from microblog import (
        admin,
        auth,
        extensions,
        feeds,
        home,
        moderation,
        notifications,
        people,
        posts,
        relations,
        search,
    )
    from microblog.auth import sessions
    from microblog.config.settings import ROOT
    from microblog.errors import handlers
    from microblog.errors.answers import last_answers
    from microblog.http import incoming
    from microblog.http.flask import MicroblogFlask
    from microblog.http.last_resort import LastResort
    from microblog.monitoring import views as monitoring
    from microblog.web import access, assets, filters, once

    propagate = debug and not show_error_pages
    app = MicroblogFlask(__name__, root_path=str(ROOT), static_folder=None, template_folder="templates")
    app.config.update(flask_config(settings), SETTINGS=settings, PROPAGATE_EXCEPTIONS=propagate, DEBUG=debug)
    app.jinja_environment = filters.FlatGlobals
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["alerts"] = alerts

    incoming.init_app(app)
    access.init_app(app)
    sessions.init_app(app)
    extensions.init_app(app, create_database=create_database)
    filters.init_app(app, debug=debug)
    handlers.init_app(app)
    once.init_app(app)
    members = (home, auth, people, relations, notifications, moderation, posts, search, feeds)
    for feature in (*members, monitoring, admin):
        app.register_blueprint(feature.bp)

    proxies = settings.server.proxies
    wsgi = assets.serve(app.wsgi_app, debug=debug)
    if proxies:
        wsgi = ProxyFix(wsgi, x_for=proxies, x_proto=proxies, x_host=proxies)
    app.wsgi_app = LastResort(  # type: ignore[method-assign]
        wsgi,
        own_address=settings.site.url,
        answers=last_answers(app),
        addresses=settings.logs.addresses,
        trust_reference=proxies > 0,
        propagate=propagate,
    )
    if serving:
        extensions.look_at_the_schema(app)
    return app


def flask_config(settings: Settings) -> dict[str, object]:
    """What Flask and its extensions want to know."""
    from microblog.config.settings import ensure_secret

    secure = settings.site.url.startswith("https://")
    return {
        "SECRET_KEY": ensure_secret(settings),
        "MAX_CONTENT_LENGTH": settings.server.max_body_bytes,
        "MAX_FORM_MEMORY_SIZE": settings.server.max_body_bytes,
        "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=settings.security.session_max_days),
        # A form left open for two days just works: the token lives as long as the session.
        "WTF_CSRF_TIME_LIMIT": None,
        # access.refuse_other_sites asks Origin and Sec-Fetch-Site, which browsers always send; Referer they may hide.
        "WTF_CSRF_SSL_STRICT": False,
    }
