"""F50: kill -9 with alerts that were not sent; after the restart they go."""

import pytest

from microblog.alerts.spool import spools
from tests.support.alerting import Worker, settings_for, workers
from tests.support.mailbox import Mailbox, free_port, silent_server, wait_until

pytestmark = pytest.mark.fault(50)


def pending(settings):
    return sum(group.pending for group in spools(settings)[0].waiting())


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["refused", "silent"])
def test_it_works(tmp_path, trouble):
    with silent_server() as silent:
        settings = settings_for(tmp_path, silent if trouble == "silent" else free_port())
        worker = Worker(settings)
        worker.ask("fail", 0, 3)
        worker.ask("fail", 1, 2)
        assert wait_until(lambda: pending(settings) == 5)
        worker.kill()

    box = Mailbox()
    box.port = settings.mail.port
    box.start()
    try:
        with workers(settings, 1) as (again,):
            again.ask("start")  # no new error: what is left over is reason enough
            assert wait_until(lambda: box.mails)
    finally:
        box.stop()
    assert box.counts().total() == 5


@pytest.mark.slow
def test_what_was_logged_is_on_disk_within_a_moment(tmp_path):
    settings = settings_for(tmp_path, free_port(), alerts={"first_wait": 600})
    worker = Worker(settings)
    worker.ask("fail", 0, 500)
    assert wait_until(lambda: pending(settings) == 500)  # while it runs, long before anything is mailed
    worker.kill()


@pytest.mark.slow
def test_another_process_takes_over_from_a_killed_sender(tmp_path):
    box = Mailbox().start()
    settings = settings_for(tmp_path, box.port)
    try:
        first = Worker(settings)
        first.ask("fail", 0, 1)
        assert wait_until(lambda: box.mails)  # so the first one is the sender
        with workers(settings, 2) as (second, third):
            second.ask("start")
            third.ask("start")
            first.kill()
            second.ask("fail", 1, 4)
            assert wait_until(lambda: len(box.mails) == 2)
            assert box.counts().total() == 5
    finally:
        box.stop()


@pytest.mark.slow
def test_a_process_that_ends_leaves_its_alerts_behind(tmp_path):
    settings = settings_for(tmp_path, free_port(), alerts={"first_wait": 60})
    with workers(settings, 1) as (worker,):
        worker.ask("fail", 0, 3)
    assert pending(settings) == 3


@pytest.mark.slow
def test_a_fork_doubles_nothing_and_keeps_no_lock(tmp_path):
    """The child has the parent's memory: its counts must not be written twice, its lock not be held on."""
    settings = settings_for(tmp_path, free_port(), alerts={"first_wait": 60})
    with workers(settings, 1) as (worker,):
        for _ in range(20):
            worker.ask("fork")
    totals = {group.example.name: group.total for group in spools(settings)[0].waiting()}
    assert totals == {"ZeroDivisionError": 20, "KeyError": 20}
