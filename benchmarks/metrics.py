"""What counting costs a request, and what a scrape costs, alone and with the counts of several processes in files.

    python3 benchmarks/metrics.py [--requests 5000]

A request is what the last resort counts of it: begun, ended, finished with two SQL statements, and one log record.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from microblog.config.settings import Paths, Settings  # noqa: E402 - after the path is set
from microblog.log import metrics  # noqa: E402

ROUTES = [f"/route/{number}" for number in range(20)]


def requests(count: int) -> None:
    for number in range(count):
        metrics.request_began()
        metrics.request_ended()
        metrics.request_finished("GET", ROUTES[number % 20], 200, 0.0123, 2, 1.1)
        metrics._count_record("info")


def measure(count: int) -> tuple[float, float]:
    """µs of processor time a request, ms a scrape; the best of five rounds."""
    requests(100)
    each, scrape = [], []
    for _ in range(5):
        began = time.process_time()
        requests(count)
        each.append((time.process_time() - began) / count * 1e6)
        began = time.process_time()
        metrics.exposition()
        scrape.append((time.process_time() - began) * 1e3)
    return min(each), min(scrape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5_000)
    count = parser.parse_args().requests
    print(f"{'':28}{'µs/request':>12}{'ms/scrape':>12}")
    print(f"{'one process, in memory':28}{{:12.1f}}{{:12.1f}}".format(*measure(count)))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(paths=Paths(data=folder))
        metrics.share(settings)
        children = []
        for _ in range(4):  # with files of their own, which a scrape reads too
            if child := os.fork():
                children.append(child)
            else:
                requests(100)
                os._exit(0)
        for child in children:
            os.waitpid(child, 0)
        print(f"{'several processes, in files':28}{{:12.1f}}{{:12.1f}}".format(*measure(count)))
        metrics.end(settings)


if __name__ == "__main__":
    main()
