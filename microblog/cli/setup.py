"""`manage.py setup`: everything a first start does, without the start."""

import argparse
from typing import Any

from microblog.cli import Subparsers
from microblog.config.settings import Settings
from microblog.web import assets


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "setup",
        help="fetch all that the site needs, and do not start it",
        description="Make .venv, fetch the packages and the browser files, and compress what is served. `run` does it\n"
        "at its first start; this is for machines on which another user runs the site, and for images.",
        epilog="Example:\n  python3 manage.py setup",
    )
    parser.set_defaults(run=setup, settings=False)


def setup(_arguments: argparse.Namespace, _settings: Settings) -> int:
    # The packages are here, or this line would not run; see bootstrap.py.
    assets.compress()
    print("Everything is in place." if assets.has_htmx() else "In place, but for the browser files (see above).")
    return 0
