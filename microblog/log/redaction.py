"""What never reaches a log, a mail or a terminal, found by the name of the key and, in free text, by its shape."""

import re

REDACTED = "[redacted]"

# Parts of a key, compared without case and punctuation: `X-CSRF-Token`, `csrfToken` and `csrf_token` are one.
_PARTS = (
    *("password", "passwd", "passphrase", "secret", "token", "cookie", "authorization", "csrf", "xsrf", "session"),
    *("credential", "apikey", "privatekey", "accesskey", "signingkey", "resetlink"),
)
# Short words only as a whole word: `pin` is secret, `shipping` is not.
_WORDS = frozenset(("pin", "otp", "pwd", "auth", "sid", "jwt", "passcode"))
_WORD_EDGES = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def is_secret(key: str) -> bool:
    """Whether a value under `key` must not be shown."""
    words = [word.lower() for word in _WORD_EDGES.split(key[:200])]
    joined = "".join(words)
    return any(part in joined for part in _PARTS) or not _WORDS.isdisjoint(words)


# In free text. Every repetition is bounded or cannot overlap its neighbour, so that hostile text costs linear time.
_NAME = r"(?:password|passwd|passphrase|secret|token|cookie|authorization|csrf|xsrf|session|credential|api[-_]?key)"
_ASSIGNED = re.compile(
    # password=…, "password": …, 'password' => … and ('Cookie', '…'), as pairs are written.
    rf"({_NAME}[\w-]{{0,40}}(?:[\"']?\s{{0,3}}(?:=>|[=:])\s{{0,3}}|[\"'],\s{{0,3}}(?=b?[\"'])))"
    r"(?!\[redacted\])"
    r"(b?\"(?:[^\"\\]|\\.)*\"?|b?'(?:[^'\\]|\\.)*'?|(?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s&;,)}\]\"']+)",
    re.IGNORECASE,
)
_QUOTED = re.compile(rf"({_NAME}[\w-]{{0,40}}[\"']?\s{{0,3}}[=:]\s{{0,3}})(b?\"[^\"]+\"|b?'[^']+')", re.IGNORECASE)
_HEADER = re.compile(r"((?:cookie|authorization)[\"']?\s{0,3}:\s{0,3}[\"']?)(?![\s\"'\[])[^\r\n\"']+", re.IGNORECASE)
_LINK = re.compile(r"(/(?:reset|confirm|verify|invite|unsubscribe)[\w-]{0,40}/)[^/\s?&#\"']{8,}", re.IGNORECASE)
_USERINFO = re.compile(r"(://[^\s/:@]{0,200}:)[^\s/@]{1,400}(?=@)")
_IN_PLACE = rf"\g<1>{REDACTED}"

# SQLAlchemy quotes the parameters of a statement, PostgreSQL the values of a row. Both are what people typed.
_PARAMETERS = re.compile(r"\[parameters: .*?(?=\n\(Background on this error|\Z)", re.DOTALL)
_DETAIL = re.compile(r"^((?:DETAIL|CONTEXT):).*$", re.MULTILINE)


def scrub(text: str) -> str:
    """`text` without the values of ``password=…``, ``Cookie: …``, ``/reset/…`` and ``//name:password@…``.

    Nor the parameters of an SQL statement, wherever the text of a database error has got to.
    """
    if "/" in text:
        text = _LINK.sub(_IN_PLACE, text)
    if ":" in text:
        if "[parameters: " in text:
            text = _PARAMETERS.sub(f"[parameters: {REDACTED}]", text)
        if "DETAIL:" in text or "CONTEXT:" in text:
            text = _DETAIL.sub(rf"\g<1> {REDACTED}", text)
        text = _HEADER.sub(_IN_PLACE, text)
        if "@" in text:
            text = _USERINFO.sub(_IN_PLACE, text)
    if "=" in text or ":" in text or "," in text:
        text = _ASSIGNED.sub(_IN_PLACE, text)
    return text


def scrub_source(line: str) -> str:
    """The same for a line of source code, where only a literal is a secret and ``password = form.password`` is not."""
    return _QUOTED.sub(_IN_PLACE, line) if "=" in line or ":" in line else line
