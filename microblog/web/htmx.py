"""Who asked: htmx for a fragment, a program for JSON, or a browser for a page."""

from typing import Any, Literal

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

Representation = Literal["fragment", "json", "page"]

VARY = ("HX-Request", "HX-Request-Type")
"""Without these the Back button was seen to show a bare fragment as the page."""


def asks_for_fragment(environ: dict[str, Any]) -> bool:
    """Whether htmx will swap the answer to this request into a part of the page."""
    return (
        environ.get("HTTP_HX_REQUEST") == "true"
        and environ.get("HTTP_HX_REQUEST_TYPE") != "full"
        and environ.get("HTTP_HX_BOOSTED") != "true"
        and environ.get("HTTP_HX_HISTORY_RESTORE_REQUEST") != "true"
    )


def wants_fragment() -> bool:
    """The same of the running request."""
    return asks_for_fragment(request.environ)


def representation(asked: WerkzeugRequest) -> Representation:
    """How an error is to be told to whoever sent `asked`."""
    if asked.path.startswith("/api/"):
        return "json"
    if asks_for_fragment(asked.environ):
        return "fragment"
    accepts = asked.accept_mimetypes
    json_quality = max(accepts["application/json"], accepts["application/problem+json"])
    return "json" if json_quality > accepts["text/html"] else "page"


def put(html: str, element_id: str, swap: str) -> Response:
    """An answer that htmx puts somewhere else than the form says, without calling it a new address."""
    return Response(html, headers={"HX-Retarget": f"#{element_id}", "HX-Reswap": swap, "HX-Push-Url": "false"})


def refused(fragment: str, page: str, **context: object) -> Response:
    """422: the same form again, with what was typed and why it cannot be taken."""
    return make_response(render_template(fragment if wants_fragment() else page, **context), 422)


def leave_to(endpoint: str, **values: str) -> WerkzeugResponse:
    """Go to another page after a change. A 303 would be followed silently inside a swap, so htmx gets HX-Redirect."""
    return leave_to_path(url_for(endpoint, _external=False, **values))


def leave_to_path(path: str) -> WerkzeugResponse:
    """As `leave_to`, for a path that is known to be ours (access.safe_next). Headers are ASCII: it is encoded."""
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": iri_to_uri(path)})
    return redirect(path, 303)
