"""Addresses that are one network."""

import pytest

from microblog.network import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.6", "203.0.113.6"),
        ("203.0.113.6:1059", "203.0.113.6"),
        ("::ffff:203.0.113.6", "203.0.113.6"),
        ("[::ffff:203.0.113.6]:80", "203.0.113.6"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::1]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (" 203.0.113.6 ", "203.0.113.6"),
        ("", ""),
        ("unknown", "unknown"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_it_works(address, network):
    assert network_of(address) == network
