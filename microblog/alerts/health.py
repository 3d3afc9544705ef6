"""Is mail on, does it work, and if not, since when: for the start, for `check` and for `mail status`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from microblog.alerts.message import is_address, sender_address
from microblog.alerts.spool import Group, SpoolUnusable, spools
from microblog.config.settings import Settings


@dataclass(frozen=True)
class Health:
    """`state` in a word, `sentence` for a person; times in seconds since 1970."""

    state: Literal["off", "fine", "failing"]
    sentence: str
    since: float | None = None
    last_error: str = ""
    last_sent: float | None = None
    waiting: tuple[Group, ...] = ()


def missing(settings: Settings) -> str | None:
    """What keeps mail off, by the name of the setting; None when alerts can be sent."""
    mail = settings.mail
    if not mail.server:
        return "mail.server (MAIL_SERVER) is not set"
    if mail.username and not mail.password:
        return "mail.username is set but mail.password (MAIL_PASSWORD) is not"
    if mail.password and not mail.username:
        return "mail.password is set but mail.username (MAIL_USERNAME) is not"
    if not is_address(sender_address(settings)):
        return f"mail.sender (MICROBLOG_MAIL__SENDER) is no e-mail address: {mail.sender!r}"
    if not settings.administrators and settings.site.environment != "production":
        return f"{_whose(settings)} is empty, and this is {settings.site.environment}, not production"
    if not settings.administrators:
        return "mail.admins (ADMINS) is empty, there is nobody to write to"
    if not any(is_address(address) for address in settings.administrators):
        return f"{_whose(settings)} holds no e-mail address: {', '.join(map(repr, settings.administrators))}"
    return None


def _whose(settings: Settings) -> str:
    """The setting that names the administrators of this environment."""
    production = settings.site.environment == "production"
    return "mail.admins (ADMINS)" if production else "mail.other_admins (MICROBLOG_MAIL__OTHER_ADMINS)"


def notice(settings: Settings) -> str | None:
    """The line to show at start: why mail is off, or which administrator gets none. None when all is well."""
    reason = missing(settings)
    if reason is not None:
        return f"Alerts by mail are off: {reason}. Errors are in the logs only."
    odd = [address for address in settings.administrators if not is_address(address)]
    if odd:
        return f"{_whose(settings)}: {', '.join(map(repr, odd))} is no e-mail address and gets no mail."
    return None


def health(settings: Settings) -> Health:
    """Read from the spool, so it is right from any process. A spool that cannot be read is a failure too."""
    reason = notice(settings)
    if missing(settings) is not None:
        return Health("off", reason or "")
    state: dict[str, str] = {}
    waiting: list[Group] = []
    try:
        for spool in reversed(spools(settings)):  # the first place has the last word
            state |= spool.state()
            waiting += spool.waiting()
    except SpoolUnusable as error:
        return Health("failing", f"The spool of the alerts cannot be used: {error}", last_error=str(error))
    last_sent = float(state["last_sent"]) if "last_sent" in state else None
    since = float(state["failing_since"]) if "failing_since" in state else None
    count = sum(group.pending for group in waiting)
    kinds = f" of {len(waiting)} kinds" if len(waiting) > 1 else ""
    wait = f" {count:,} error{'s' if count != 1 else ''}{kinds} {'wait' if count != 1 else 'waits'} to be told."
    still = wait if waiting else ""
    if since is not None:
        last_error = state.get("last_error", "")
        attempts = state.get("attempts", "?")
        sentence = (
            f"Alerts by mail have failed since {moment(since)} ({attempts} attempts), the last time at {last_error}."
        )
        return Health("failing", sentence + still, since, last_error, last_sent, tuple(waiting))
    went = f"the last mail went at {moment(last_sent)}" if last_sent else "no mail has been needed yet"
    return Health("fine", f"Alerts by mail are on, {went}.{still}", None, "", last_sent, tuple(waiting))


def moment(at: float) -> str:
    """A time for a person, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
