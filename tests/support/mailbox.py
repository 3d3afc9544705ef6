"""A real SMTP server in the test's own process, which can be made to misbehave, stopped, and started again."""

import asyncio
import contextlib
import email
import socket
import ssl
import threading
import time
from collections import Counter
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def wait_until(condition, seconds=60.0):
    """Wait for `condition`, and return whether it came true; the seconds only end a hang."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


class Mailbox:
    """`mails` holds what arrived, parsed; `answers` maps a step ("MAIL", "RCPT", "DATA") to a refusal."""

    def __init__(self, *, tls=None, implicit=False, password=None):
        self.mails = []
        self.raw = []
        self.answers = {}
        self.password = password
        self.connections = 0
        self.port = 0
        self._tls, self._implicit = tls, implicit
        self._thread = None

    # aiosmtpd's hooks

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = self.answers.get(f"RCPT {address}") or self.answers.get("RCPT")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.raw.append(envelope.original_content)
        self.mails.append(email.message_from_bytes(envelope.original_content, EmailMessage, policy=default))
        return f"250 2.0.0 Ok: queued as TEST{len(self.mails)}"

    # Its life

    def start(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="mailbox")
        self._thread.start()
        assert ready.wait(60)
        return self

    def stop(self):
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(60)
            self._thread = None

    def _run(self, ready):
        async def serve():
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            server = await self._loop.create_server(
                self._session, "127.0.0.1", self.port, ssl=self._tls if self._implicit else None
            )
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._end.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

        asyncio.run(serve())

    def _session(self):
        self.connections += 1
        return SMTP(
            self,
            hostname="mailbox.test",
            tls_context=None if self._implicit else self._tls,
            auth_require_tls=not self.password or (self._tls is not None and not self._implicit),
            authenticator=self._authenticate if self.password else None,
        )

    def _authenticate(self, server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and data.password == self.password.encode()
        return AuthResult(success=right, handled=False)

    # What arrived

    @property
    def subjects(self):
        return [mail["Subject"] for mail in self.mails]

    def counts(self):
        """fingerprint → how many times, added up over all mails."""
        total = Counter()
        for mail in self.mails:
            for part in mail["X-Microblog-Alert"].split(", "):
                fingerprint, _, times = part.partition("=")
                total[fingerprint] += int(times)
        return total

    def text(self, number=-1):
        return self.mails[number].get_body(("plain",)).get_content()

    def html(self, number=-1):
        return self.mails[number].get_body(("html",)).get_content()


@contextlib.contextmanager
def silent_server():
    """Takes connections and never says a word. Yields its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def tls_context(certificate):
    """The server's side of TLS with a certificate of trustme."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
