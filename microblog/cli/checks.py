"""What `manage.py check` looks at on a site; each check yields findings, says what to do, and changes nothing."""

import os
import platform
import secrets
import shutil
import smtplib
import ssl
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from jinja2 import TemplateError, meta
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from microblog import create_app
from microblog.alerts import sentry
from microblog.alerts.health import health
from microblog.backups import archive
from microblog.cli import version
from microblog.config.settings import ROOT, SECRET_FILE, Settings, explicitly_production, is_loopback
from microblog.monitoring.readiness import LITTLE_SPACE

# Keys that stand in tutorials, and so in every list of keys to try.
KNOWN_KEYS = frozenset({"you-will-never-guess", "dev", "secret", "change-me", "changeme", "a-really-long-secret-key"})
SOME_SPACE = 1_000_000_000  # bytes
BACKUP_DAYS = 2


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    state: Literal["ok", "warn", "fail"]
    name: str
    detail: str


def program(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "program", f"Microblog {version()}, Python {platform.python_version()}, in {ROOT}")
    if os.geteuid() == 0 and settings.site.environment == "production":
        yield Finding("warn", "user", "this is root; the site needs only a user of its own (docs/deployment.md)")


def configuration(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "configuration", "every setting is known and fits; `manage.py config` shows them")
    for notice in settings.notices:
        yield Finding("warn", "configuration", notice)
    public = not is_loopback(urlsplit(settings.site.url).hostname or "")
    if settings.debug and (public or explicitly_production(settings)):
        yield Finding("fail", "debug", "FLASK_DEBUG is on for a site in production; unset it")
    if public and settings.site.url.startswith("http:"):
        yield Finding("warn", "address", f"{settings.site.url} is not https: passwords travel as they are typed")
    if public and not settings.server.proxies and is_loopback(settings.server.host):
        yield Finding(
            *("warn", "address"),
            "only a proxy reaches this site, but server.proxies is 0: everybody seems to come from this machine",
        )


def secret(settings: Settings) -> Iterator[Finding]:
    key = settings.security.secret_key
    path = settings.data_dir / SECRET_FILE
    if key:
        source = settings.sources.get("security.secret_key", "")
        if key in KNOWN_KEYS or len(set(key)) < 8:
            yield Finding("fail", "secret key", f"the one from {source} is easily guessed: anybody could be anybody")
        elif len(key) < 32:
            yield Finding("warn", "secret key", f"the one from {source} has {len(key)} characters; 32 or more are safe")
        else:
            yield Finding("ok", "secret key", f"from {source}")
    elif not path.exists():
        yield Finding("ok", "secret key", "is made at the first start")
    elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("fail", "secret key", f"others may read {path}: chmod 600 {path}")
    else:
        yield Finding("ok", "secret key", f"in {path}, for its owner only")


def directories(settings: Settings) -> Iterator[Finding]:
    for name, path in (("data", settings.data_dir), ("logs", settings.log_dir)):
        if not path.exists():
            parent = next(above for above in path.parents if above.exists())
            if os.access(parent, os.W_OK | os.X_OK):
                yield Finding("ok", name, f"{path} is made at the first start")
            else:
                yield Finding("fail", name, f"{path} is not there and this user may not make it in {parent}")
            continue
        try:
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            yield Finding("fail", name, f"{path} cannot be written by this user ({error.strerror})")
            continue
        foreign = [found.name for found in path.iterdir() if found.stat().st_uid != os.geteuid()]
        if foreign:
            yield Finding("warn", name, f"{path}: other users own {', '.join(sorted(foreign)[:3])}; who runs the site?")
        else:
            yield Finding("ok", name, f"{path} can be written")


def space(settings: Settings) -> Iterator[Finding]:
    for name, path in (("data", settings.data_dir), ("logs", settings.log_dir)):
        free = shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free
        wanted = settings.logs.max_bytes * (settings.logs.backups + 1) if name == "logs" else SOME_SPACE
        state: Literal["ok", "warn", "fail"]
        state = "fail" if free < LITTLE_SPACE else "warn" if free < wanted else "ok"
        yield Finding(state, f"space, {name}", f"{free / 1e9:,.1f} GB free where {path} is")


def clock(settings: Settings) -> Iterator[Finding]:
    now = time.time()
    newest = max((found.stat().st_mtime for found in settings.log_dir.glob("*.jsonl*")), default=0.0)
    built = (ROOT / "pyproject.toml").stat().st_mtime
    shown = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if max(newest, built) > now + 60:
        yield Finding("warn", "clock", f"{shown} is earlier than what is already written; is the clock right?")
    else:
        yield Finding("ok", "clock", shown)


def database(settings: Settings) -> Iterator[Finding]:
    url = make_url(settings.database_url)
    kind = url.get_backend_name()
    if kind == "sqlite":
        if not url.database or not Path(url.database).exists():
            yield Finding("ok", "database", f"{url.database or 'in memory'}: is made at the first start")
            return
        url = url.set(database=f"file:{url.database}").update_query_dict({"mode": "rw", "uri": "true"})
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            if kind == "sqlite" and (said := connection.scalar(text("PRAGMA quick_check(1)"))) != "ok":
                yield Finding("fail", "database", f"is damaged ({said}); restore a backup")
                return
            current = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        yield Finding("fail", "database", f"{url.render_as_string(hide_password=True)}: {reason[:200]}")
        return
    finally:
        engine.dispose()
    script = ScriptDirectory(str(ROOT / "migrations"))
    wanted = set(script.get_heads())
    if current == wanted:
        yield Finding("ok", "database", f"{kind}, at the version of the code ({', '.join(current) or 'none'})")
    elif current <= {revision.revision for revision in script.walk_revisions()}:
        yield Finding("warn", "database", "is behind the code; `manage.py run` or `manage.py db upgrade` brings it up")
    else:
        yield Finding("fail", "database", "is ahead of the code; install the newer release again, or restore a backup")


def backups(settings: Settings) -> Iterator[Finding]:
    command = "python3 manage.py backup"
    if settings.database_url.startswith("sqlite") and not any(settings.data_dir.glob("*.db")):
        yield Finding("ok", "backup", "nothing to keep yet")
        return
    found = archive.found(settings.backup_dir)
    if not found:
        yield Finding("warn", "backup", f"there is none in {settings.backup_dir}: {command}")
        return
    newest = found[-1]
    hours = (time.time() - newest.stat().st_mtime) / 3600
    age = f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    if hours > BACKUP_DAYS * 24:
        yield Finding("warn", "backup", f"the newest is {age} old ({newest}): {command}, and see to the timer")
    else:
        yield Finding("ok", "backup", f"{len(found)} kept, the newest is {age} old")


def templates(settings: Settings) -> Iterator[Finding]:
    # With a key of its own, so that looking makes no file.
    app = create_app(replace(settings, security=replace(settings.security, secret_key=secrets.token_hex())))
    environment = app.jinja_env
    names = environment.list_templates(extensions=["html", "txt"])
    wrong = []
    for name in names:
        try:
            environment.get_template(name)
            source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
            asked = meta.find_referenced_templates(environment.parse(source))
            wrong += [f"{name} asks for {other}, which is not there" for other in asked if other and other not in names]
        except TemplateError as error:
            wrong.append(f"{name}: {error}")
    yield Finding("fail" if wrong else "ok", "templates", "\n".join(wrong) or f"{len(names)} compile")
    if (ROOT / "static" / "vendor" / "htmx.min.js").exists():
        yield Finding("ok", "assets", "htmx is there")
    else:
        yield Finding("warn", "assets", "htmx is not there, so all works as plain forms; `manage.py run` fetches it")


def mail(settings: Settings) -> Iterator[Finding]:
    if problem := sentry.missing(settings):
        yield Finding("warn", "sentry", problem)
    state = health(settings)
    if state.state == "off":
        yield Finding("warn", "mail", state.sentence)
        return
    if state.state == "failing":
        yield Finding("warn", "mail", state.sentence)
    try:
        yield Finding("ok", "mail", f"{_greet(settings)}; `manage.py mail test` sends one")
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            *("fail", "mail"),
            f"{settings.mail.server} port {settings.mail.port}: {' '.join(str(error).split())[:200]}; "
            "`manage.py mail test` goes step by step",
        )
    if settings.site.environment != "production" and not is_loopback(settings.mail.server):
        yield Finding(
            *("warn", "mail"),
            f"this is {settings.site.environment}, and its errors go to {', '.join(settings.administrators)}",
        )


def _greet(settings: Settings) -> str:
    """Say hello, encrypt and sign in, and go again; what was done. Raises OSError, SMTPException."""
    mail, context = settings.mail, ssl.create_default_context()
    client: smtplib.SMTP
    if mail.tls == "ssl":
        client = smtplib.SMTP_SSL(mail.server, mail.port, timeout=mail.timeout, context=context)
    else:
        client = smtplib.SMTP(mail.server, mail.port, timeout=mail.timeout)
    with client:
        if mail.tls == "starttls":
            client.starttls(context=context)
        if mail.username:
            client.login(mail.username, mail.password)
        client.noop()
    signed_in = " and takes the password" if mail.username else ""
    return f"{mail.server} answers{', encrypted' if mail.tls != 'none' else ''}{signed_in}"


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    program,
    configuration,
    secret,
    directories,
    space,
    clock,
    database,
    backups,
    templates,
    mail,
)
