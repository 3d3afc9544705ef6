"""manage.py bench: every page is found and measured, and what is not as it should be is said."""

import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest

from benchmarks import pages, yardsticks
from benchmarks.performance_plot import draw
from microblog.cli import main


def row(page="search", posts=1000, **values):
    common = {"kind": "page", "bytes": 9000, "rate": 100.0, "yardstick_rate": 150.0, "share": 0.66, "ms": 5.0}
    common["ms_times"] = values.get("ms", 5.0) / 2.5
    return {"page": page, "posts": posts, "cpu_us": 900, "yardstick_cpu_us": 500, "times": 1.8} | common | values


def test_the_median_of_the_shares_is_no_share_of_medians():
    """A slow minute of the machine is in both halves of one round."""
    fast = {
        "rate": 100.0,
        "cpu": 10.0,
        "bare_rate": 200.0,
        "bare_cpu": 5.0,
        "floor_cpu": 8.0,
        "ms": 2.0,
        "bare_ms": 1.0,
    }
    slow = {name: value / 10 for name, value in fast.items()}
    summed = pages.summed_up([fast, slow, {**fast, "rate": 90.0}])
    assert (summed["share"], summed["times"], summed["ms_times"]) == (0.5, 2.0, 2.0)
    assert (summed["floor_times"], summed["of_floor"]) == (1.6, 1.25)


def test_what_is_not_as_it_should_be_is_said():
    assert pages.verdicts([row(), row(posts=100_000, ms=5.9)]) == []
    assert pages.verdicts([row(share=0.59)]) == ["search at 1,000 posts: 0.59, should be at least 0.6"]
    assert "1.22 times as long at 100,000 posts" in pages.verdicts([row(), row(posts=100_000, ms=6.1)])[0]
    assert pages.verdicts([row(), row(posts=100_000, ms=60.0, ms_times=2.0)]) == [], "the machine was slow as a whole"
    assert pages.verdicts([row("live validation", kind="check", share=0.1, times=3.9)]) == []
    assert pages.verdicts([row("error fragment", kind="fragment", share=0.1, times=3.1)])
    assert pages.verdicts([row("post", kind="write", share=0.01, times=60)]) == []


def test_what_misses_its_goal_stands_beside_the_floor():
    """Nothing of these packages can be below it; but the site must not be far above."""
    assert pages.verdicts([row("home", of_floor=1.7, floor_times=1.1)]) == []
    missed, far = pages.verdicts([row("home", share=0.3, times=3.6, floor_times=2.0, of_floor=1.8)])
    assert missed == "home at 1,000 posts: 0.3, should be at least 0.6 (times the yardstick's: 3.6, the floor 2)"
    assert far == "home at 1,000 posts: 1.8 times the floor, should be at most 1.7"


def test_the_post_that_is_asked_for_is_an_ordinary_one(tmp_path):
    kinds = {
        "ordinary": {},
        "short": {"text": "Yes."},
        "long": {"text": "x" * 400},
        "answered": {"replies_count": 1},
        "an answer": {"reply_to_id": 1},
        "deleted": {"deleted_at": "2026-11-22"},
        "hidden": {"hidden_at": "2026-11-22"},
        "edited": {"edited_at": "2026-11-22"},
    }
    columns = ("text", "replies_count", "reply_to_id", "deleted_at", "hidden_at", "edited_at")
    with closing(sqlite3.connect(tmp_path / "microblog.db")) as connection, connection:
        connection.execute(f"CREATE TABLE posts (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        for kind in kinds.values():
            values = {"text": "x" * 100, "replies_count": 0} | kind
            marks = ", ".join("?" * len(columns))
            connection.execute(
                f"INSERT INTO posts ({', '.join(columns)}) VALUES ({marks})",
                [values.get(name) for name in columns],
            )
    assert pages.an_ordinary_post(tmp_path / "microblog.db") == list(kinds).index("ordinary") + 1


def test_the_yardstick_is_as_large_as_the_page():
    for size in (15_000, 70_000):
        assert abs(len(yardsticks.LIST.render(items=yardsticks.items(size))) - size) < size / 5


def test_the_picture():
    """It is drawn of whatever was measured, also of one size and of nothing."""
    for rows in ([], [row()], [row("home <b>", 1000), row("home <b>", 10_000, share=0.7), row("post", kind="write")]):
        svg = ET.fromstring(draw(rows))
        lines = svg.findall(".//{http://www.w3.org/2000/svg}polyline")
        assert len(lines) == (2 if rows else 0), "each page in both panels, and nothing else"


@pytest.mark.slow
def test_it_works(tmp_path, capfd):
    figures, picture = tmp_path / "figures.json", tmp_path / "plot.svg"
    words = ["--posts", "100", "--rounds", "1", "--seconds", "0.3", "--only", "home,search,live validation,post"]
    assert main(["bench", *words, "--json", str(figures), "--plot", str(picture)]) == 0
    said = capfd.readouterr().out
    assert "skipped" not in said
    measured = {row["page"]: row for row in json.loads(figures.read_text())["results"]}
    assert list(measured) == ["home", "search", "live validation", "post"]
    assert all(row["rate"] > 0 and row["share"] > 0 and row["ms"] > 0 for row in measured.values())
    assert measured["search"]["bytes"] > 3000
    assert [name for name, row in measured.items() if row.get("of_floor", 0) > 0] == ["home", "live validation"]
    assert "| search | 100 |" in said
    assert picture.read_text().startswith("<svg")
