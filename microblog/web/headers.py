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


_PART = tuple(_EVERYWHERE.items())
_FILE = (*_PART, *_NOT_ON_PARTS.items())
_PAGE = (*_FILE, *_NOT_ON_FILES.items())


def complete(sent: list[tuple[str, str]], *, reference: str, secure: bool) -> list[tuple[str, str]]:
    """`sent` and what is missing there: policies, the reference, Vary, and a cache rule."""
    headers = [pair for pair in sent if pair[0].lower() != "x-request-id"]  # a copy: the list may be another's
    # On the bare list: with Werkzeug's Headers, which look through themselves for each, it took a tenth of an answer.
    there = {name.lower(): value for name, value in headers}

    def default(name: str, value: str) -> None:
        if name.lower() not in there:
            headers.append((name, value))

    kind = there.get("content-type", "")
    for name, value in _PART if kind.startswith(_PARTS) else _FILE if kind.startswith(_FILES) else _PAGE:
        default(name, value)
    if secure:
        default("Strict-Transport-Security", "max-age=31536000")
    if kind.startswith(_PARTS):
        return headers  # the same for everybody, in no log, and with a cache rule of its own
    headers.append(("X-Request-ID", reference))
    varies = ",".join(value.lower() for name, value in headers if name.lower() == "vary")
    known = {name.strip() for name in varies.split(",")}
    if missing := [name for name in VARY if name.lower() not in known]:
        headers.append(("Vary", ", ".join(missing)))
    # Pages are made for one person at one moment; what may be kept (files) says so itself.
    default("Cache-Control", "no-store")
    return headers
