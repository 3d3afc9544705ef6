"""manage.py user: members, from the shell."""

import argparse
import getpass
import secrets
import sys
from functools import partial

import structlog
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select

from microblog.cli.site import opened
from microblog.config.settings import Settings
from microblog.extensions import db, writing
from microblog.log import events
from microblog.models import passwords, usernames
from microblog.models.errors import NotYours, Taken
from microblog.models.moderation import Decision
from microblog.models.session import Session
from microblog.models.user import ROLES, User

log = structlog.get_logger(__name__)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `user` and its commands."""
    parser = subparsers.add_parser(
        "user",
        help="members: create, list, password, role, suspend",
        description=__doc__,
        epilog="Example: python3 manage.py user create ana ana@example.org --role administrator",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser(
        "create",
        help="a new member; the password is asked for, or made",
        epilog="Example: python3 manage.py user create ana ana@example.org --role administrator",
    )
    create.add_argument("username")
    create.add_argument("email")
    create.add_argument("--role", choices=ROLES, default="member")
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    create.set_defaults(run=_create)
    members = commands.add_parser("list", help="every member", epilog="Example: python3 manage.py user list")
    members.set_defaults(run=_list)
    password = commands.add_parser(
        "password",
        help="a new password; signs the member out everywhere",
        epilog="Example: python3 manage.py user password ana",
    )
    password.add_argument("username")
    password.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    password.set_defaults(run=_password)
    role = commands.add_parser(
        "role", help="what a member may do", epilog="Example: python3 manage.py user role ana moderator"
    )
    role.add_argument("username")
    role.add_argument("role", choices=ROLES)
    role.set_defaults(run=_role)
    suspend = commands.add_parser(
        "suspend",
        help="sign a member out everywhere and hide what they write",
        epilog="Example: python3 manage.py user suspend ana --note spam",
    )
    suspend.add_argument("username")
    suspend.add_argument("--note", default="", help="why; stands in the audit trail")
    suspend.set_defaults(run=partial(_decide, "suspend"))
    lift = commands.add_parser(
        "unsuspend", help="let a suspended member in again", epilog="Example: python3 manage.py user unsuspend ana"
    )
    lift.add_argument("username")
    lift.add_argument("--note", default="", help="why; stands in the audit trail")
    lift.set_defaults(run=partial(_decide, "lift"))


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _new_password(args: argparse.Namespace, settings: Settings) -> tuple[str, bool]:
    """The password and whether it was made here. Raises ValueError with a sentence."""
    if args.password_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        given = getpass.getpass("Password (empty: one is made for you): ")
    else:
        given = ""
    if not given:
        return secrets.token_urlsafe(12), True
    if len(given) < settings.security.password_min:
        raise ValueError(f"Use at least {settings.security.password_min} characters for the password.")
    return given, False


def _create(args: argparse.Namespace, settings: Settings) -> int:
    if wrong := usernames.problem(args.username):
        return _fail(f"{args.username}: {wrong}")
    try:
        email = validate_email(args.email, check_deliverability=False).normalized
        password, made = _new_password(args, settings)
    except (EmailNotValidError, ValueError) as error:
        return _fail(str(error))
    try:
        with opened(settings), writing():
            hashed = passwords.hash_password(password)
            user = User.register(username=args.username, email=email, password_hash=hashed)
            user.role = args.role
            db.session.commit()
    except Taken:
        return _fail(f"{args.username} is taken. Choose another username.")
    print(f"Created {args.username} ({args.role})." + (f" Password: {password}" if made else ""))
    return 0


def _list(_args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings):
        people = db.session.scalars(select(User).order_by(User.id)).all()
        print(f"{'id':>6}  {'username':30}  {'role':13}  {'joined':10}  {'last seen':10}  e-mail")
        for user in people:
            dates = f"{user.created_at:%Y-%m-%d}  {user.last_seen_at:%Y-%m-%d}"
            print(f"{user.id:>6}  {user.username:30}  {user.role:13}  {dates}  {user.email}")
    return 0


def _password(args: argparse.Namespace, settings: Settings) -> int:
    try:
        password, made = _new_password(args, settings)
    except ValueError as error:
        return _fail(str(error))
    with opened(settings), writing():
        user = db.session.scalar(User.named(args.username))
        if user is None:
            return _fail(f"Nobody is called {args.username}. See: python3 manage.py user list")
        user.set_password(password)
        Session.end_all(user)
        db.session.commit()
    print(
        f"{args.username} has a new password and is signed out everywhere." + (f" Password: {password}" if made else "")
    )
    return 0


def _role(args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings), writing():
        user = db.session.scalar(User.named(args.username))
        if user is None:
            return _fail(f"Nobody is called {args.username}. See: python3 manage.py user list")
        user.role = args.role
        db.session.commit()
    print(f"{args.username} is now {args.role}.")
    return 0


def _decide(verb: str, args: argparse.Namespace, settings: Settings) -> int:
    """Suspend, or lift it; written down as every decision is."""
    with opened(settings), writing():
        user = db.session.scalar(User.named(args.username))
        if user is None:
            return _fail(f"Nobody is called {args.username}. See: python3 manage.py user list")
        decision = Decision(None, user, note=args.note[:1000])
        try:
            changed = decision.suspend() if verb == "suspend" else decision.lift()
        except NotYours:
            return _fail(
                f"{user.username} is an administrator. First: python3 manage.py user role {user.username} member"
            )
        user_id, name = user.id, user.username
        db.session.commit()
        if changed:
            log.info(events.MODERATION_DECIDED, action=verb, other_id=user_id, post_id=None)
    said = "suspended, and signed out everywhere" if verb == "suspend" else "not suspended"
    print(f"{name} is {said}." if changed else f"{name} was {'suspended' if verb == 'suspend' else 'not suspended'}.")
    return 0
