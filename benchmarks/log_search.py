"""How long it takes to find something in a large log, beside `grep -F` over the same files in the same run.

    python3 benchmarks/log_search.py [--megabytes 1000]

The records are made like those of a busy site: requests, sign-ins, refusals, now and then a failure with its exception,
in ten files of one size. `show` tells the whole story of a request in the middle, the neighbourhood included. Every
figure is that of a whole command as it is typed, with the start of Python. Everything is in the page cache; the fastest
of the rounds counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = 10
REFERENCE = "K7Q2F-9M4ZX"
EXCEPTION = [{"type": "LookupError", "module": "builtins", "message": "no such column", "frames": [
    {"file": "microblog/people/views.py", "line": 10 + n, "function": "save", "source": "return rename(form)"}
    for n in range(12)
]}]  # fmt: skip


def fill(folder: Path, megabytes: int) -> int:
    """Write the files; how many bytes they have."""
    start, block, n = datetime(2026, 11, 1, tzinfo=UTC), [], 0
    routes = ("/", "/user/<username>", "/edit_profile/<field>", "/login", "/avatar/<seed>.svg")
    size = megabytes * 1_000_000 // FILES
    whole = 0
    for number in range(FILES, 0, -1):
        path = folder / ("microblog.jsonl" if number == 1 else f"microblog.jsonl.{number - 1}")
        with path.open("wb") as file:
            while file.tell() < size:
                for _ in range(2000):
                    stamp = (start + timedelta(milliseconds=40 * n)).isoformat(timespec="milliseconds")[:-6] + "Z"
                    middle = number == FILES // 2 and not file.tell() and len(block) == 1500
                    reference = REFERENCE if middle else f"{n % 99991:05}-{n % 89989:05}"
                    status = 500 if reference == REFERENCE or n % 5000 == 0 else 404 if n % 50 == 0 else 200
                    head = f'{{"timestamp":"{stamp}","level":"{"error" if status == 500 else "info"}","event":'
                    rest = f'"microblog.http.last_resort","reference":"{reference}"'
                    if status == 500:
                        block.append(f'{head}"request.failed","logger":{rest},"exception":{json.dumps(EXCEPTION)},'
                                     f'"fingerprint":"82eebddbf847","status":500,"user_id":{n % 500}}}\n')  # fmt: skip
                    block.append(
                        f'{head}"request.finished","logger":{rest},"address":"203.0.113.{n % 250 + 1}","bytes":'
                        f'{n % 30000},"complete":true,"endpoint":"people.user","fragment":false,"hx_source":"",'
                        f'"method":"GET","ms":{n % 97 + 0.25},"path":"/user/ana",'
                        f'"route":"{routes[n % 5]}","sql_count":2,'
                        f'"sql_ms":1.25,"status":{status},"user_id":{n % 500}}}\n'
                    )
                    n += 1
                file.write("".join(block).encode())
                block.clear()
            whole += file.tell()
        os.utime(path, (2e9 - number, 2e9 - number))
    return whole


def timed(*command: str, **environ: str) -> tuple[float, float, float, int]:
    """Seconds of the whole command, those of the processor, MB of its largest size, lines printed."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        lines = process.stdout.read().count(b"\n")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    assert process.returncode in (0, 1), f"{' '.join(command)}: {process.returncode}"  # 1: there is no such line
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, lines


def ours(folder: Path, *words: str) -> tuple[float, float, float, int]:
    """`manage.py logs` as it is typed, the start of Python included."""
    return timed(sys.executable, "manage.py", "logs", *words, MICROBLOG_LOGS__DIRECTORY=str(folder))


def grep(folder: Path, needle: str) -> tuple[float, float, float, int]:
    """The same by `grep` itself."""
    files = map(str, sorted(folder.glob("microblog.jsonl*")))
    return timed("grep", "-hF", needle, *files, LC_ALL="C")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = fill(folder, args.megabytes) / 1e6
        grep(folder, "warm the page cache")
        kinds = {
            "logs events (reads nothing)": lambda: ours(folder, "events"),
            "show": lambda: ours(folder, "show", REFERENCE),
            "grep reference=": lambda: ours(folder, "grep", f"reference={REFERENCE}", "--json"),
            "grep event=request.failed": lambda: ours(folder, "grep", "event=request.failed", "--count"),
            "grep ms>500 (none)": lambda: ours(folder, "grep", "ms>500", "--count"),
            "grep --user 17 --limit 50": lambda: ours(folder, "grep", "user_id=17", "--limit", "50"),
            "grep -F reference": lambda: grep(folder, f'"{REFERENCE}"'),
            "grep -F request.failed": lambda: grep(folder, '"request.failed"'),
        }
        print(f"{size:.0f} MB in {FILES} files\n{'':28}{'seconds':>9}{'of CPU':>9}{'RSS MB':>8}{'lines':>8}")
        for kind, run in kinds.items():
            seconds, busy, used, lines = min(run() for _ in range(args.rounds))
            print(f"{kind:28}{seconds:>9.2f}{busy:>9.2f}{used:>8.0f}{lines:>8}")


if __name__ == "__main__":
    main()
