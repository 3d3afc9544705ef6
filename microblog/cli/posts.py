"""manage.py posts: what members have written, from the shell."""

import argparse
import time

import structlog
from sqlalchemy import func, select

from microblog.cli.site import opened
from microblog.config.settings import Settings
from microblog.extensions import db, writing
from microblog.log import events
from microblog.models.columns import now
from microblog.models.post import KEPT_FOR, Post

log = structlog.get_logger(__name__)

PAUSE = 0.1
"""Seconds between two batches, in which the members' writes have their turn."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `posts` and its commands."""
    parser = subparsers.add_parser(
        "posts",
        help="remove for good what was deleted long ago",
        description=__doc__,
        epilog="Example: python3 manage.py posts purge",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    purge = commands.add_parser(
        "purge",
        help="remove what was deleted 30 days ago",
        description="Remove for good, with likes, bookmarks and versions, what their authors deleted more than\n"
        "30 days ago. New posts do it too, some at a time; a quiet site has none. The site may run meanwhile.",
        epilog="Example: python3 manage.py posts purge",
    )
    purge.set_defaults(run=_purge)


def _purge(_args: argparse.Namespace, settings: Settings) -> int:
    removed = 0
    with opened(settings):
        while gone := _batch():
            removed += gone
            time.sleep(PAUSE)
        kept = db.session.scalar(select(func.count(Post.id)).where(Post.deleted_at.is_not(None))) or 0
        if removed:
            log.info(events.POSTS_PURGED, removed=removed)
    before = f"{now() - KEPT_FOR:%-d %B %Y, %H:%M} UTC"
    print(f"Removed {removed:,} post{'s' if removed != 1 else ''} that had been deleted before {before}.")
    print(f"{kept:,} deleted since can still be brought back by their authors.")
    return 0


def _batch() -> int:
    with writing():
        gone = Post.purge()
        db.session.commit()
    return gone
