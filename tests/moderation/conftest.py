"""A moderator, for all that is tried at the desk."""

import pytest


@pytest.fixture
def mo(person):
    return person("mo_", role="moderator")
