"""`manage.py demo`: a community to look at the site with, or to measure it with."""

import argparse
import secrets
import time
from typing import Any

from microblog.cli import CommandFailed, Subparsers, db
from microblog.cli.site import opened
from microblog.config.settings import Settings
from microblog.dev.demo.make import make, members
from microblog.models import passwords

PEOPLE, POSTS = 60, 1500


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "demo",
        help="fill the database with a community that nobody lives in",
        description="Add people with names in many scripts, who follow each other, and a year of posts, answers, tags\n"
        "and likes; what was changed, deleted, blocked and reported lately; and what each is told of it. The same\n"
        "seed makes the same community. A database that has members is refused, unless --yes says that it is meant.",
        epilog="Examples:\n  python3 manage.py demo\n  python3 manage.py demo --people 1000 --posts 1000000",
    )
    parser.add_argument("--people", type=_people, default=PEOPLE, metavar="NUMBER", help=f"how many members ({PEOPLE})")
    parser.add_argument("--posts", type=_posts, default=POSTS, metavar="NUMBER", help=f"how many posts ({POSTS:,})")
    parser.add_argument("--seed", type=int, default=1, metavar="NUMBER", help="another number, another community (1)")
    parser.add_argument("--password", help="of every one of them; without it, one is made and shown")
    parser.add_argument("--yes", action="store_true", help="also where there are members; these stay as they are")
    parser.set_defaults(run=demo)


def _count(text: str, least: int, what: str) -> int:
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < least:
        raise argparse.ArgumentTypeError(f"a community has at least {least} {what}")
    return number


def _people(text: str) -> int:
    return _count(text, 2, "members")


def _posts(text: str) -> int:
    return _count(text, 2, "posts")


def demo(arguments: argparse.Namespace, settings: Settings) -> int:
    password = arguments.password or secrets.token_urlsafe(9)
    if len(password) < settings.security.password_min:
        raise CommandFailed(f"Use at least {settings.security.password_min} characters for the password.")
    db.upgrade(settings)  # it may be the first thing that is done here
    began = time.monotonic()
    with opened(settings):
        if (there := members()) and not arguments.yes:
            raise CommandFailed(
                f"The database has {there:,} member{'s' if there != 1 else ''} already, and the demo would mix with\n"
                "them: name an empty folder in MICROBLOG_PATHS__DATA, or say --yes."
            )
        hashed = passwords.hash_password(password)
        size = (arguments.people, arguments.posts)
        community = make(
            size, seed=arguments.seed, password_hash=hashed, say=lambda what: print(f"  {what}", flush=True)
        )
    first, moderator = (person.username for person in community.people[:2])
    print(f"{arguments.people:,} people and {arguments.posts:,} posts in {time.monotonic() - began:.1f} s.")
    print(f"Everybody's password is {password} – sign in as {first}, or as {moderator}, who moderates.")
    return 0
