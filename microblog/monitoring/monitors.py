"""Who may look inside: a monitoring machine by its address, or whoever has the token."""

import hmac
import ipaddress

from werkzeug.wrappers import Request

from microblog.config.settings import Settings

_FROM_A_PROXY = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


def is_monitor(asked: Request, settings: Settings) -> bool:
    """Whether `asked` may be told more than whether the site is well."""
    wanted, scheme_and_token = settings.metrics.token, asked.headers.get("Authorization", "").split(" ", 1)
    if wanted and scheme_and_token[0].lower() == "bearer" and len(scheme_and_token) == 2:
        # Compared as bytes: text that is not ASCII is refused by compare_digest.
        return hmac.compare_digest(scheme_and_token[1].strip().encode(), wanted.encode())
    if not settings.server.proxies and any(name in asked.headers for name in _FROM_A_PROXY):
        # Someone's proxy stands in front after all: the address is that of the proxy, and everybody has it.
        return False
    return is_among(asked.remote_addr or "", settings.metrics.addresses)


def is_among(address: str, networks: tuple[str, ...]) -> bool:
    """Whether `address` belongs to one of `networks`; an IPv4 address that comes as IPv6 is the IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)
