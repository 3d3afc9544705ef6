"""The whole checkout on a machine that has nothing but Python and a network: the README's commands."""

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.door.conftest import Checkout

# One cold start takes most of a minute; the tests here that run in one process share it.
pytestmark = pytest.mark.slow


@contextmanager
def running(checkout: Checkout, **environ: str) -> Iterator[tuple[str, "subprocess.Popen[str]", list[str]]]:
    """`manage.py run` until the site answers: its address, the process and the lines it printed."""
    data = {"MICROBLOG_PATHS__DATA": str(checkout.root / "data")}
    process = checkout.start("run", "--port", "0", **(data | environ))
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0], process, lines
                break
        else:
            assert process.stderr is not None
            pytest.fail(f"ended without serving: {process.stderr.read()}")
    finally:
        process.kill()
        process.communicate()


def test_run_sets_up_and_serves_without_npm(whole: Checkout) -> None:
    with running(whole) as (address, process, _):
        with urllib.request.urlopen(address + "/", timeout=60) as answer:
            assert answer.status == 200
            assert b"Microblog" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

    assert (whole.root / "static/vendor/htmx.min.js").stat().st_size > 20_000
    assert (whole.root / "static/vendor/htmx.LICENSE.txt").exists()
    assert not (whole.root / "node_modules/axe-core").exists()  # for the tests only
    assert (whole.root / "data/secret_key").stat().st_mode & 0o777 == 0o600


def test_the_second_start_says_only_where_it_serves(whole: Checkout) -> None:
    assert whole.manage("setup").returncode == 0
    with running(whole) as (_, process, lines):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert len(lines) == 1
    assert "npm" not in err
    assert "Installing" not in err


def test_check_on_a_fresh_site(whole: Checkout) -> None:
    data = {"MICROBLOG_PATHS__DATA": str(whole.root / "data")}
    checked = whole.manage("check", **data)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "FAIL" not in checked.stdout


def test_assets_by_the_npm_of_the_machine(whole: Checkout) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    shutil.rmtree(whole.root / "static/vendor", ignore_errors=True)
    shutil.rmtree(whole.root / "node_modules", ignore_errors=True)

    with running(whole, PATH=f"{Path(npm).parent}{os.pathsep}/usr/bin:/bin"):
        pass

    assert (whole.root / "static/vendor/htmx.min.js").stat().st_size > 20_000
