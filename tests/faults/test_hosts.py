"""F27: a foreign Host, and headers that pretend to come from a proxy. On the real server, with raw sockets."""

import dataclasses

import pytest

from tests.support.site import Site, parsed, read_all
from tests.support.watched import HEADERS

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only, pytest.mark.fault(27)]

FOREIGN = [
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example",
    "evil.example#127.0.0.1", "[::2]", "127.0.0.2", "0.0.0.0", "", "a b", "\xe9vil", "localhost\\@evil.example", "..",
    "x" * 3000, "localhost:99999999", "localhost:abc",
]  # fmt: skip


def ask(site, *lines, version="1.1", target="/"):
    with site.connect() as wire:
        wire.sendall(
            "\r\n".join([f"GET {target} HTTP/{version}", *lines, "Connection: close", "", ""]).encode("latin-1")
        )
        return parsed(read_all(wire))


def test_foreign_hosts(site, records):
    for host in FOREIGN:
        for path in ("/", "/login?next=/", "/user/nobody", "/nope"):
            status, headers, body = ask(site, f"Host: {host}", target=path)
            text = body.decode()
            assert status == 400, (host, path, status, text[:300])
            assert "evil.example" not in text.replace("&#39;", "'")
            assert "evil.example" not in str(headers), "neither in a link nor in a Location"
            assert headers["x-request-id"] in text
            for line in records("request.finished", reference=headers["x-request-id"]):
                assert line["status"] == 400
                for name, value in HEADERS.items():
                    assert headers[name.lower()] == value
    refused = records("host.refused")
    assert len(refused) >= len(FOREIGN)
    assert {record["level"] for record in refused} == {"warning"}
    assert not [record for record in records() if record["level"] in ("error", "critical")]
    site.visitor(records).still_works()


def test_our_own_names(site):
    for host in (f"127.0.0.1:{site.port}", "127.0.0.1", "localhost", f"localhost:{site.port}", "[::1]:80", "LOCALHOST"):
        assert ask(site, f"Host: {host}")[0] == 200, host
    assert ask(site, version="1.0")[0] in (200, 400), "HTTP 1.0 has no Host"
    assert ask(site)[0] in (200, 400), "without one, the address it came to counts"
    assert ask(site, "Host: localhost", "Host: evil.example")[0] == 400
    assert ask(site, "Host: evil.example", target="http://evil.example/")[0] == 400


SPOOFED = (
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 444",
    "X-Forwarded-Prefix: /evil",
    "Forwarded: for=203.0.113.9;host=evil.example;proto=https",
    "X-Real-IP: 203.0.113.9",
    "X-Request-ID: AAAAA-AAAAA",
    "X-Script-Name: /evil",
    "Script-Name: /evil",
    "X-Forwarded-Protocol: ssl",
    "X-Forwarded-Ssl: on",
)


def test_spoofed_forwarding(site, records):
    """No proxy is configured, so nobody is believed: not the address, not the host, not https, not the reference."""
    for path in ("/", "/nope", "/edit_profile", "/login"):
        status, headers, body = ask(site, f"Host: 127.0.0.1:{site.port}", *SPOOFED, target=path)
        assert status in (200, 302, 404)
        assert "evil" not in body.decode() + str(headers)
        assert headers["x-request-id"] != "AAAAA-AAAAA"
        assert "strict-transport-security" not in headers
        assert headers.get("location", "/login?next=/edit_profile") == "/login?next=/edit_profile"
        (line,) = records("request.finished", reference=headers["x-request-id"])
        assert line["address"] == "127.0.0.1"


def test_behind_a_proxy_of_ours(settings, app, records):
    """With one proxy the last entry counts, and nothing that the client wrote before it."""
    site_of_ours = dataclasses.replace(settings.site, url="https://blog.example.org")
    server = dataclasses.replace(settings.server, proxies=1)
    with Site(dataclasses.replace(settings, site=site_of_ours, server=server)) as site:
        host = "Host: blog.example.org"
        spoofed = (
            "X-Forwarded-For: 203.0.113.9, 198.51.100.7",
            "X-Forwarded-Proto: https",
            "X-Request-ID: K7Q2F-9M4ZX",
        )
        status, headers, _ = ask(site, host, *spoofed)
        assert status == 200
        assert headers["x-request-id"] == "K7Q2F-9M4ZX"
        assert "strict-transport-security" in headers
        (line,) = records("request.finished", reference="K7Q2F-9M4ZX")
        assert line["address"] == "198.51.100.7"
        assert ask(site, host, "X-Forwarded-Host: evil.example", *spoofed)[0] == 400
        assert ask(site, "Host: evil.example", *spoofed)[0] == 400
        for hostile in ("x" * 500, "<script>", "K7Q2F-9M4ZX\t", "../../etc", "k7q2f9m4zx"):
            _, headers, _ = ask(site, host, f"X-Request-ID: {hostile}")
            assert len(headers["x-request-id"]) == 11
            assert headers["x-request-id"].replace("-", "").isalnum()
