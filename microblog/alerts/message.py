"""One mail as the standards want it: UTF-8 inside, ASCII on the wire, and no header that somebody else wrote."""

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from urllib.parse import urlsplit

from microblog.config.settings import Settings
from microblog.log import plain

SUBJECT = 180  # characters; longer ones are cut by the programs that show them
BODY = 500_000

# 7bit: a body that is base64 or quoted-printable passes servers without 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(
    settings: Settings,
    to: Sequence[str],
    subject: str,
    body: str,
    html: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """A finished mail. Whatever stands in the texts, there is one subject line and no header but ours.

    Raises ValueError when the sender or a recipient is no address.
    """
    sender = sender_address(settings)
    addresses = [wire_address(sender), *(wire_address(one) for one in to)]
    message = EmailMessage(policy=_POLICY)
    name = _header(parseaddr(settings.mail.sender)[0] or settings.site.name, 60)
    message["From"] = Address(name, addr_spec=addresses[0])
    message["To"] = tuple(Address(addr_spec=one) for one in addresses[1:])
    message["Subject"] = _header(subject, SUBJECT)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=site_domain(settings))
    # RFC 3834: no holiday notice comes back; the second line is the same for Exchange.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for key, value in (headers or {}).items():
        message[key] = _header(value, 900)
    message.set_content(plain.text(body, BODY))
    if html is not None:
        message.add_alternative(plain.text(html, BODY), subtype="html")
    return message


def sender_address(settings: Settings) -> str:
    """mail.sender without its name, else microblog@ and the host of site.url."""
    given = parseaddr(settings.mail.sender)[1] if settings.mail.sender else ""
    return given or f"microblog@{_host(settings)}"


def site_domain(settings: Settings) -> str:
    """The host of site.url as it may stand in a Message-ID or after EHLO: ASCII, an IP address in brackets."""
    return wire_address(f"x@{_host(settings)}").partition("@")[2]


def wire_address(address: str) -> str:
    """The address with its domain as ASCII (IDNA). Raises ValueError for what is no address."""
    local, at, domain = plain.line(address, 320).rpartition("@")
    if not (local and at and domain) or any(character in address for character in " \t\r\n,;<>"):
        raise ValueError(f"{plain.line(address, 80)!r} is not an e-mail address")
    if not local.isascii():
        # RFC 6531 would allow it; hardly a server takes it, and an alert must not depend on one that does.
        raise ValueError(f"{plain.line(address, 80)!r} has letters before the @ that few mail servers take")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def is_address(address: str) -> bool:
    """Whether a mail can be addressed to it."""
    try:
        Address(addr_spec=wire_address(address))
    except Exception:  # noqa: BLE001 - the parser of the standard library raises more than it documents
        return False
    return True


def _header(value: str, limit: int) -> str:
    # email.headerregistry decodes what looks like an encoded word, and a newline inside one ends the header (measured:
    # "=?utf-8?q?=0ABcc:_x?=" in a subject became a Bcc header).
    return plain.line(value, limit).replace("=?", "= ?")


def _host(settings: Settings) -> str:
    try:
        host = urlsplit(settings.site.url).hostname or ""
    except ValueError:
        host = ""
    host = host or socket.gethostname() or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
