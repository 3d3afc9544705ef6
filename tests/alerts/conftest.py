import pytest

from tests.support.alerting import handler_for, settings_for


@pytest.fixture
def settings(tmp_path, mailbox):
    return settings_for(tmp_path, mailbox.port)


@pytest.fixture
def handler(settings):
    with handler_for(settings) as made:
        yield made
