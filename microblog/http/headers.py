"""The headers that stand on every answer, whoever made it."""

from microblog.web.htmx import VARY

# No inline script or style and no third party anywhere, so no nonce is needed. data: is for icons in the style sheet.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# On the thirty files of a first visit the others would only be weight: a style sheet and a script are no documents.
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOT_ON_PARTS = {
    "Content-Security-Policy": POLICY,  # a picture can be opened like a page
    # The client guard swaps only answers that bear this: a proxy's error page does not.
    "X-Microblog": "1",
}
_NOT_ON_FILES = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PARTS = ("text/css", "text/javascript")
_FILES = (*_PARTS, "image/")

# Pages are made for one person at one moment; what may be kept (files) says so itself.
_NOT_KEPT = {"Cache-Control": "no-store"}


def _in_lower_case(*wanted: dict[str, str]) -> list[tuple[str, tuple[str, str]]]:
    return [(name.lower(), (name, value)) for some in wanted for name, value in some.items()]


_PART = _in_lower_case(_EVERYWHERE)
_FILE = _in_lower_case(_EVERYWHERE, _NOT_ON_PARTS, _NOT_KEPT)
_PAGE = _in_lower_case(_EVERYWHERE, _NOT_ON_PARTS, _NOT_KEPT, _NOT_ON_FILES)
_VARY = [(name.lower(), name) for name in VARY]


def complete(sent: list[tuple[str, str]], *, reference: str, secure: bool) -> list[tuple[str, str]]:
    """`sent` and what is missing there: policies, the reference, Vary, and a cache rule."""
    # On the bare list: with Werkzeug's Headers, which look through themselves for each, it took a tenth of an answer.
    there = {pair[0].lower(): pair[1] for pair in sent}
    # A copy: the list may be another's.
    headers = [pair for pair in sent if pair[0].lower() != "x-request-id"] if "x-request-id" in there else sent.copy()
    kind = there.get("content-type", "")
    wanted = _PART if kind.startswith(_PARTS) else _FILE if kind.startswith(_FILES) else _PAGE
    headers += [pair for name, pair in wanted if name not in there]
    if secure and "strict-transport-security" not in there:
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    if wanted is _PART:
        return headers  # the same for everybody, in no log, and with a cache rule of its own
    headers.append(("X-Request-ID", reference))
    varies = ",".join(value.lower() for name, value in sent if name.lower() == "vary") if "vary" in there else ""
    known = {name.strip() for name in varies.split(",")}
    if missing := [name for lower, name in _VARY if lower not in known]:
        headers.append(("Vary", ", ".join(missing)))
    return headers
