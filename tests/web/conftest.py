"""What the tests of health and of counting share."""

import pytest


@pytest.fixture
def on_a_full_disk(settings):
    """The log of the site can be opened, and no line written to it. Ask for it before the site."""
    settings.log_dir.mkdir()
    (settings.log_dir / "microblog.jsonl").symlink_to("/dev/full")
