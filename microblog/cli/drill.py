"""`manage.py drill`: one error on purpose, and each link of the chain that has to tell of it."""

import argparse
import time
from typing import Any

from microblog.cli import CommandFailed, Subparsers
from microblog.cli.drill_steps import STEPS, Broken, Drill, NotRunning, Skipped
from microblog.config.settings import Settings

WAIT = 30.0  # seconds for the mail, besides the time in which equal errors are gathered


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "drill",
        help="let the running site fail once, and follow the error as far as your mail server",
        description="Ask the running site for an error, as a page and as a fragment, and look for it in the answer,\n"
        "in the log and in the mail. Nothing of it is counted: its records carry drill: true.\n"
        "Exit code 1 when a link is broken. Run it as the user of the site.",
        epilog="Examples:\n  python3 manage.py drill\n  python3 manage.py drill --url https://blog.example.org",
    )
    parser.add_argument("--url", help="ask here, for instance through the proxy (default: server.host and server.port)")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait for the mail")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    wait = settings.alerts.first_wait + WAIT if arguments.timeout is None else arguments.timeout
    drill = Drill(settings, arguments.url, wait)
    broken = skipped = 0
    try:
        for name, look in STEPS:
            began = time.monotonic()
            try:
                state, said = "ok", look(drill)
            except Skipped as reason:
                state, said = "skipped", str(reason)
            except Broken as problem:
                state, said = "FAIL", str(problem)
            broken += state == "FAIL"
            skipped += state == "skipped"
            print(f"{state:7}  {name:9}  {time.monotonic() - began:6.2f} s  {said}", flush=True)
    except NotRunning as error:
        raise CommandFailed(str(error)) from error
    finally:
        drill.end()
    if broken:
        print(f"\n{broken} broken; docs/health.md says what each line means.")
    else:
        print("\nEvery link holds." if not skipped else "\nEvery link that could be looked at holds.")
    return 1 if broken else 0
