"""`manage.py bench`: what the pages cost, beside a yardstick in the same run."""

import argparse
import subprocess
import sys
from typing import Any

from microblog.cli import Subparsers
from microblog.config.settings import ROOT, Settings


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "bench",
        help="measure the pages beside a yardstick; all arguments go to benchmarks/pages.py",
        description="Run the site and a bare Flask page side by side, with 1,000 to 1,000,000 posts, and compare. All\n"
        "arguments go to benchmarks/pages.py: --posts, --rounds, --seconds, --only, --keep, --json, --plot, --write.",
        epilog="Examples:\n  python3 manage.py bench --posts 1000,10000 --rounds 3\n"
        "  python3 manage.py bench --keep /tmp/bench --write",
    )
    parser.set_defaults(run=bench, settings=False, rest=[])


def bench(arguments: argparse.Namespace, _settings: Settings) -> int:
    # The person's own arguments.
    command = [sys.executable, str(ROOT / "benchmarks/pages.py"), *arguments.rest]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603
