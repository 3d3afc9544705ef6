"""`manage.py config`: every setting, its value, and who said so."""

import argparse
import json
import re
from typing import Any

from microblog.cli import Subparsers
from microblog.config.settings import KEYS, SECRETS, Settings
from microblog.config.sources import variable

MASK = "••••••"


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "config",
        help="show every setting, its value and where it came from",
        description="Show every setting, its value and where it came from. Secrets are masked.",
        epilog="Examples:\n  python3 manage.py config\n  python3 manage.py config server.port mail\n"
        "  python3 manage.py config --json | jq '.[\"server.port\"].value'",
    )
    parser.add_argument("--json", action="store_true", help="print JSON: {key: {value, source, variable}}")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these settings or sections (`show` means all)")
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    names = [name for name in arguments.names if name != "show"]
    keys = [key for key in KEYS if not names or key in names or key.split(".")[0] in names]
    unknown = [name for name in names if name not in KEYS and name not in {key.split(".")[0] for key in KEYS}]
    if arguments.json:
        print(
            json.dumps(
                {
                    key: {
                        "value": masked(key, settings),
                        "source": settings.sources.get(key, "default"),
                        "variable": variable(key),
                    }
                    for key in keys
                },
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        shown = {key: _toml(masked(key, settings)) for key in keys}
        width = max(map(len, shown), default=0), min(40, max(map(len, shown.values()), default=0))
        for key, value in shown.items():
            print(f"{key:{width[0]}}  {value:{width[1]}}  {settings.sources.get(key, 'default')}")
        for notice in settings.notices:
            print(f"\nNotice: {notice}")
    for name in unknown:
        print(f"There is no setting {name!r}.")
    return 1 if unknown else 0


def masked(key: str, settings: Settings) -> Any:
    """The value in force, without what nobody should read over a shoulder."""
    section, name = key.split(".")
    value = getattr(getattr(settings, section), name)
    if key in SECRETS:
        return MASK if value else ""
    if key == "database.url":
        return re.sub(r"(://[^/@]*:)[^@]*@", rf"\1{MASK}@", value)
    return list(value) if isinstance(value, tuple) else value


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
