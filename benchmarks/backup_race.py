"""Two backups at once, into one directory: does each leave a whole file of its own?

    python3 benchmarks/backup_race.py --rounds 20

Makes a small community in a directory of its own, then starts two `manage.py backup` together, round after round, as
two machines do whose timers ring at the same minute. Exits with 1 unless each command that reported success left a
whole file of its own, in every round.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from microblog.backups import BackupFailed, archive  # noqa: E402

BOTH, ONE, NONE = "both files whole", "one refused, the other's file whole", "both refused"
MISSING, DAMAGED = "a reported file missing, or reported twice", "a reported file damaged"
OUTCOMES = (BOTH, ONE, NONE, MISSING, DAMAGED)


def main() -> int:
    """Run the rounds and print the table; 0 where every reported file was whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often two start (default: %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="microblog-backup-race-") as name:
        folder = Path(name)
        settings = {"MICROBLOG_PATHS__DATA": name, "MICROBLOG_LOGS__DIRECTORY": f"{name}/logs"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
        environ = kept | settings
        manage(environ, "db", "upgrade").communicate()
        manage(environ, "demo", "--people", "10", "--posts", "50").communicate()
        found = Counter(race(environ, folder / f"round-{number}") for number in range(rounds))
    for outcome in OUTCOMES:
        print(f"{found[outcome]:4}  {outcome}")
    return int(found[BOTH] + found[ONE] < rounds)


def manage(environ: dict[str, str], *words: str) -> "subprocess.Popen[str]":
    """One command, started."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def race(environ: dict[str, str], directory: Path) -> str:
    """The outcome of two backups into `directory`."""
    running = [manage(environ, "backup", "--directory", str(directory)) for _ in range(2)]
    said = [(process.communicate(), process.returncode) for process in running]
    for (_, wrong), code in said:
        if code:
            print(" ".join(wrong.split()), file=sys.stderr)
    reported = [Path(out.rsplit(" (", 1)[0]) for (out, _), code in said if code == 0]
    if len(set(reported)) < len(reported) or not all(path.exists() for path in reported):
        return MISSING
    if not all(is_whole(path) for path in reported):
        return DAMAGED
    return (NONE, ONE, BOTH)[len(reported)]


def is_whole(path: Path) -> bool:
    """True if a restore can read the backup."""
    with suppress(BackupFailed), archive.opened(path):
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
