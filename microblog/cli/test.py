"""`manage.py test`: pytest with everything it needs."""

import argparse
import subprocess
import sys
from typing import Any

from microblog.cli import Subparsers
from microblog.config.settings import ROOT, Settings

# Each test by itself to whichever process is free: none needs another one to have run before it.
PARALLEL = ["-n", "2", "--dist", "load", "--maxschedchunk", "1", "--durations", "10"]
PARTS = {
    "quick": [*PARALLEL, "-m", "not slow and not process and not browser and not postgresql"],
    "changed": ["--testmon", "-m", "not slow and not browser"],
}


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "test",
        help="run the tests; all arguments go to pytest",
        description="Run the tests, the slow ones included, two at a time. All arguments go to pytest as they are;\n"
        "with a path, -k or -x among them the tests run one after another.\n\n"
        "  quick    no browser, no processes, nothing slow, SQLite only: two or three minutes on two cores\n"
        "  changed  those that a change to Python code since the last `changed` can affect, but for browser and slow;\n"
        "           the first time all of these\n"
        "  --both   every test on both databases, not only those about databases\n"
        "  --long   loops that look for the rare case go on for two minutes each",
        epilog="Examples:\n  python3 manage.py test\n  python3 manage.py test quick\n"
        "  python3 manage.py test tests/config -x\n  python3 manage.py test -m 'not slow'",
    )
    parser.set_defaults(run=test, settings=False, rest=[])


def test(arguments: argparse.Namespace, _settings: Settings) -> int:
    rest: list[str] = arguments.rest
    part: list[str] = []
    if rest and rest[0] in PARTS:
        part, rest = PARTS[rest[0]], rest[1:]
    # Whoever looks at one thing wants its output in order, and a debugger that works.
    alone = any(word in {"-n", "-k", "-x", "--pdb", "--lf"} or (ROOT / word.split("::")[0]).exists() for word in rest)
    command = [sys.executable, "-m", "pytest", *(part or ([] if alone else PARALLEL)), *rest]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - the person's own arguments
