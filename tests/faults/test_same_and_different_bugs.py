"""F5 the same bug 4,000 times over 4 processes, F6 five bugs at once 200 times each: few mails, right counts."""

import pytest

from microblog.alerts.spool import spools
from tests.support.alerting import settings_for, workers
from tests.support.mailbox import wait_until


def told(mailbox):
    return sum(mailbox.counts().values())


@pytest.mark.fault(5)
@pytest.mark.slow
def test_one_bug_4000_times_over_4_processes(tmp_path, mailbox):
    settings = settings_for(tmp_path, mailbox.port, alerts={"first_wait": 0.5, "backoff": (4, 300)})
    with workers(settings, 4) as processes:
        for worker in processes:
            worker.tell("fail", 0, 1000)
        assert wait_until(lambda: told(mailbox) == 4000)

    assert len(mailbox.mails) <= 3
    assert len(mailbox.counts()) == 1
    assert all("500 ZeroDivisionError at POST /bug/0" in subject for subject in mailbox.subjects)
    assert "4,000 in all" in mailbox.text()
    assert spools(settings)[0].waiting() == []


@pytest.mark.fault(5)
@pytest.mark.slow
def test_without_a_second_mail_the_rest_is_kept(tmp_path, mailbox):
    """The counts that came after the first mail wait for their step; none is dropped meanwhile."""
    settings = settings_for(tmp_path, mailbox.port, alerts={"first_wait": 0.1})
    with workers(settings, 4) as processes:
        processes[0].ask("fail", 0, 1)
        assert wait_until(lambda: mailbox.mails)
        for worker in processes:
            worker.tell("fail", 0, 500)
        for worker in processes:
            assert worker.process.stdout.readline() == "done\n"
    assert len(mailbox.mails) == 1
    (group,) = spools(settings)[0].waiting()
    assert (told(mailbox), group.pending, group.total) == (1, 2000, 2001)


@pytest.mark.fault(6)
@pytest.mark.slow
def test_five_bugs_200_times_each(tmp_path, mailbox):
    settings = settings_for(tmp_path, mailbox.port, alerts={"first_wait": 1, "backoff": (5, 300)})
    with workers(settings, 4) as processes:
        for worker in processes:
            worker.tell("many", 50)
        assert wait_until(lambda: told(mailbox) == 1000)

    assert len(mailbox.mails) in (1, 2)
    assert sorted(mailbox.counts().values()) == [200] * 5
    for number, name in enumerate(["ZeroDivisionError", "KeyError", "IndexError", "ValueError", "RuntimeError"]):
        assert name in mailbox.subjects[0]
        assert f"500 {name} at POST /bug/{number}" in mailbox.text(0)
    assert mailbox.subjects[0].startswith("[Microblog] 5 different errors (×")
