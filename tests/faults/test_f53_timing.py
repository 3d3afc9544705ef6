"""F53: a wrong password takes as long, and is answered with as many bytes, whether or not somebody has that name."""

import dataclasses
import time
from statistics import median

import pytest

from microblog.models import passwords
from tests.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only]

ROUNDS = 60
WITHIN = 0.002
"""Seconds between the medians."""


@pytest.fixture
def settings(settings):
    return dataclasses.replace(
        settings,
        security=dataclasses.replace(settings.security, login_attempts=10_000, registrations=10_000),
        server=dataclasses.replace(settings.server, workers=1),
    )


def timed(visitor, path, **values):
    body = {"csrf_token": visitor.token, **values}
    started = time.perf_counter()
    page = visitor.hx_post(path, data=body)
    return getattr(visitor, "seconds", time.perf_counter() - started), page


def compared(visitor, path, known, unknown, rounds=ROUNDS):
    """The medians for both, asked in turns; and the sizes of the answers."""
    times, sizes = ([], []), (set(), set())
    for number in range(rounds + 5):
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            seconds, page = timed(visitor, path, **(known, unknown)[which])
            if number >= 5:  # the first ones warm up
                times[which].append(seconds)
                sizes[which].add((page.status, len(page.data)))
    return [median(of) for of in times], sizes


def test_f53_signing_in(settings, person, app, records, capsys):
    for name in ("known_one", "known_two"):
        person(name)
    with Site(settings) as site:
        visitor = site.visitor(records)
        visitor.counted = False
        visitor.get("/login")
        # A busy machine makes false differences appear; a real one (a hash is 20 ms) would be there each time.
        for _ in range(5):
            medians, sizes = compared(
                visitor,
                "/login",
                {"username": "known_one", "password": "this is wrong"},
                {"username": "nobody_at", "password": "this is wrong"},
            )
            if abs(medians[0] - medians[1]) <= WITHIN:
                break
    with capsys.disabled():
        print(f"\nF53: known {medians[0] * 1000:.2f} ms, unknown {medians[1] * 1000:.2f} ms")
    assert sizes[0] == sizes[1]
    assert {status for status, _ in sizes[0]} == {401}
    assert abs(medians[0] - medians[1]) <= WITHIN


def test_f53_signing_in_costs_a_hash_either_way(settings, app, records, person):
    """The guard of the test above: without the dummy the difference would be the whole hash, ten times the bound."""
    known = passwords.hash_password("right")
    durations = ([], [])
    for _ in range(11):
        for which, verify in enumerate((lambda: passwords.verify(known, "x"), lambda: passwords.verify_nobody("x"))):
            started = time.perf_counter()
            assert verify() is False
            durations[which].append(time.perf_counter() - started)
    assert median(durations[1]) > 0.5 * median(durations[0])


def test_f53_registering_with_a_known_address(settings, person, app, records):
    """Whether an address belongs to a member is told by neither the answer nor its size."""
    person("known_one", email="known@example.org")
    with Site(settings) as site:
        sizes = ([], [])
        for number in range(8):
            for which, email in enumerate(("known@example.org", f"fresh{number}@example.org"[:17])):
                visitor = site.visitor(records)
                visitor.get("/register")
                page = visitor.hx_post(
                    "/register", username=f"new_{which}_{number}", email=email, password="long enough for this"
                )
                sizes[which].append((page.status, len(page.data), sorted(name for name, _ in page.headers)))
    assert sizes[0] == sizes[1]
    assert {status for status, *_ in sizes[0]} == {204}
