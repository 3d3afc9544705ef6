"""Moments in a person's words."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import g

from microblog.models.user import Viewer
from microblog.web.times import ago, in_words, zone, zones

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-90_000, "now"),
        (0, "now"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7200, "2 h"),
        (86_400, "1 d"),
        (6 * 86_400 + 86_399, "6 d"),
        (30 * 86_400, "23 Oct"),
        (400 * 86_400, "18 Oct 2025"),
    ],
)
def test_it_works(app, seconds, words):
    with app.test_request_context():
        assert in_words(NOW - timedelta(seconds=seconds), NOW, UTC) == words


@pytest.mark.sqlite_only
def test_the_exact_time_is_in_the_zone_of_the_viewer(app):
    with app.test_request_context():
        g.viewer = Viewer(1, "ana", "Ana", "", "member", time_zone="America/New_York")
        html = ago(datetime(2026, 7, 1, 2, 30, tzinfo=UTC))
        assert html == '<time datetime="2026-07-01T02:30:00+00:00" title="30 June 2026, 22:30 EDT">30 Jun</time>'
        g.viewer = None
        assert 'title="1 July 2026, 02:30 UTC"' in ago(datetime(2026, 7, 1, 2, 30, tzinfo=UTC))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 5000, "a\0b"])
def test_no_zone_is_utc(name):
    assert zone(name) is UTC


def test_what_can_be_chosen_is_known():
    names = [name for some in zones().values() for name in some]
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Calcutta"} <= set(names)
    assert all(str(zone(name)) == name for name in names)
