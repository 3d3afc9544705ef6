"""`manage.py check`: is everything as it has to be, seen by the user who runs it."""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microblog.cli import CommandFailed, Subparsers
from microblog.cli.checks import CHECKS, Finding
from microblog.cli.deploy_checks import DEPLOY
from microblog.cli.error_answers import every_answer, throw_away
from microblog.cli.error_findings import problems
from microblog.cli.error_sheet import draw, write
from microblog.config.settings import ROOT, ConfigError, Settings, load

SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="look at code, configuration, directories, database and mail",
        description="Look at everything the site needs, as the user who runs this: so run it as the site's own user.\n"
        "Exit code 1 when something fails. The code is looked at where the development tools are installed.",
        epilog="Examples:\n  python3 manage.py check\n  sudo -u microblog python3 manage.py check --site\n"
        "  sudo -u microblog python3 manage.py check --site --deploy\n"
        "  python3 manage.py check --code\n  python3 manage.py check --errors --sheet errors.html",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--code", action="store_true", help="only lint and types; installs the tools for it where needed")
    only.add_argument("--site", action="store_true", help="only the site, not its code")
    only.add_argument("--errors", action="store_true", help="every error answer, on one page to look at")
    parser.add_argument("--deploy", action="store_true", help="also what only a site that others use needs")
    parser.add_argument("--sheet", metavar="FILE", help="with --errors: where the page goes (<data>/errors.html)")
    parser.set_defaults(run=check, settings=False)


def check(arguments: argparse.Namespace, _settings: Settings) -> int:
    if arguments.errors:
        return errors(load(), arguments.sheet)
    if arguments.sheet:
        raise CommandFailed("--sheet says where the page of --errors goes: add --errors.")
    if arguments.deploy and arguments.code:
        raise CommandFailed("--deploy is about the site, --code only about its code: leave one of them out.")
    failed = warned = 0
    for finding in _findings(code=not arguments.site, site=not arguments.code, deploy=arguments.deploy):
        failed += finding.state == "fail"
        warned += finding.state == "warn"
        first, *more = finding.detail.splitlines() or [""]
        print(f"{SIGNS[finding.state]}  {finding.name:14}  {first}", flush=True)
        for line in more:
            print(" " * 22 + line)
    summary = "All is well" if not failed + warned else f"{failed} failed, {warned} to look at"
    print(f"\n{summary}.")
    return 1 if failed else 0


def errors(settings: Settings, sheet: str | None) -> int:
    """Ask for every error, draw them all, say what is wrong. The site itself is not touched. Raises OSError."""
    path = Path(sheet) if sheet else settings.data_dir / "errors.html"
    name = settings.site.name
    with throw_away(name) as site:
        answers = [(answer, problems(answer, name=name)) for answer in every_answer(site)]
        write(path, draw(site, answers))
    wrong = {answer.asked: found for answer, found in answers if found}
    for asked, found in wrong.items():
        print(f"{SIGNS['fail']}  {asked}")
        for text in found:
            print(" " * 6 + text)
    verdict = f"{len(wrong)} of {len(answers)} answers are wrong" if wrong else f"All {len(answers)} answers are sound"
    print(f"{verdict}; {path} shows them.")
    return 1 if wrong else 0


def _findings(*, code: bool, site: bool, deploy: bool) -> Iterator[Finding]:
    if code:
        yield from _code(required=not site)
    if site:
        try:
            settings = load()
        except ConfigError as error:
            yield Finding("fail", "configuration", str(error))
            return
        more = [finding for look in DEPLOY for finding in look(settings)] if deploy else []
        # What is a note at the desk and a failure here is told once, as the failure.
        failed = {finding.name for finding in more if finding.state == "fail"}
        for look in CHECKS:
            yield from (found for found in look(settings) if found.state == "ok" or found.name not in failed)
        yield from more


def _code(*, required: bool) -> Iterator[Finding]:
    for tool, command in (("ruff", ["check"]), ("ruff", ["format", "--check"]), ("mypy", [])):
        name = " ".join([tool, *command[:1]])
        if importlib.util.find_spec(tool) is None:
            if required:
                yield Finding("fail", name, "is not installed; `python3 manage.py check --code` brings it")
            continue
        ran = subprocess.run(  # noqa: S603 - tools of ours
            [sys.executable, "-m", tool, *command, *(["."] if tool == "ruff" else [])],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        output = (ran.stdout + ran.stderr).strip()
        last = output.splitlines()[-1] if output else "nothing found"
        yield Finding("fail", name, output[-5000:]) if ran.returncode else Finding("ok", name, last)
