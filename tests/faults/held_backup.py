"""`manage.py backup` that begins in a second of the test's choice, and waits in the middle for a line on stdin.

`python held_backup.py 2026-11-21T03:00:00 hold --keep 1`: it says "held" once its draft is written and not yet read
back. With `go` in the place of `hold` it waits for nothing.
"""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime

from microblog.backups import archive, make
from microblog.cli import main


def held(opened):
    @contextmanager
    def waiting(*arguments, **options):
        print("held", flush=True)
        sys.stdin.readline()
        with opened(*arguments, **options) as found:
            yield found

    return waiting


def frozen(moment):
    """The module's `datetime`, of which it uses only now()."""

    class Frozen:
        @staticmethod
        def now(_zone):
            return moment

    return Frozen


if __name__ == "__main__":
    begins, how, *words = sys.argv[1:]
    make.datetime = frozen(datetime.fromisoformat(begins).replace(tzinfo=UTC))
    if how == "hold":
        archive.opened = held(archive.opened)
    sys.exit(main(["backup", *words]))
