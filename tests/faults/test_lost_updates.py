"""F35: 8 processes read, add one and write back, on the same row. What was confirmed is what is there."""

import pytest
from sqlalchemy import select

from microblog.models import User
from tests.support import budget
from tests.support.processes import together

pytestmark = pytest.mark.fault(35)

PROCESSES = 8


@pytest.mark.slow
def test_it_works(settings, ana, stored, database, capsys):
    found = together(settings, [["add-for", ana.id, round(budget.seconds())]] * PROCESSES)
    done = sum(one["done"] for one in found)
    busy = sum(one["busy"] for one in found)
    seconds = max(one["seconds"] for one in found)
    with capsys.disabled():
        print(f"\nF35 {database[:6]}: {done} writes in {seconds} s ({done / seconds:.0f}/s), {busy} busy")
    assert done > 0
    assert int(stored(select(User.about_me))) == done, "an update was lost"
    assert busy <= done / 100, "nearly all succeed"


@pytest.mark.process
def test_few(settings, ana, stored):
    found = together(settings, [["add", ana.id, 25]] * 3)
    assert int(stored(select(User.about_me))) == sum(one["done"] for one in found) == 75
