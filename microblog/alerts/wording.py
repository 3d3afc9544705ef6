"""What an alert says: the mail about one error, or about several that came together."""

import html
import platform
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache

from microblog.alerts.message import compose, is_address, site_domain
from microblog.alerts.pace import Pace
from microblog.alerts.spool import Group
from microblog.alerts.summary import Raised, Summary
from microblog.config.settings import ROOT, Settings
from microblog.log import plain
from microblog.log.reference import normalise

IN_FULL = 10  # errors told with their traceback in one mail; the others get one line each
TRACEBACK = 20_000  # characters of one traceback; what is cut is in the middle
_RELATIONS = {
    "cause": "The above was the direct cause of:",
    "context": "While that was handled, another one occurred:",
}


def alert(
    settings: Settings, groups: Sequence[Group], *, digest: bool = False, outage: str = "", brief: bool = False
) -> EmailMessage:
    """The mail that tells `groups`. `outage` is a sentence on why it comes late; `brief` leaves everything else out."""
    admins = [address for address in settings.administrators if is_address(address)]
    total = sum(group.pending for group in groups)
    headers = {
        # For filters, and for whoever counts: fingerprint=times, for each error in this mail.
        "X-Microblog-Alert": ", ".join(f"{group.fingerprint}={group.pending}" for group in groups[:30]),
    }
    if len(groups) == 1:
        # Mail programs then show every mail about one error as one conversation.
        headers["References"] = f"<alert-{groups[0].fingerprint}@{site_domain(settings)}>"
    opening = _opening(groups, total, digest=digest, outage=outage)
    if brief:
        opening.append("The server refused the full mail; python3 manage.py mail status and the logs have the rest.")
        return compose(
            settings, admins, f"[{settings.site.name}] {len(groups)} errors", "\n\n".join(opening), None, headers
        )
    facts = _facts(settings)
    text = "\n\n".join(
        [*opening, *(_block(settings, group) for group in groups[:IN_FULL]), _table(facts), _closing(settings, groups)]
    )
    return compose(settings, admins, _subject(settings, groups, total), text, _html(settings, groups, opening), headers)


def title(group: Group) -> str:
    """`500 ZeroDivisionError at POST /edit_profile`: what broke, and where; first of all that it is a regression."""
    example = group.example
    where = " ".join(part for part in (example.method, example.route or example.path) if part)
    if where:
        name = example.name
    else:
        name = f"{example.name}: {example.event}" if example.chain else f"{example.level} {example.event}"
    told = plain.line(" ".join(part for part in (example.status, name, f"at {where}" if where else "") if part), 120)
    return f"regressed, resolved in {group.regressed}: {told}" if group.regressed else told


def times(group: Group) -> str:
    """`×3`, and after the first mail `×3 since 14:02`."""
    shown = f"×{group.pending:,}"
    return shown if not group.stage else f"{shown} since {_clock(group.mailed, group.last_seen)}"


def tag_of(settings: Settings) -> str:
    """What stands in brackets before every subject: which site, and which one of several of that name."""
    environment = settings.site.environment
    return settings.site.name if environment == "production" else f"{settings.site.name} {environment}"


def _subject(settings: Settings, groups: Sequence[Group], total: int) -> str:
    tag = tag_of(settings)
    if len(groups) == 1:
        return f"[{tag}] {title(groups[0])} ({times(groups[0])})"
    names = ", ".join(dict.fromkeys(group.example.name for group in groups))
    regressed = sum(bool(group.regressed) for group in groups)
    told = f", {regressed} regressed" if regressed else ""
    return f"[{tag}] {len(groups)} different errors{told} (×{total:,}): {names}"


def _opening(groups: Sequence[Group], total: int, *, digest: bool, outage: str) -> list[str]:
    paragraphs = []
    if len(groups) == 1:
        group = groups[0]
        often = "once" if group.pending == 1 else f"{group.pending:,} times"
        paragraphs.append(f"{title(group)}\nIt happened {often}{_since(group)}.")
    else:
        lines = [f"{number:3}. {title(group)} ({times(group)})" for number, group in enumerate(groups, start=1)]
        paragraphs.append(f"{len(groups)} different errors, {total:,} in all:\n\n" + "\n".join(lines))
    if digest:
        paragraphs.append("This hour had more mails than alerts.hourly_cap allows; this one gathers the rest.")
    if outage:
        paragraphs.append(outage)
    return paragraphs


def _since(group: Group) -> str:
    if group.stage:
        last = _clock(group.mailed, group.last_seen)
        return f" since the last mail about it at {last} UTC, {group.total:,} times in all"
    return ""


def _block(settings: Settings, group: Group) -> str:
    parts = [f"{'-' * 72}\n{title(group)}", _table(_rows(settings, group))]
    if group.example.chain:
        parts.append(traceback(group.example))
    return "\n\n".join(parts)


def _rows(settings: Settings, group: Group) -> list[tuple[str, str]]:
    example = group.example
    # Only what is a reference: the line is made to be pasted into a shell.
    given = (normalise(reference) for reference in [example.reference, *group.references])
    references = list(dict.fromkeys(filter(None, given)))
    look = f"python3 manage.py logs show {references[0]}" if references else ""
    where = " ".join(part for part in (example.method, example.route) if part)
    when = _moment(group.since) if group.pending == 1 else f"{_moment(group.since)} to {_moment(group.last_seen)}"
    # The inbox lists no drill.
    inbox = "" if "drill" in example.more else f"{settings.site.url}/admin/errors/{group.fingerprint}"
    rows = [
        ("Look it up", look),
        ("In the inbox", inbox),
        ("Reference", references[0] if references else ""),
        ("Others", ", ".join(references[1:])),
        ("Times", f"{times(group)}, first seen {_moment(group.first_seen)}, {group.total:,} in all"),
        ("When", when),
        ("Route", where),
        ("Path", example.path if example.path != example.route else ""),
        ("Status", example.status),
        ("User id", example.user_id),
        ("Event", f"{example.event} ({example.level.lower()}, {example.logger})"),
        *example.more.items(),
        ("Fingerprint", group.fingerprint),
    ]
    return [(name, value) for name, value in rows if value]


def traceback(example: Summary) -> str:
    """The exception with what led to it, as Python prints it, without variables."""
    shown = "\n".join(part for raised in example.chain for part in _raised(raised)).lstrip("\n")
    if len(shown) <= TRACEBACK:
        return shown
    return f"{shown[: TRACEBACK // 5]}\n  … cut …\n{shown[-TRACEBACK * 4 // 5 :]}"


def _raised(raised: Raised) -> list[str]:
    lines = [f"\n{_RELATIONS[raised.relation]}\n"] if raised.relation in _RELATIONS else []
    if raised.frames:
        lines.append("Traceback (most recent call last):")
    for number, frame in enumerate(raised.frames):
        if raised.omitted and number == 5:
            lines.append(f"  … {raised.omitted} more …")
        lines.append(f'  File "{frame.file.removeprefix(f"{ROOT}/")}", line {frame.line}, in {frame.function}')
        if frame.source:
            lines.append(f"    {frame.source}")
    return [*lines, f"{raised.type}: {raised.message}" if raised.message else raised.type]


def _facts(settings: Settings) -> list[tuple[str, str]]:
    return [
        ("Site", settings.site.url),
        ("Environment", settings.site.environment),
        ("Version", version()),
        ("Host", plain.line(platform.node(), 100)),
    ]


def _closing(settings: Settings, groups: Sequence[Group]) -> str:
    pace = Pace.of(settings.alerts)
    wait = min(pace.step(group.stage + 1) for group in groups)
    return (
        f"The next mail about the same comes in {_length(wait)} at the earliest, with the number of times until then."
    )


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _html(settings: Settings, groups: Sequence[Group], opening: Sequence[str]) -> str:
    parts = [f"<p style='white-space:pre-wrap'>{html.escape(paragraph)}</p>" for paragraph in opening]
    for group in groups[:IN_FULL]:
        parts.append(f"<h2 style='font-size:1.1em'>{html.escape(title(group))}</h2>")
        parts.append(_html_table(_rows(settings, group)))
        if group.example.chain:
            parts.append(f"<pre style='white-space:pre-wrap'>{html.escape(traceback(group.example))}</pre>")
    parts += ["<hr>", _html_table(_facts(settings)), f"<p>{html.escape(_closing(settings, groups))}</p>"]
    return (
        "<!doctype html>\n<html lang='en'><body style='font-family:sans-serif'>\n"
        + "\n".join(parts)
        + "\n</body></html>"
    )


def _html_table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "\n".join(
        f"<tr><th align='left' valign='top'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table cellpadding='3'>\n{cells}\n</table>"


def _moment(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def _clock(at: float, until: float) -> str:
    """The time of day; with its date where a day lies between."""
    return _moment(at)[11:16] if until - at < 72_000 else _moment(at)[:16]


def _length(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"


@cache
def version() -> str:
    """The version in pyproject.toml; the site runs from its checkout and is not installed."""
    try:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
