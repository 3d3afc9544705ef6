"""`manage.py mail sink`: a mail server for the desk. It delivers nothing, prints every mail and keeps it."""

import argparse
import asyncio
import contextlib
import email
import os
import signal
import sys
import time
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from microblog.config.settings import Settings
from microblog.log import plain

_SHOWN = ("From", "To", "Subject", "Date")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until Ctrl+C or SIGTERM, then 0. 1 when the port or the directory cannot be had."""
    directory = Path(args.directory) if args.directory else settings.data_dir / "mail"
    try:
        if not args.directory:  # made as a parent, the data directory would be everybody's to read
            settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        asyncio.run(_serve(args.host, args.port, directory))
    except OSError as error:
        where = f"{args.host}:{args.port}"
        print(f"The sink cannot start at {where} with {directory}: {error.strerror or error}.", file=sys.stderr)
        print("Try another --port or --directory.", file=sys.stderr)
        return 1
    return 0


class Keeper:
    """aiosmtpd's handler: one .eml file and one printed page for each mail."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep and print the mail."""
        content = bytes(envelope.original_content or b"")
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{next(self._numbers):03}.eml"
        path = self._directory / name
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(content)
        except OSError as error:
            print(f"Not kept: {error}", file=sys.stderr)
            return "452 Requested action not taken: insufficient system storage"
        print(readable(content), f"({', '.join(envelope.rcpt_tos)}; kept as {path})", "", sep="\n", flush=True)
        return f"250 2.0.0 Ok: queued as {name}"


def readable(content: bytes) -> str:
    """The mail for a terminal: headers decoded, the plain text, nothing that acts."""
    message = email.message_from_bytes(content, EmailMessage, policy=default)
    headers = [f"{name + ':':<9}{plain.line(message.get(name, ''), 300)}" for name in _SHOWN]
    body = message.get_body(("plain", "html"))
    try:
        text = body.get_content() if body is not None else ""
    except (LookupError, ValueError, KeyError) as error:
        text = f"(the body cannot be read: {error})"
    return "\n".join(["=" * 72, *headers, "-" * 72, plain.text(text, 100_000), "=" * 72])


async def _serve(host: str, port: int, directory: Path) -> None:
    keeper = Keeper(directory)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)

    def session() -> SMTP:
        # Any login is taken: a configuration with a user name must work here too.
        return SMTP(
            keeper,
            hostname="mail-sink",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
        )

    server = await loop.create_server(session, host, port)
    at, real_port = server.sockets[0].getsockname()[:2]
    print(f"Mail sink at {at} port {real_port}; mails are kept in {directory}. Ctrl+C ends it.")
    print(f"Use it with MAIL_SERVER={at} MAIL_PORT={real_port} ADMINS=you@example.org", flush=True)
    await ended.wait()
    server.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    print("The sink has ended.")
