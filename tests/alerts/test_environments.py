"""A copy of production's settings, told that it is staging, writes to nobody of production."""

from dataclasses import replace

import pytest

from microblog.alerts.health import health, missing
from microblog.config.settings import Site
from tests.support.alerting import bug, handler_for, record, settings_for, with_mail
from tests.support.mailbox import wait_until


@pytest.fixture
def staging(tmp_path, mailbox):
    return replace(settings_for(tmp_path, mailbox.port), site=Site(environment="staging"))


def test_it_works(staging, mailbox):
    staging = with_mail(staging, other_admins=("bo@example.org",))
    with handler_for(staging) as handler:
        handler.emit(record(bug(0)))
        assert wait_until(lambda: mailbox.mails)
    assert mailbox.mails[0]["To"] == "bo@example.org"
    assert mailbox.subjects[0].startswith("[Microblog staging] ")


def test_without_a_list_of_its_own_nobody_is_written_to(staging, mailbox):
    assert missing(staging) == (
        "mail.other_admins (MICROBLOG_MAIL__OTHER_ADMINS) is empty, and this is staging, not production"
    )
    assert health(staging).state == "off"
    with handler_for(staging) as handler:
        handler.emit(record(bug(0)))
        handler.flush()
    assert not mailbox.mails


def test_production_does_not_write_to_the_others(tmp_path, mailbox):
    settings = settings_for(tmp_path, mailbox.port, other_admins=("bo@example.org",))
    assert settings.administrators == ("ana@example.org",)
