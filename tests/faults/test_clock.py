"""F57: the clock jumps a day, ahead and back: nobody is signed out, nothing waits for a day, no time is negative."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from itsdangerous import BadSignature, SignatureExpired
from sqlalchemy import select

from microblog.config.settings import Alerts, Mail
from microblog.extensions import writing
from microblog.models import User, throttle
from microblog.models.errors import TooFast
from tests.support.client import PASSWORD
from tests.support.mailbox import wait_until
from tests.support.site import Site

pytestmark = pytest.mark.fault(57)

DAY = 86_400


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """Sets how many seconds the clock of the site is ahead."""
    file = tmp_path / "clock"

    def put(ahead):
        draft = file.with_suffix(".new")
        draft.write_text(str(ahead))
        draft.replace(file)

    put(0)
    monkeypatch.setenv("CLOCK", str(file))
    return put


@pytest.fixture
def jumping(settings, app, clock, mailbox):
    """The site in a world whose clock can be set."""
    mail = Mail(server="127.0.0.1", port=mailbox.port, sender="blog@example.org", admins=("ana@example.org",))
    told = replace(settings, mail=mail, alerts=Alerts(first_wait=0.5, backoff=(2,)))
    told = replace(told, security=replace(told.security, login_attempts=3))
    with Site(told, program=Path(__file__).with_name("clock_site.py")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_it_works(jumping, clock, ana, bo, records, stored, jump):
    """Signed in before; then the clock jumps, and jumps back."""
    member, other = jumping.visitor(records).sign_in(ana), jumping.visitor(records)
    form = member.hx_get("/edit_profile/about_me").values()
    before = records("request.finished")[-1]["timestamp"]
    for step, ahead in enumerate((jump, 0)):
        clock(ahead)
        assert member.get("/").said(".nav__name") == "ana", "still signed in"
        text = f"written at {ahead}"
        saved = member.hx_post("/edit_profile/about_me", data=form | {"about_me": text, "version": str(step + 1)})
        assert saved.status == 200, "the form and its token from before are still good"
        assert stored(select(User.about_me).where(User.id == ana.id)) == text
        other.sign_in(bo)
        assert other.get("/").said(".nav__name") == "bo_"
    lines = records("request.finished")
    assert min(line["ms"] for line in lines) >= 0
    assert min(line["sql_ms"] for line in lines) >= 0
    days = {line["timestamp"][:10] for line in lines}
    assert len(days) >= 2, f"the clock of the site did jump: {days} {before}"
    assert not records("session.refused")
    assert not [r for r in records() if r["level"] in ("error", "critical")]


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_throttles_and_alerts_do_not_wait_for_a_day(jumping, clock, ana, records, mailbox, settings):
    """What was counted and mailed while the clock was a day ahead."""
    clock(DAY)
    visitor = jumping.visitor(records)
    visitor.get("/login")
    for _ in range(3):
        assert visitor.hx_post("/login", username="ana", password="wrong, all of it").status == 401
    assert visitor.hx_post("/login", username="ana", password=PASSWORD).status == 429
    database = settings.data_dir / "microblog.db"
    away = database.with_suffix(".away")

    def fail():
        database.rename(away)
        try:
            assert visitor.get("/").status == 503
        finally:
            away.rename(database)

    fail()
    assert wait_until(lambda: mailbox.mails)
    clock(0)
    page = visitor.hx_post("/login", username="ana", password=PASSWORD)
    assert page.status == 204, "not locked out for a day"
    told = len(mailbox.mails)
    fail()
    assert wait_until(lambda: len(mailbox.mails) > told), "the next mail is not a day off"
    for line in records("sign_in.throttled"):
        assert 0 < line["retry_after"] <= 900


def test_a_lock_from_the_future_is_none(app, monkeypatch):
    """The same on both databases, with the seam that the code takes its time from."""
    real = throttle.now
    with app.app_context(), writing():
        monkeypatch.setattr(throttle, "now", lambda: real() + timedelta(days=1))
        for _ in range(5):
            throttle.count("k", window=timedelta(minutes=15))
        with pytest.raises(TooFast) as told:
            throttle.check("k", limit=5, message="slowly")
        assert told.value.retry_after <= 900
        monkeypatch.setattr(throttle, "now", real)
        throttle.check("k", limit=5, message="slowly")
        assert throttle.count("k", window=timedelta(minutes=15)) == 1, "counted anew"
        with pytest.raises(ValueError, match=re.escape("no window may be longer")):
            throttle.count("k", window=timedelta(days=1))


@pytest.mark.sqlite_only
def test_a_cookie_that_was_changed_is_refused_as_ever(app, browser, ana, records):
    """Patience is for cookies of the future that we signed; and the old ones still run out."""
    browser.sign_in(ana)
    serializer = app.session_interface.get_signing_serializer(app)
    payload, _, signature = browser.client.get_cookie("session").value.rsplit(".", 2)
    with pytest.raises(BadSignature):
        serializer.loads(f"{payload}.zzzzzz.{signature}", max_age=100)
    patient = serializer.signer

    class Old(patient):
        def get_timestamp(self):
            return 1_000_000_000

    serializer.signer = Old
    old = serializer.dumps({"member": 1})
    serializer.signer = patient
    with pytest.raises(SignatureExpired):
        serializer.loads(old, max_age=100)
