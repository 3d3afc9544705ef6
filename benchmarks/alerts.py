"""What an alert costs the request that raises it, with a mail server that never answers.

    python3 benchmarks/alerts.py

Several threads log errors at a steady rate, in turn without and with the alert handler, in one run. The budget: the
99th percentile may grow by 2 ms at most. Exits with 1 when it grows by more.
"""

import argparse
import logging
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog

from microblog.alerts.handler import AlertHandler
from microblog.config.settings import Alerts, Logs, Mail, Paths, Settings
from microblog.log.reference import new_reference

BUDGET_MS = 2.0
DEPTH = 25  # frames: about what a Flask view with SQLAlchemy below it has


def main() -> int:
    """Measure and print; 0 within the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", type=int, default=4000, help="errors in each measurement (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=500, help="errors a second (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=4, help="threads that raise them (default: %(default)s)")
    parser.add_argument("--kinds", type=int, default=20, help="different errors among them (default: %(default)s)")
    args = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        silent_port = silent.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as refusing:
            refused_port = refusing.getsockname()[1]
        arms: list[tuple[str, logging.Handler]] = [
            ("no handler", logging.NullHandler()),
            ("silent server", _handler(f"{directory}/silent", silent_port)),
            ("refused", _handler(f"{directory}/refused", refused_port)),
        ]
        results = {}
        for round_ in range(3):  # interleaved, so that a busy moment of the machine meets every arm
            for name, handler in arms:
                measured = measure(handler, args.errors // 3, args.rate, args.threads, args.kinds)
                results.setdefault(name, []).extend(measured)
            print(f"round {round_ + 1} of 3", file=sys.stderr)
        for _, handler in arms:
            handler.close()

    print(f"{args.errors} errors of {args.kinds} kinds, {args.rate}/s in {args.threads} threads; ms for each call")
    for name, times in results.items():
        cuts = statistics.quantiles(times, n=1000)
        print(
            f"{name:<14} p50 {cuts[499]:7.3f}   p99 {cuts[989]:7.3f}   p99.9 {cuts[998]:7.3f}   max {max(times):7.3f}"
        )
    added = _p99(results["silent server"]) - _p99(results["no handler"])
    print(f"added at p99 by a silent server: {added:.3f} ms (budget {BUDGET_MS} ms)")
    return int(added > BUDGET_MS)


def measure(handler: logging.Handler, errors: int, rate: int, threads: int, kinds: int) -> list[float]:
    """Milliseconds of each logging call."""
    logger = logging.getLogger("benchmark")
    logger.propagate, logger.handlers = False, [handler]
    makers = [_kind(number) for number in range(kinds)]
    times: list[float] = []

    def work(first: int) -> None:
        started = time.perf_counter()
        for number in range(first, errors, threads):
            error = _raise(makers[number % kinds], DEPTH)
            values = {"method": "POST", "route": f"/r/{number % kinds}", "path": f"/r/{number}", "status": 500}
            before = time.perf_counter()
            logger.error(
                {
                    "event": "request.failed",
                    "exc_info": error,
                    "reference": new_reference(),
                    "user_id": number,
                    **values,
                }
            )
            times.append((time.perf_counter() - before) * 1000)
            time.sleep(max(0.0, started + number / rate - time.perf_counter()))

    running = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return times


def _handler(directory: str, port: int) -> AlertHandler:
    return AlertHandler(
        Settings(
            paths=Paths(data=directory),
            logs=Logs(directory=f"{directory}/logs"),
            mail=Mail(server="127.0.0.1", port=port, admins=("ana@example.org",), timeout=5),
            alerts=Alerts(first_wait=0.5),
        )
    )


def _kind(number: int) -> Callable[[], None]:
    """A function of its own name, and so a bug of its own."""
    namespace: dict[str, Callable[[], None]] = {}
    exec(f"def bug_{number}():\n    raise ValueError('the text of an error, as long as such a text is')", namespace)
    return namespace[f"bug_{number}"]


def _raise(maker: Callable[[], None], depth: int) -> BaseException:
    def down(level: int) -> None:
        if level:
            down(level - 1)
        else:
            maker()

    try:
        down(depth)
    except ValueError as error:
        return error
    raise AssertionError


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    sys.exit(main())
