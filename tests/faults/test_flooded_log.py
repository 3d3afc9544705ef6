"""F70: somebody fills the log with requests; what others do, and every error, is still in it."""

import contextvars

import pytest

from microblog.log.flood import BURST_SECONDS

pytestmark = pytest.mark.fault(70)


@pytest.fixture
def settings(changed, settings):
    return changed(logs={"sender_bytes": 3})


@pytest.mark.parametrize("as_member", [False, True], ids=["stranger", "member"])
def test_it_works(browser, another_browser, ana, bo, records, route, as_member):
    def broken() -> None:
        raise RuntimeError("a bug")

    route("/broken", broken)
    another_browser.sign_in(bo)
    if as_member:
        browser.sign_in(ana)
    for _ in range(100):
        # Past the kit's browser, which wants one record for each answer: that is what a flood does not get.
        asked = {"path": "/" + "z" * 600, "headers": {"HX-Source": "x" * 7_000}, "buffered": True}
        assert contextvars.Context().run(browser.client.get, **asked).status_code == 404
    flood = [record for record in records("request.finished") if "zzz" in record["path"]]
    assert 1 < len(flood) < 3 * BURST_SECONDS // 700
    assert all(len(record["hx_source"]) == 100 and len(record["path"]) == 500 for record in flood)
    assert len(records("log.thinned")) == 1, "not a record for each that was left out"
    failed = browser.get("/broken")
    assert [record["event"] for record in records(reference=failed.reference)] == ["request.failed", "request.finished"]
    seen = another_browser.get("/explore")
    assert [record["event"] for record in records(reference=seen.reference)] == ["request.finished"]
