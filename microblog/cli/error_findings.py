"""What must be true of every error answer, whoever asked and whatever is broken."""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import distributions

from markupsafe import escape

from microblog.cli import version
from microblog.cli.error_answers import GONE_BEFORE, LAST_RESORT, MEMBER, Answer
from microblog.cli.markup import Reader
from microblog.config.settings import ROOT

FRAGMENT_LIMIT = 4096
"""Bytes: one thought, and no page in disguise."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Microblog": "1",
    "Cache-Control": "no-store",
}
BY_STATUS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}
TOAST = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend", "HX-Push-Url": "false"}

INTERNAL = re.compile(
    r"Traceback|File \"|sqlalchemy|sqlite|psycopg|werkzeug|jinja|gunicorn|python|site-packages|\.py\b|Errno"
    r"|an error on purpose|(?<![</])\bSELECT\b|\bINSERT\b|\bUPDATE\b|\bPRAGMA\b"
    r"|(?<![\w.])/(?:tmp|home|root|usr|var|opt|srv|etc)/|0x[0-9a-f]{6,}",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?<![\w-])[\w-]{1,200}\.[\w-]{6}\.[\w-]{27}")
"""A CSRF token: random letters, which spell anything now and then."""

REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")


read = lru_cache(maxsize=2)(Reader)
"""Several rules look into the same answer."""


def problems(answer: Answer, *, name: str) -> list[str]:
    """Everything that is wrong with `answer`; `name` is the site's, which may hold any word."""
    return [text for rule in RULES for text in rule(answer, name)]


def status(answer: Answer, _name: str) -> Iterator[str]:
    if answer.status != answer.wanted:
        yield f"the status is {answer.status}"


def internal(answer: Answer, name: str) -> Iterator[str]:
    """No traceback, SQL, path or version, neither in the body nor in a header."""
    for text in (answer.body, "\n".join(f"{key}: {value}" for key, value in answer.headers)):
        bare = TOKEN.sub("", text)
        for spelled in filter(None, (name, str(escape(name)))):
            bare = bare.replace(spelled, "")
        if found := INTERNAL.search(bare) or _own(bare):
            yield f"it shows an internal detail: {found[0]!r}"
    for header in ("Server", "X-Powered-By"):
        if header in answer.headers:
            yield f"{header} says what runs here"


def _own(text: str) -> re.Match[str] | None:
    return re.search(re.escape(str(ROOT)), text) or _versions().search(text)


def _versions(known: list[re.Pattern[str]] = []) -> re.Pattern[str]:  # noqa: B006 - kept from call to call
    if not known:
        installed = {found.version for found in distributions()} | {version()}
        exact = "|".join(re.escape(number) for number in sorted(installed) if number.count(".") >= 2)
        known.append(re.compile(rf"(?<![\w.])v?(?:{exact})(?![\w.])"))
    return known[0]


def reference(answer: Answer, _name: str) -> Iterator[str]:
    """The same one in the header, to the person and in the log, where it has one line."""
    if not REFERENCE.fullmatch(answer.reference):
        yield f"X-Request-ID is {answer.reference!r}, which is no reference"
    shown = _shown(answer)
    if not shown:
        yield "it shows no reference"
    elif shown != [answer.reference]:
        yield f"it shows the reference {', '.join(shown)}, and the log has {answer.reference}"
    if [line["status"] for line in answer.lines] != [answer.status]:
        yield f"the log has {len(answer.lines)} lines about it"


def _shown(answer: Answer) -> list[str]:
    if answer.kind != "JSON":
        return read(answer.body).references
    try:
        return [json.loads(answer.body)["reference"]]
    except (ValueError, KeyError, TypeError):
        return []


def representation(answer: Answer, _name: str) -> Iterator[str]:
    """What was asked for, and valid."""
    if answer.kind == "JSON":
        yield from _json(answer)
        return
    if answer.headers.get("Content-Type") != "text/html; charset=utf-8":
        yield f"its Content-Type is {answer.headers.get('Content-Type')}"
    page = read(answer.body)
    yield from page.problems
    if answer.kind == "fragment":
        if page.seen["html"] or page.seen["body"]:
            yield "a page came where a fragment was asked for"
        if len(answer.body.encode()) > FRAGMENT_LIMIT:
            yield f"the fragment has more than {FRAGMENT_LIMIT} bytes"
        return
    if not answer.body.lstrip().lower().startswith("<!doctype html>"):
        yield "the page has no doctype"
    title, heading = ("".join(page.texts[tag]).strip() for tag in ("title", "h1"))
    if page.seen["h1"] != 1 or not heading or not title.startswith(heading):
        yield f"the page has {page.seen['h1']} h1, and its title {title!r} does not begin with it"
    if answer.case != LAST_RESORT and not page.ids["toasts"]:
        yield "the page has no place for toasts"


def _json(answer: Answer) -> Iterator[str]:
    if answer.headers.get("Content-Type") != "application/problem+json":
        yield f"its Content-Type is {answer.headers.get('Content-Type')}"
    try:
        said = json.loads(answer.body)
    except ValueError:
        yield "it is no JSON"
        return
    for key in ("type", "title", "status", "detail", "code", "reference"):
        if not said.get(key):
            yield f"the JSON has no {key}"
    if said.get("status") != answer.status:
        yield f"the JSON says {said.get('status')}"


def viewer(answer: Answer, _name: str) -> Iterator[str]:
    """Whoever was known before it failed is still greeted by name."""
    known = answer.who == "member" and answer.case not in {LAST_RESORT, GONE_BEFORE}
    if answer.kind == "page" and known != (MEMBER in answer.body):
        yield "the page forgets who is signed in" if known else "the page names a member it cannot know"


def headers(answer: Answer, _name: str) -> Iterator[str]:
    """Each there, once."""
    for header, value in HEADERS.items():
        if answer.headers.getlist(header) != [value]:
            yield f"{header} is {', '.join(answer.headers.getlist(header)) or 'missing'}"
    policies = answer.headers.getlist("Content-Security-Policy")
    if len(policies) != 1 or "default-src 'self'" not in policies[0] or "unsafe" in policies[0]:
        yield "Content-Security-Policy is missing, or too wide"
    varies = {word.strip() for line in answer.headers.getlist("Vary") for word in line.split(",")}
    if missing := {"HX-Request", "HX-Request-Type"} - varies:
        yield f"Vary lacks {', '.join(sorted(missing))}"
    own = BY_STATUS.get(answer.status)
    if own and own not in answer.headers:
        yield f"{own} is missing"
    for header, value in TOAST.items():
        wanted = value if answer.kind == "fragment" else None
        if answer.headers.get(header) != wanted:
            yield f"{header} is {answer.headers.get(header) or 'missing'}"


RULES: tuple[Callable[[Answer, str], Iterator[str]], ...] = (
    status,
    internal,
    reference,
    representation,
    viewer,
    headers,
)
