"""Who may come in: our own hosts, our own pages, and paths of our own to go back to."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import flask_login
import structlog
from flask import Flask, current_app, redirect, request, session, url_for
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from microblog.config.settings import Settings
from microblog.extensions import db, login_manager, settings
from microblog.log import events
from microblog.log.context import stats
from microblog.models.errors import NotYours, Suspended
from microblog.models.user import User
from microblog.web.htmx import representation

log = structlog.get_logger(__name__)

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}

OWN_ADDRESS = "microblog.own_address"
"""Where a request's environment holds site.url, for what is asked outside of Flask as well."""

_USUAL_PORTS = {"http": 80, "https": 443}

_IPV6_HOST = re.compile(r"(\[[0-9a-f:.]+\])(:[0-9]{1,5})?")

View = TypeVar("View", bound=Callable[..., object])


class FromElsewhere(Forbidden):
    """Sent by a page of another site: what it holds was not typed here."""

    description = "This was sent from another site, so nothing was changed."


@lru_cache(maxsize=64)
def is_trusted(host: str, trusted: tuple[str, ...]) -> bool:
    """Whether a Host header names one of `trusted`. Werkzeug's cuts an IPv6 address at its first colon.

    Remembered: it is nearly always the same, and takes a twentieth of an error fragment to find out.
    """
    host = host.lower()
    if match := _IPV6_HOST.fullmatch(host):
        return match[1] in trusted
    names = [name for name in trusted if not name.startswith("[")]
    return bool(names) and host_is_trusted(host, names)  # an empty list would mean everybody


def login_required(view: View) -> View:
    """Flask-Login's, with a type and a mark: strangers are asked to sign in."""
    checked: View = flask_login.login_required(view)
    checked.needs_member = True  # type: ignore[attr-defined]
    return checked


def accepts_upload(limit: str, field: str) -> Callable[[View], View]:
    """The view takes a body as large as the setting profile.`limit`; a larger one is refused beside `field`."""

    def mark(view: View) -> View:
        view.upload_limit = limit  # type: ignore[attr-defined]
        view.upload_field = field  # type: ignore[attr-defined]
        return view

    return mark


def trusted_hosts(settings: Settings) -> tuple[str, ...]:
    """The configured hosts, the site's own, and this machine's names."""
    own = urlsplit(settings.site.url).hostname or ""
    listening = [] if settings.server.host in {"0.0.0.0", "::"} else [settings.server.host]  # noqa: S104 - compared, not bound
    hosts = (*settings.server.trusted_hosts, own, *listening, "localhost", "127.0.0.1", "[::1]")
    return tuple(filter(None, hosts))


def is_from_elsewhere(asked: WerkzeugRequest) -> bool:
    """Whether the browser says that a page of another site sent `asked`."""
    origin, site = asked.headers.get("Origin"), asked.headers.get("Sec-Fetch-Site")
    if origin == "null":
        # Under a proxy's "Referrer-Policy: no-referrer" forms of our own pages bear it as well; of sandboxed frames and
        # data: pages, which bear it always, browsers say "cross-site" (https://fetch.spec.whatwg.org/#origin-header).
        return site != "same-origin"
    foreign = origin is not None and not _is_ours(split(origin), asked)
    return foreign or site not in {None, "same-origin", "none"}


def _is_ours(address: SplitResult, asked: WerkzeugRequest) -> bool:
    """True if `address` has the host of the request or the origin of site.url (a proxy may pass on another host)."""
    own = asked.environ.get(OWN_ADDRESS, "")
    return address.netloc == asked.host or (bool(own) and _origin(address) == _origin(split(own)))


def _origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    try:
        port = address.port
    except ValueError:
        port = -1
    return address.scheme, address.hostname, port or _USUAL_PORTS.get(address.scheme)


def _hint(asked: WerkzeugRequest) -> str:
    """The mistake in a proxy's settings that makes a form of our own seem foreign; empty where none can be seen."""
    origin, site = asked.headers.get("Origin", ""), asked.headers.get("Sec-Fetch-Site", "same-origin")
    sent, host = split(origin), split(f"//{asked.host}")
    if site == "same-origin" and sent.hostname and sent.hostname == host.hostname:
        return "only the port differs: the proxy cuts it off (nginx: proxy_set_header Host $http_host), or set site.url"
    if origin == "null" and "Sec-Fetch-Site" not in asked.headers:
        return "a sandboxed page, or the proxy sets Referrer-Policy: no-referrer on a site without https"
    return ""


def is_own_path(target: str) -> bool:
    """Whether a browser that is sent to `target` stays on this site.

    Allowed is one slash, then neither a slash nor a backslash, and no control character: what browsers make of
    ``//host``, ``/\\host``, ``https:host`` or a tab inside is another site (https://url.spec.whatwg.org/#url-parsing).
    """
    return (
        len(target) <= 2000
        and target.startswith("/")
        and not target.startswith("//")
        and "\\" not in target
        and target.isprintable()
    )


def safe_next(target: str | None) -> str | None:
    """`target` when it is a path of ours, else None."""
    if not target:
        return None
    if not is_own_path(target):
        log.info(events.REDIRECT_REFUSED, target=target[:200])
        return None
    return target


def this_page() -> str:
    """Where to come back to: the page that htmx was on, or the one asked for."""
    current = split(request.headers.get("HX-Current-URL", ""))
    if is_own_path(current.path):
        return current.path
    if request.method in SAFE_METHODS:
        return request.full_path.rstrip("?")
    return split(request.referrer or "").path or "/"


def refuse_suspended(user: User) -> None:
    """Said only to who knows the password, or was signed in until then. Raises Suspended."""
    if user.suspended_at is None:
        return
    log.info(events.SIGN_IN_SUSPENDED, other_id=user.id)
    contact = settings().site.contact
    raise Suspended(
        "A moderator has suspended it on {at:%-d %B %Y}. Until that is lifted it can neither sign in "
        "nor write, and what it wrote is not shown. Nothing is deleted.",
        f"If you think that this is a mistake, write to {contact or 'whoever runs this site'}.",
        at=user.suspended_at,
    )


def refuse_who_was_suspended() -> None:
    """At once, and not after they have typed their password: the cookie still says who was signed in."""
    member = db.session.get(User, session["member"]) if "member" in session else None
    if member is not None:
        refuse_suspended(member)


def refuse_foreign_form() -> None:
    """A form made for another member (signed in as somebody else meanwhile). Raises NotYours."""
    mine = str(flask_login.current_user.id)
    if request.form.get("person", mine) != mine:
        raise NotYours("This form belongs to another member. You are signed in as somebody else now.")


def came_from(asked: WerkzeugRequest) -> str:
    """The path of the page of ours it was asked from; empty where there is none, or that is asked for again."""
    page = split(asked.referrer or "")
    ours = _is_ours(page, asked) and is_own_path(page.path)
    return page.path if ours and unquote(page.path) != asked.path else ""


def split(address: str) -> SplitResult:
    """The parts of an address that somebody sent; all empty where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def init_app(app: Flask) -> None:
    """Register the checks; before everything else that runs before a view."""
    hosts = trusted_hosts(app.config["SETTINGS"])

    @app.before_request
    def note_the_route() -> None:
        known = stats.get()
        rule = request.url_rule
        if known is not None and rule is not None:
            known.route, known.endpoint = rule.rule, rule.endpoint
            bind_contextvars(method=request.method, route=known.route)

    @app.before_request
    def know_the_host() -> None:
        if not is_trusted(request.environ.get("HTTP_HOST") or request.host, hosts):
            log.warning(events.HOST_REFUSED, host=request.environ.get("HTTP_HOST", "")[:200])
            raise BadRequest("This site is not reached by that address.")

    @app.before_request
    def allow_uploads() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if limit := getattr(view, "upload_limit", None):
            # Room for the other parts and the boundaries of a multipart body.
            request.max_content_length = getattr(app.config["SETTINGS"].profile, limit) + 65_536

    @app.before_request
    def refuse_other_sites() -> None:
        """Besides the token: browsers say where a request comes from, and only our own pages may change anything."""
        if request.method in SAFE_METHODS:
            return
        if is_from_elsewhere(request):
            origin = request.headers.get("Origin", "")
            log.warning(events.CSRF_REJECTED, reason="cross_site", origin=origin[:200], hint=_hint(request))
            raise FromElsewhere(FromElsewhere.description)

    @login_manager.unauthorized_handler  # type: ignore[untyped-decorator]
    def sign_in_first() -> Response:
        refuse_who_was_suspended()
        log.info(events.SIGN_IN_REQUIRED)
        if request.method in SAFE_METHODS and representation(request) == "page":
            return redirect(url_for("auth.login", next=this_page()))
        raise Unauthorized
