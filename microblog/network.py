"""A network as it is counted: who may change their address at will has one network all the same."""

from ipaddress import IPv6Address, ip_address

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one household or one rented machine has for itself: it may choose the others."""


def network_of(address: str) -> str:
    """The IPv4 address or the IPv6 /64 that `address` belongs to; `address` itself, cut, where it is none.

    Understands a port behind it, brackets around it, a zone (%eth0) and IPv4 inside of IPv6, as proxies write them.
    """
    text = address.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    host_bits = 128 - IPV6_PREFIX
    return f"{IPv6Address(int(found) >> host_bits << host_bits)}/{IPV6_PREFIX}"
