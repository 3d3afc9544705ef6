"""Several processes of tests/support/writers.py, set off together."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from microblog.config.settings import ROOT
from tests.support.site import environment


def together(settings, commands):
    """What each of `commands` (lists of words) printed, all started at once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MICROBLOG_")}
    running = []
    try:
        for words in commands:
            running.append(
                subprocess.Popen(
                    [sys.executable, str(Path(__file__).with_name("writers.py")), *map(str, words)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=kept | environment(settings) | {"PYTHONPATH": str(ROOT)},
                )
            )
        for process in running:
            assert process.stdout.readline() == "ready\n"
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in running]
    finally:
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.stdin.close()
                process.wait(60)
            process.kill()
            process.wait()
            process.stdout.close()
