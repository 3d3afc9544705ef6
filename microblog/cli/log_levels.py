"""manage.py logs level: other levels for a while, in every process, without a restart."""

import argparse
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from microblog.cli import CommandFailed
from microblog.config.settings import Settings
from microblog.config.values import did_you_mean
from microblog.log.event import LEVELS
from microblog.log.human import safe
from microblog.log.levels import FILE_NAME, LONGEST, UnfitLevels, Wanted, is_known, read, write
from microblog.log.setup import base_levels
from microblog.logbook.moments import duration


def register(commands: Any) -> None:
    """Add ``logs level``."""
    level = commands.add_parser(
        "level",
        help="other levels for a while, without a restart",
        description="Show the levels, or set some for a while: every process follows within two seconds and says so\n"
        "(log.level_changed). It ends by itself. Rows that SQLAlchemy would show are never written.",
        epilog="examples:\n  manage.py logs level\n  manage.py logs level sqlalchemy=debug --for 10m\n"
        "  manage.py logs level microblog.people=debug sqlalchemy.engine=info --for 1h\n  manage.py logs level --reset",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    level.add_argument("levels", nargs="*", metavar="logger=level")
    level.add_argument("--for", dest="lasts", default="10m", metavar="TIME", help="90s, 10m, 2h, at most 7d (10m)")
    level.add_argument("--reset", action="store_true", help="back to the settings, now")
    level.set_defaults(run=run_level)


def run_level(args: argparse.Namespace, settings: Settings) -> int:
    """Show, set or take back. Raises CommandFailed, OSError."""
    path, base, now = Path(settings.log_dir) / FILE_NAME, base_levels(settings), time.time()
    if args.reset and args.levels:
        raise CommandFailed("--reset takes all of them back: it stands alone.")
    if args.reset:
        write(path, Wanted())
    if args.levels:
        wanted = dict(_parsed(text, base) for text in args.levels)
        lasts = duration(args.lasts)
        if not lasts or lasts > LONGEST:
            raise CommandFailed(f"--for {safe(args.lasts)} is no time up to 7 days. Write 90s, 10m, 2h or 3d.")
        write(path, Wanted(wanted, now + lasts))
    _show(path, base, now)
    return 0


def _parsed(text: str, base: dict[str, int]) -> tuple[str, str]:
    name, found, level = text.partition("=")
    level = level.lower()
    if not found or level not in LEVELS:
        near = did_you_mean(level, LEVELS) or f"; the levels are {', '.join(LEVELS)}"
        raise CommandFailed(f"{safe(text)} is not logger=level{near}")
    if not is_known(name, base):
        near = did_you_mean(name, base) or f"; there is {', '.join(base)}, and what is below them"
        raise CommandFailed(f"There is no logger {safe(name)}{near}")
    return name, level


def _show(path: Path, base: dict[str, int], now: float) -> None:
    try:
        wanted = read(path, base, now)
    except UnfitLevels as problem:
        print(f"{path} is ignored: {problem}. `manage.py logs level --reset` removes it.")
        wanted = Wanted()
    until = f"until {datetime.fromtimestamp(wanted.until, UTC):%Y-%m-%d %H:%M:%S} UTC"
    width = max(map(len, {*base, *wanted.levels}))
    for name in sorted({*base, *wanted.levels}):
        usual = logging.getLevelName(base[name]).lower() if name in base else ""
        if name in wanted.levels:
            print(f"{name:{width}}  {wanted.levels[name]:8}  {until}{f', then {usual}' if usual else ''}")
        else:
            print(f"{name:{width}}  {usual}")
