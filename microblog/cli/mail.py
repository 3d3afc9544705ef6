"""`manage.py mail`: does mail work, what is waiting, and a mail server for the desk."""

import argparse
import sys

from microblog.alerts.health import health, missing, moment
from microblog.alerts.message import sender_address
from microblog.alerts.smtp import NotDelivered, Step
from microblog.alerts.trial import send, trial_message
from microblog.alerts.wording import times, title
from microblog.cli import mail_sink
from microblog.config.settings import Settings

_TEST_HELP = """\
Send one mail and report each step of the conversation with the server.

Example:
  python3 manage.py mail test you@example.org
"""
_STATUS_HELP = """\
Say whether alerts by mail work, and list the errors that wait to be told.

Example:
  python3 manage.py mail status
"""
_SINK_HELP = """\
A mail server for trying things out: it delivers nothing, prints every mail and keeps it as an .eml file.

Example:
  python3 manage.py mail sink                                                      (in one terminal)
  MAIL_SERVER=127.0.0.1 MAIL_PORT=8025 ADMINS=you@example.org python3 manage.py run     (in another)
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `mail` and its commands."""
    parser = subparsers.add_parser(
        "mail",
        help="test the mail, see what waits, catch mail at the desk",
        description=__doc__,
        epilog="Examples:\n  python3 manage.py mail status\n  python3 manage.py mail test you@example.org",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    test = _command(commands, "test", "send a test mail, step by step", _TEST_HELP)
    test.add_argument("address", nargs="?", help="where to (default: every administrator)")
    test.set_defaults(run=run_test)

    status = _command(commands, "status", "is mail on, does it work, what waits", _STATUS_HELP)
    status.set_defaults(run=run_status)

    sink = _command(commands, "sink", "a mail server that prints and keeps what arrives", _SINK_HELP)
    sink.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    sink.add_argument("--port", type=int, default=8025, help="port to listen on, 0 for any (default: %(default)s)")
    sink.add_argument("--directory", help="where to keep the mails (default: mail/ in the data directory)")
    sink.set_defaults(run=mail_sink.run)


def run_test(args: argparse.Namespace, settings: Settings) -> int:
    """0 when a server has taken every mail."""
    reason = missing(settings)
    if reason is not None and not (args.address and "admins" in reason.partition(" ")[0]):
        print(f"No mail can be sent: {reason}. Set it in config.toml or in the environment.", file=sys.stderr)
        return 1
    if (
        settings.mail.username
        and settings.mail.tls == "none"
        and settings.mail.server not in ("localhost", "127.0.0.1")
    ):
        print('Note: mail.tls is "none", so the password crosses the network readable by anyone on the way.')
    return max(_test(settings, address) for address in ([args.address] if args.address else settings.administrators))


def run_status(args: argparse.Namespace, settings: Settings) -> int:
    """0 unless mail is on and failing."""
    state = health(settings)
    print(state.sentence)
    for group in state.waiting:
        print(f"  {times(group):>8}  {title(group)}  last {moment(group.last_seen)}, due {moment(group.due)}")
    if state.state == "failing":
        print("Find out why: python3 manage.py mail test")
    return int(state.state == "failing")


def advice(problem: NotDelivered, settings: Settings) -> str:
    """What to do about a step that failed."""
    server, tls = f"{settings.mail.server}:{settings.mail.port}", settings.mail.tls
    text = problem.problem.lower()
    if problem.step == "connect":
        if "name" in text or "address associated" in text or "temporary failure" in text:
            return "The name does not resolve: check mail.server (MAIL_SERVER)."
        return f"Nothing answers at {server}: check mail.server and mail.port, and that a firewall lets it out."
    if problem.step == "greeting":
        if tls == "none" and ("timed out" in text or "closed" in text):
            return f'The server does not speak first. If {server} expects TLS at once, set mail.tls = "ssl" (port 465).'
        return "The server refuses the conversation; its answer says why. It may be overloaded or block this address."
    if problem.step == "tls":
        if "certificate" in text:
            return "Use the name that the certificate is for in mail.server; for a private authority set SSL_CERT_FILE."
        if "starttls" in text:
            return 'This port has no STARTTLS: try mail.tls = "ssl" with port 465, or "starttls" with port 587.'
        return 'The TLS handshake failed: mail.tls = "ssl" belongs to port 465, "starttls" to 587.'
    if problem.step == "login":
        if "auth extension not supported" in text:
            return 'The server takes no login here: try mail.tls = "starttls" with port 587, or empty mail.username.'
        return "Check mail.username and mail.password; with two-factor sign-in most providers want an app password."
    if problem.step == "sender":
        return "The server does not let this sender through: set mail.sender to an address it accepts from you."
    if problem.step == "recipient":
        return "The server does not take mail for this address: check it, and whether sending there needs a login."
    return "The server refused the mail itself; its answer says why. Often size, content or a limit per hour."


def _test(settings: Settings, address: str) -> int:
    print(f"A mail to {address} by way of {settings.mail.server}, from {sender_address(settings)}:")
    try:
        receipt = send(settings, trial_message(settings, address), _report)
    except ValueError as error:
        print(f"  {error}", file=sys.stderr)
        return 1
    except NotDelivered as problem:
        print(f"  {problem.step:<10} FAILED   {problem.problem}", file=sys.stderr)
        print(f"  {advice(problem, settings)}", file=sys.stderr)
        return 1
    queue_id = f" as {receipt.queue_id}" if receipt.queue_id else ""
    print(f"  Accepted{queue_id}. If it does not arrive, look in the spam folder, then in docs/alerts.md.")
    return 0


def _report(step: Step) -> None:
    print(f"  {step.name:<10} {step.seconds * 1000:5.0f} ms  {step.detail}")


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=summary, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
