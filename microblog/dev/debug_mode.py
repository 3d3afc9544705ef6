"""The gate before what only a developer may have: shut, unless this process serves its own machine in debug mode.

`manage.py run --debug` opens it, and so does a test that says so. A module behind it calls `required` at its top, so
that in production it cannot even be imported.
"""

from urllib.parse import urlsplit

from microblog.config.settings import Settings, explicitly_production, is_loopback

_open = False


class NotInDebugMode(RuntimeError):
    """Something for developers was asked for where members are."""


def enter(settings: Settings) -> None:
    """Open the gate for this process. Raises NotInDebugMode where anybody but this machine could be served."""
    public = urlsplit(settings.site.url).hostname or ""
    reasons = {
        "debug mode is off": not settings.debug,
        "site.environment says that this is production": explicitly_production(settings),
        f"server.host = {settings.server.host} can be reached by others": not is_loopback(settings.server.host),
        f"site.url = {settings.site.url} is a public address": not is_loopback(public),
    }
    for reason, holds in reasons.items():
        if holds:
            raise NotInDebugMode(f"This is for debug mode only, and {reason}.")
    global _open
    _open = True


def leave() -> None:
    """Shut the gate again: for tests."""
    global _open
    _open = False


def required(what: str) -> None:
    """Raises NotInDebugMode unless the gate is open."""
    if not _open:
        raise NotInDebugMode(f"{what} is for `manage.py run --debug` only.")
