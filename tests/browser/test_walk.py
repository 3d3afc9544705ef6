"""A random walk of tests/browser/walk.py, for MICROBLOG_TEST_SECONDS."""

import subprocess
import sys

import pytest

from microblog.config.settings import ROOT
from tests.browser.conftest import chromium_path
from tests.conftest import absent
from tests.support import budget

SECONDS = budget.seconds(20)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 600)  # it waits for what must become true, however busy the machine is
def test_nothing_typed_is_lost_on_a_random_walk():
    """In a process of its own: Playwright runs once in each."""
    if chromium_path() is None:
        absent("Chromium", "apt-get install chromium-headless-shell")
    command = [sys.executable, "-m", "tests.browser.walk", "--seconds", str(SECONDS), "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost" in done.stdout
    assert ", 0 characters" not in done.stdout
