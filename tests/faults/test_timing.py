"""F53: a wrong password costs as much, and is answered with as many bytes, whether or not somebody has that name.

What costs anything is the hash; the milliseconds: benchmarks/faults.py.
"""

import argon2
import pytest

from microblog.models import passwords

pytestmark = [pytest.mark.sqlite_only, pytest.mark.fault(53)]


@pytest.fixture
def settings(changed):
    return changed(security={"login_attempts": 10_000, "registrations": 10_000})


@pytest.fixture
def costs(monkeypatch):
    """The parameters of each hash that was computed."""
    hasher, found = passwords._hasher, []

    class Counting:
        check_needs_rehash = hasher.check_needs_rehash

        def hash(self, password):
            made = hasher.hash(password)
            found.append(str(argon2.extract_parameters(made)))
            return made

        def verify(self, known, password):
            found.append(str(argon2.extract_parameters(known)))
            return hasher.verify(known, password)

    passwords.verify_nobody("the first one makes the hash that is nobody's")
    monkeypatch.setattr(passwords, "_hasher", Counting())
    return found


def test_signing_in(browser, person, costs):
    person("known_one")
    browser.get("/login")
    costs.clear()
    found = []
    for number in range(20):
        name = ("known_one", "nobody_at")[number % 2]
        page = browser.hx_post("/login", username=name, password="this is wrong")
        found.append((page.status, len(page.data), tuple(costs)))
        costs.clear()
    assert len(set(found)) == 1, "the same for both"
    assert (found[0][0], len(found[0][2])) == (401, 1)


def test_registering_with_a_known_address(browser, person, app, costs):
    """The answer, its size and its cost are the same for the address of a member and any other."""
    person("known_one", email="known@example.org")
    found = ([], [])
    for number in range(8):
        for which, email in enumerate(("known@example.org", f"fresh{number}@example.org"[:17])):
            visitor = type(browser)(app, browser.records)
            visitor.get("/register")
            costs.clear()
            page = visitor.hx_post(
                "/register", username=f"new_{which}_{number}", email=email, password="long enough for this"
            )
            names = sorted(name for name, _ in page.headers)
            found[which].append((page.status, len(page.data), names, len(costs)))
    assert found[0] == found[1]
    assert {status for status, *_ in found[0]} == {204}
