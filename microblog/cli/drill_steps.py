"""The links that `manage.py drill` looks at, in the order in which an error passes them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from microblog.alerts.health import missing
from microblog.alerts.inbox.store import Inbox, SpoolUnusable
from microblog.config.settings import Settings
from microblog.log import events
from microblog.log.reference import normalise
from microblog.log.setup import file_path
from microblog.logbook import follow
from microblog.logbook.reader import search
from microblog.monitoring import drill_keys

ANSWERS = 20.0  # seconds for an answer of the site
WRITTEN = 5.0  # seconds for its lines: they follow the last byte of the answer
LOOK = 0.1


class Broken(Exception):
    """A link that does not hold; the text says what was seen instead."""


class Skipped(Exception):
    """A link that cannot be looked at, and why."""


class NotRunning(Exception):
    """Nobody answers at the address of the site."""


@dataclass
class Answer:
    """What the site answered to one key."""

    status: int
    body: str
    reference: str


@dataclass
class Drill:
    """One drill: where it asks, and what it has seen so far."""

    settings: Settings
    url: str | None
    wait: float
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run = drill_keys.new_run()
        self.log = Path(file_path(self.settings))
        self.log_was = follow.end(self.log)

    def ask(self, **headers: str) -> Answer:
        """Ask the site for an error. Raises NotRunning, Broken and OSError."""
        url = urlsplit(self.url or _address(self.settings))
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        try:
            connection = kind(url.hostname or "", url.port, timeout=ANSWERS)
        except ValueError as error:  # a port that is none
            raise NotRunning(_not_running(url.geturl())) from error
        own = urlsplit(self.settings.site.url).netloc if self.url is None else url.netloc
        with closing(connection):
            try:
                connection.connect()  # before there is a key that nobody will spend
            except OSError as error:
                raise NotRunning(_not_running(url.geturl())) from error
            headers = {
                "Host": own,
                drill_keys.HEADER: drill_keys.lay_key(self.settings, self.run),
                "Accept": "text/html",
            } | headers
            try:
                connection.request("GET", "/drill", headers=headers)
                heard = connection.getresponse()
                body = heard.read().decode(errors="replace")
            except (OSError, HTTPException) as error:
                raise Broken(f"the site does not answer: {type(error).__name__}: {error}") from error
        answer = Answer(heard.status, body, normalise(heard.headers.get("X-Request-ID", "")) or "")
        self.answers.append(answer)
        return answer

    def end(self) -> None:
        """Leave no key behind."""
        drill_keys.take_keys_away(self.settings)


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.server.host, settings.server.host)  # noqa: S104 - compared
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def _not_running(url: str) -> str:
    return f"The site does not answer at {url}: start it with `python3 manage.py run`, or say with --url where it is."


def page(now: Drill) -> str:
    answer = now.ask()
    _must_have_failed(answer)
    if "<html" not in answer.body:
        raise Broken("the answer is no whole page")
    return "500, as a whole page"


def fragment(now: Drill) -> str:
    answer = now.ask(**{"HX-Request": "true", "HX-Request-Type": "partial"})
    _must_have_failed(answer)
    if "<html" in answer.body:
        raise Broken("htmx got a whole page where it asked for a fragment")
    return "500, as a fragment"


def _must_have_failed(answer: Answer) -> None:
    if answer.status == 404 and answer.reference:
        raise Broken("the site did not find the key: it has another data directory (paths.data), or may not change it")
    if answer.status != 500:
        raise Broken(f"the answer is {answer.status} and not 500; is it this site, and not in debug mode?")
    if "ThisIsADrill" in answer.body or "Traceback" in answer.body:
        raise Broken("the answer shows the inside of the program; is the site in debug mode?")


def reference(now: Drill) -> str:
    references = _references(now)
    for answer in now.answers:
        if answer.reference not in answer.body:
            raise Broken(f"X-Request-ID says {answer.reference}, the answer does not show it")
    return f"{' and '.join(references)}, each in its answer and in X-Request-ID"


def log(now: Drill) -> str:
    """Found as `manage.py logs show` finds it."""
    count = 0
    for wanted in _references(now):
        for _ in _until(WRITTEN):
            found = [one.record for one in search(wanted, now.log).records if one.record.get("drill") is True]
            if {events.REQUEST_FAILED, events.REQUEST_FINISHED} <= {one["event"] for one in found}:
                break
        else:
            told = ", ".join(str(one["event"]) for one in found) or "nothing"
            raise Broken(f"{now.log} has {told} of {wanted}, and not the whole story")
        count += len(found)
    return f"{count} records in {now.log}"


def inbox(now: Drill) -> str:
    """Read by the error inbox, which lists it nowhere."""
    _references(now)
    store = Inbox(now.settings)
    try:
        store.read_on()
        if store.has_drill(now.run):
            return f"read into {store.path}, and listed nowhere"
    except SpoolUnusable as error:
        raise Broken(f"the inbox cannot be used: {error}") from error
    raise Broken(f"{store.path} does not have it; python3 manage.py errors reindex reads the log anew")


def mail(now: Drill) -> str:
    """Whether the mail server has taken it: what becomes of it there, only the receiver knows."""
    if reason := missing(now.settings):
        raise Skipped(f"mail is off: {reason}")
    if now.settings.logs.level not in {"debug", "info"}:
        raise Skipped(f"logs.level = {now.settings.logs.level} leaves out alert.sent, which would tell")
    _references(now)
    place, trouble = now.log_was, ""
    for _ in _until(now.wait):
        for line, after in follow.lines_after(now.log, place):
            place = after
            if b'"event":"alert.' not in line:
                continue
            record = json.loads(line)
            if now.run in record.get("fingerprints", ()):
                return f"{now.settings.mail.server} took it, for {record['recipients']} of mail.admins"
            if record["event"] == events.ALERT_FAILED:
                trouble = f": {record['error']}"
    raise Broken(f"no mail was taken within {now.wait:.0f} s{trouble}; python3 manage.py mail test goes step by step")


def _references(now: Drill) -> list[str]:
    """Raises Skipped where there is no error to look for."""
    found = [answer.reference for answer in now.answers if answer.status == 500 and answer.reference]
    if not found:
        raise Skipped("there was no error to look for")
    return found


def _until(seconds: float) -> Iterator[None]:
    """Go round until then, with a pause; at least once."""
    end = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() > end:
            return
        time.sleep(LOOK)


STEPS: tuple[tuple[str, Callable[[Drill], str]], ...] = (
    ("page", page),
    ("fragment", fragment),
    ("reference", reference),
    ("log", log),
    ("inbox", inbox),
    ("mail", mail),
)
