"""What a log line costs: our handler beside the standard library's, in the same run on the same machine.

    python3 benchmarks/logs.py [--lines 20000] [--processes 1 4]

`chain` is what a request pays: structlog, rendering, redaction and the file. `handler` is the file alone, given a line
that is ready. `stdlib` is logging.handlers.RotatingFileHandler with the same ready line. Lines lost and torn are
counted in all the files afterwards; the standard library's handler is not made for several processes, and it shows.
"""

import argparse
import json
import logging
import logging.handlers
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import structlog  # noqa: E402 - after the path is set

from microblog.config.settings import Logs, Settings  # noqa: E402
from microblog.log import events, setup  # noqa: E402
from microblog.log.file import JsonLinesHandler  # noqa: E402

MEGABYTE = 1_000_000
VALUES = {
    "method": "GET", "route": "/user/<username>", "endpoint": "people.user", "status": 200, "ms": 12.3, "sql_count": 2,
    "sql_ms": 1.1, "bytes": 5321, "complete": True, "user_id": 17, "fragment": False, "address": "127.0.0.1",
}  # fmt: skip


def chain(folder: str, name: int, lines: int) -> Callable[[], None]:
    """The whole way from the call to the file."""
    setup.configure(Settings(logs=Logs(directory=folder, max_bytes=MEGABYTE, backups=1000)))
    log = structlog.get_logger("microblog.http.last_resort")
    structlog.contextvars.bind_contextvars(reference="K7Q2F-9M4ZX")

    def run() -> None:
        for n in range(lines):
            log.info(events.REQUEST_FINISHED, hx_source=f"{name}/{n}", **VALUES)

    return run


def calls(times: int) -> tuple[float, float]:
    """ns of a call that is filtered out, and of one that is not, without the file: what `logs level` may not change."""
    with tempfile.TemporaryDirectory() as folder:
        setup.configure(Settings(logs=Logs(directory=folder)))
        log = structlog.get_logger("microblog.http.last_resort")
        log.info(events.WORKER_STARTED, pid=1)
        took = []
        logging.disable(logging.CRITICAL)  # the record is made and goes nowhere
        for call in (log.debug, log.info):
            rounds = []
            for _ in range(5):
                started = time.process_time()
                for _ in range(times):
                    call(events.WORKER_STARTED, pid=1)
                rounds.append(time.process_time() - started)
            took.append(min(rounds) / times * 1e9)
        logging.disable(logging.NOTSET)
        setup.close()
    return took[0], took[1]


def ready(make: Callable[[str], logging.Handler]) -> Callable[[str, int, int], Callable[[], None]]:
    """A handler alone: the record's message is the finished line."""

    def prepare(folder: str, name: int, lines: int) -> Callable[[], None]:
        handler = make(f"{folder}/microblog.jsonl")
        handler.setFormatter(logging.Formatter("%(message)s"))
        records = [
            logging.makeLogRecord({"msg": json.dumps({**VALUES, "hx_source": f"{name}/{n}"})}) for n in range(lines)
        ]

        def run() -> None:
            for record in records:
                handler.handle(record)

        return run

    return prepare


KINDS = {
    "chain": chain,
    "handler": ready(lambda path: JsonLinesHandler(path, MEGABYTE, 1000)),
    "stdlib": ready(lambda path: logging.handlers.RotatingFileHandler(path, "a", MEGABYTE, 1000)),
}


def work(kind: str, folder: str, name: int, lines: int, barrier, took) -> None:  # type: ignore[no-untyped-def]
    """One process: everything is prepared before all of them start together."""
    logging.raiseExceptions = False  # the standard library's handler prints a traceback for each lost line
    run = KINDS[kind](folder, name, lines)
    barrier.wait()
    started, busy = time.perf_counter(), time.process_time()
    run()
    took.put((started, time.perf_counter(), time.process_time() - busy))


def measure(kind: str, processes: int, lines: int) -> tuple[float, float, int, int]:
    """µs of processor time a line, lines a second of all processes together, lines lost, lines torn."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        barrier, took = context.Barrier(processes), context.Queue()
        workers = [
            context.Process(target=work, args=(kind, folder, name, lines, barrier, took)) for name in range(processes)
        ]
        for worker in workers:
            worker.start()
        times = [took.get() for _ in workers]
        for worker in workers:
            worker.join()
        seen, torn = set(), 0
        for path in Path(folder).iterdir():
            for line in path.read_bytes().splitlines():
                try:
                    seen.add(json.loads(line)["hx_source"])
                except ValueError:
                    torn += 1
    whole = max(end for _, end, _ in times) - min(start for start, _, _ in times)
    each = sum(busy for _, _, busy in times) / len(times) / lines * 1e6
    return each, processes * lines / whole, processes * lines - len(seen), torn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000, help="for each process")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts, the losses of all are added")
    args = parser.parse_args()
    print(f"{'':10}{'processes':>10}{'µs/line':>10}{'lines/s':>10}{'lost':>9}{'torn':>7}")
    for processes in args.processes:
        for kind in KINDS:
            rounds = [measure(kind, processes, args.lines) for _ in range(args.rounds)]
            each, rate = min(one[0] for one in rounds), max(one[1] for one in rounds)
            lost, torn = sum(one[2] for one in rounds), sum(one[3] for one in rounds)
            share = 100 * lost / (processes * args.lines * args.rounds)
            print(f"{kind:10}{processes:>10}{each:>10.1f}{rate:>10.0f}{share:>8.1f}%{torn:>7}")
    filtered, told = calls(20_000)
    print(f"\nA call that is filtered out takes {filtered:.0f} ns, one that is not {told:.0f} ns and what follows it.")


if __name__ == "__main__":
    main()
