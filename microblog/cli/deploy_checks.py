"""What `manage.py check --deploy` asks besides: what may be open at the desk, and not where others come in."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from microblog.alerts.health import missing
from microblog.cli.checks import Finding
from microblog.config.settings import ROOT, SECRETS, Settings, is_loopback
from microblog.web.access import trusted_hosts

_OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH
_FILE = re.compile(r"(.+?), (?:line \d+$|named by )")  # how the source of a setting names a file


def environment(settings: Settings) -> Iterator[Finding]:
    source = settings.sources.get("site.environment", "default")
    if settings.debug:
        yield Finding("fail", "debug", "FLASK_DEBUG is on: whoever reaches the debugger runs code here; unset it")
    else:
        yield Finding("ok", "debug", "is off")
    if settings.site.environment == "production":
        yield Finding("ok", "environment", f"production ({source})")
    else:
        yield Finding("warn", "environment", f"{settings.site.environment} ({source}); is this the real site?")


def address(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.site.url)
    if is_loopback(url.hostname or ""):
        yield Finding("fail", "address", f"site.url = {settings.site.url} is this machine only; set the public address")
    elif url.scheme != "https":
        yield Finding("fail", "address", f"{settings.site.url} is not https: passwords travel as they are typed")
    else:
        yield Finding("ok", "address", f"{settings.site.url}; cookies are for https only")
    hosts = list(dict.fromkeys(trusted_hosts(settings)))
    wide = [host for host in settings.server.trusted_hosts if host.startswith(".") or "*" in host]
    if wide:
        yield Finding("warn", "trusted hosts", f"{', '.join(wide)} takes every name below; name those that are yours")
    else:
        yield Finding("ok", "trusted hosts", ", ".join(hosts))
    if settings.server.proxies or not is_loopback(settings.server.host):
        yield Finding("ok", "proxies", f"{settings.server.proxies} of yours in front (server.proxies)")
    else:
        yield Finding(
            *("fail", "proxies"),
            "only a proxy reaches this site, but server.proxies is 0: everybody seems to come from this machine",
        )


def secret(settings: Settings) -> Iterator[Finding]:
    """`check` says whether it is strong; here it has to be there."""
    if not settings.security.secret_key and not (settings.data_dir / "secret_key").exists():
        yield Finding("warn", "secret key", "is not made yet: start the site once, then check again")


def permissions(settings: Settings) -> Iterator[Finding]:
    """Who may look into what the site keeps, or change what it reads."""
    wrong = []
    for name, path in (("data", settings.data_dir), ("logs", settings.log_dir)):
        if path.is_dir() and (mode := path.stat().st_mode) & _OTHERS:
            wrong.append(f"others may look into the {name} directory ({stat.filemode(mode)}): chmod 750 {path}")
    database = make_url(settings.database_url)
    if database.get_backend_name() == "sqlite" and database.database:
        path = Path(database.database)  # which may lie elsewhere, in a directory that others may look into
        if path.is_file() and path.parent.stat().st_mode & stat.S_IXOTH and (mode := path.stat().st_mode) & _OTHERS:
            wrong.append(f"others may read {path} ({stat.filemode(mode)}): chmod o= {path}")
    for path, holds_secrets in _config_files(settings):
        mode = path.stat().st_mode
        if mode & stat.S_IWOTH:
            wrong.append(f"others may change {path} ({stat.filemode(mode)}): chmod o-w {path}")
        elif holds_secrets and mode & stat.S_IROTH:
            wrong.append(f"others may read the secrets in {path} ({stat.filemode(mode)}): chmod o= {path}")
    yield Finding("fail" if wrong else "ok", "permissions", "\n".join(wrong) or "nobody else may look or write")


def _config_files(settings: Settings) -> Iterator[tuple[Path, bool]]:
    """Each file that a setting came from, and whether one of them is a secret."""
    found: dict[Path, bool] = {}
    for key, source in settings.sources.items():
        if named := _FILE.match(source):
            path, (section, name) = ROOT / named[1], key.split(".")
            value = str(getattr(getattr(settings, section), name))
            secret = bool(value) if key in SECRETS else key == "database.url" and "@" in value
            found[path] = found.get(path, False) or secret
    yield from ((path, secret) for path, secret in found.items() if path.is_file())


def mail(settings: Settings) -> Iterator[Finding]:
    """`check` asks the server; here mail has to be on."""
    reason = missing(settings)
    if reason:
        yield Finding("fail", "mail", f"nobody hears of an error: {reason}")


def workers(settings: Settings) -> Iterator[Finding]:
    cores, chosen = os.cpu_count() or 1, settings.server.workers
    said = f"{chosen} processes of {settings.server.threads} threads for {cores} cores"
    if chosen == 1:
        yield Finding("warn", "workers", f"{said}: when the one process dies, nobody answers until there is another")
    elif chosen > 2 * cores:
        yield Finding("warn", "workers", f"{said}: they get into each other's way; server.workers = {cores} is enough")
    else:
        yield Finding("ok", "workers", said)


DEPLOY: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    environment,
    address,
    secret,
    permissions,
    mail,
    workers,
)
