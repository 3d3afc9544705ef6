"""One mail handed to one SMTP server, step by step, each step reported with its time and its answer.

The steps of smtplib are taken one by one because "it did not work" helps nobody: connect, tls, login, sender,
recipient, message.
"""

import contextlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage

from microblog.config.settings import Mail
from microblog.log import plain
from microblog.log.redaction import scrub

_QUEUE_ID = re.compile(r"queued as\s+([\w.-]{1,80})", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """One step that succeeded, and what the server said; `seconds` it took."""

    name: str
    detail: str
    seconds: float


class NotDelivered(Exception):
    """The mail was not accepted. `step` failed; `permanent` means that the server will say the same again."""

    def __init__(self, step: str, problem: str, *, code: int = 0) -> None:
        super().__init__(problem)
        self.step = step
        self.problem = problem
        self.code = code
        self.permanent = 500 <= code < 600


@dataclass
class Receipt:
    """The server has taken the mail for `accepted`. `refused`: recipients it did not want, each with its answer."""

    queue_id: str = ""
    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


class Delivery:
    """One attempt. `abort` may be called from another thread and ends it within a moment."""

    def __init__(
        self, mail: Mail, *, hello: str = "localhost", report: Callable[[Step], None] = lambda step: None
    ) -> None:
        """`hello` is this machine's name for EHLO; `report` is called after each step."""
        self._mail = mail
        self._hello = hello
        self._report = report
        self._step = "connect"
        self._aborted = False
        self._client = smtplib.SMTP(timeout=mail.timeout, local_hostname=hello)

    def send(self, message: EmailMessage) -> Receipt:
        """Hand `message` over to everyone in its To. Raises NotDelivered, with nothing else to clean up."""
        # The time limit of a socket is for one answer; a server that drips a byte at a time needs one for the whole.
        limit = threading.Timer(self._mail.timeout * 6, self.abort)
        limit.daemon = True
        limit.name = "alerts-time-limit"
        limit.start()
        try:
            return self._send(message)
        except ssl.SSLCertVerificationError as error:
            problem = f"certificate refused: {error.verify_message or error.reason}"
            raise NotDelivered(self._step, problem) from error
        except smtplib.SMTPResponseException as error:
            if self._aborted:
                raise NotDelivered(self._step, "given up, it took too long") from error
            raise NotDelivered(self._step, _answer(error.smtp_code, error.smtp_error), code=error.smtp_code) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            text = "given up, it took too long" if self._aborted else plain.line(error, 300) or type(error).__name__
            raise NotDelivered(self._step, scrub(text)) from error
        finally:
            limit.cancel()
            limit.join()
            self._client.close()

    def abort(self) -> None:
        """End the attempt; `send` raises NotDelivered."""
        self._aborted = True
        sock = self._client.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown: it takes the TLS object away from under the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _send(self, message: EmailMessage) -> Receipt:
        client, mail = self._client, self._mail
        with self._timed("connect") as say:
            client.sock = socket.create_connection((mail.server, mail.port), mail.timeout)
            peer = client.sock.getpeername()
            say(f"{mail.server} ({peer[0]} port {peer[1]})")
        if mail.tls == "ssl":
            self._start_tls()
        with self._timed("greeting") as say:
            say(_checked(client.getreply(), 220))
            client.ehlo_or_helo_if_needed()
        if mail.tls == "starttls":
            self._step = "tls"
            if not client.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("the server does not offer STARTTLS")
            _checked(client.docmd("STARTTLS"), 220)
            self._start_tls()
            # RFC 3207 4.2: what the server said before is forgotten, a line it slipped in included.
            client.file = None
            client.ehlo_resp = client.helo_resp = None
            client.esmtp_features, client.does_esmtp = {}, False
            client.ehlo_or_helo_if_needed()
        if mail.username:
            with self._timed("login") as say:
                client.login(mail.username, mail.password)
                say(f"as {mail.username}")
        return self._transfer(message)

    def _transfer(self, message: EmailMessage) -> Receipt:
        client = self._client
        sender, recipients = _specs(message, "From")[0], _specs(message, "To")
        receipt = Receipt()
        with self._timed("sender") as say:
            say(f"{sender}: {_checked(client.mail(sender), 250)}")
        for recipient in recipients:
            with self._timed("recipient") as say:
                code, reply = client.rcpt(recipient)
                if code in (250, 251):
                    receipt.accepted.append(recipient)
                    say(f"{recipient}: {_answer(code, reply)}")
                    continue
                receipt.refused[recipient] = _answer(code, reply)
                if len(receipt.refused) == len(recipients):
                    raise NotDelivered("recipient", f"{recipient}: {_answer(code, reply)}", code=code)
                say(f"{recipient} REFUSED: {_answer(code, reply)}")
        with self._timed("message") as say:
            # data() raises for a refusal of the command and returns the answer to the text.
            answer = _checked(client.data(message.as_bytes()), 250)
            found = _QUEUE_ID.search(answer)
            receipt.queue_id = found[1] if found else ""
            say(answer)
        # The mail is theirs now; a server that stumbles over QUIT must not have it sent twice.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()
        return receipt

    def _start_tls(self) -> None:
        with self._timed("tls") as say:
            # Verified with or without a login; SSL_CERT_FILE names a private authority.
            context = ssl.create_default_context()
            sock = self._client.sock
            if sock is None:
                raise smtplib.SMTPServerDisconnected("the connection is gone")
            wrapped = context.wrap_socket(sock, server_hostname=self._mail.server)
            self._client.sock = wrapped
            say(f"{wrapped.version()}, certificate of {_certificate(wrapped)}")

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[Callable[[str], None]]:
        self._step = name
        said: list[str] = []
        started = time.monotonic()
        yield said.append
        self._report(Step(name, said[0] if said else "", time.monotonic() - started))


def _certificate(sock: ssl.SSLSocket) -> str:
    found = sock.getpeercert() or {}
    names = [str(pair[1]) for pair in found.get("subjectAltName", ()) if len(pair) == 2]
    return plain.line(f"{', '.join(names) or 'an unnamed host'}, valid until {found.get('notAfter', '?')}", 200)


def _checked(reply: tuple[int, bytes], wanted: int) -> str:
    code, text = reply
    if code != wanted:
        raise smtplib.SMTPResponseException(code, text)
    return _answer(code, text)


def _answer(code: int, reply: bytes | str) -> str:
    words = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return scrub(plain.line(f"{code} {words}", 300))


def _specs(message: EmailMessage, header: str) -> list[str]:
    addresses: tuple[Address, ...] = message[header].addresses
    return [address.addr_spec for address in addresses]
