"""Off, fine or failing: what the start, `check` and `mail status` say."""

import pytest

from microblog.alerts.health import health, missing, notice
from microblog.config.settings import Mail, Settings
from tests.support.alerting import bug, handler_for, record, settings_for, with_mail
from tests.support.mailbox import wait_until


def test_it_works(handler, settings, mailbox):
    assert notice(settings) is None
    assert health(settings).sentence == "Alerts by mail are on, no mail has been needed yet."
    handler.emit(record(bug(0)))
    assert wait_until(lambda: health(settings).last_sent)
    assert (health(settings).state, health(settings).waiting) == ("fine", ())


@pytest.mark.parametrize(
    ("mail", "named"),
    [
        ({"server": ""}, "mail.server"),
        ({"admins": ()}, "mail.admins"),
        ({"admins": ("nobody",)}, "mail.admins"),
        ({"username": "u"}, "mail.password"),
        ({"password": "canary"}, "mail.username"),
        ({"sender": "nobody"}, "mail.sender"),
    ],
)
def test_half_set_is_off_and_names_the_key(tmp_path, mail, named):
    settings = with_mail(settings_for(tmp_path, 1), **mail)
    assert named in missing(settings)
    assert notice(settings).startswith("Alerts by mail are off: ")
    assert named in notice(settings)
    assert "canary" not in notice(settings)
    assert health(settings).state == "off"
    with handler_for(settings) as handler:
        assert not handler.active


def test_the_defaults_are_off():
    assert "mail.server (MAIL_SERVER) is not set" in notice(Settings(mail=Mail()))


def test_one_odd_administrator_is_named_and_the_others_get_their_mail(tmp_path, mailbox):
    settings = settings_for(tmp_path, mailbox.port, admins=("nobody", "ana@example.org"))
    assert "'nobody'" in notice(settings)
    with handler_for(settings) as handler:
        handler.emit(record(bug(0)))
        assert wait_until(lambda: mailbox.mails)
    assert mailbox.mails[0]["To"] == "ana@example.org"


def test_a_spool_that_cannot_be_read_is_a_failure(tmp_path):
    settings = settings_for(tmp_path, 1)
    (tmp_path / "data" / "alerts.sqlite3").mkdir(parents=True)
    assert health(settings).state == "failing"
    assert "cannot be used" in health(settings).sentence


def test_looking_changes_nothing(tmp_path):
    settings = settings_for(tmp_path, 1)
    health(settings)
    assert not settings.data_dir.exists()
