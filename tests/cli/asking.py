"""Commands as the shell gives them, within the test's own process."""

import argparse

from microblog.cli import logs


def run(settings, *words):
    """`manage.py logs <words>`; the exit code."""
    parser = argparse.ArgumentParser()
    logs.register(parser.add_subparsers())
    args = parser.parse_args(["logs", *words])
    return args.run(args, settings)
