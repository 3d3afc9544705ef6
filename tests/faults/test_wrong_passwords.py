"""F52: forty wrong passwords over four workers: 401s, then 429 and for how long.

That it counts down in the browser: tests/browser/test_limits.py.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import PASSWORD

pytestmark = pytest.mark.fault(52)

ATTEMPTS, PEOPLE, LIMIT = 40, 4, 10
GUESS = "canary-guess-{:02}"


@pytest.fixture
def settings(settings, changed):
    return changed(server={"workers": 4})


def test_over_http(site, ana, records):
    """Four at once, each sent to whichever worker is free."""

    def guess(person):
        browser = site.visitor(records, canaries=("canary-guess",))
        browser.get("/login")
        return [
            browser.hx_post("/login", username="ana", password=GUESS.format(number))
            for number in range(person, ATTEMPTS, PEOPLE)
        ]

    assert len(site.workers()) == 4
    with ThreadPoolExecutor(PEOPLE) as pool:
        pages = [page for each in pool.map(guess, range(PEOPLE)) for page in each]
    seen = Counter(page.status for page in pages)
    assert set(seen) == {401, 429}
    # Counted in the database, so over all workers; who was let in at the same moment is counted too.
    assert LIMIT <= seen[401] < LIMIT + PEOPLE
    for page in pages:
        if page.status == 429:
            assert 800 < int(page.headers["Retry-After"]) <= 900
            assert page.headers["HX-Retarget"] == "#toasts"
            assert page.said(".toast__next") == "Try again in 15 minutes."
            assert records("sign_in.throttled", reference=page.reference, scope="login")
        else:
            assert records("sign_in.failed", reference=page.reference)
    assert len(records("sign_in.failed")) == seen[401]
    assert len(records("sign_in.throttled")) == seen[429]
    assert "canary-guess" not in str(records())

    assert "canary-guess" not in site.said()

    right = site.visitor(records)
    right.get("/login")
    assert right.hx_post("/login", username="ana", password=PASSWORD).status == 429, "guessing goes on no longer"
    assert site.ask("GET", "/").status_code == 200
