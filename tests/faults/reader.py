"""Asks a page so many times a second until its input ends, then prints seconds and status of each answer.

A process of its own: what it measures holds no wait of the tests' other threads.
"""

import http.client
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def ask(port: int, path: str) -> tuple[float, int]:
    started = time.perf_counter()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", path, headers={"Connection": "close"})
        answer = client.getresponse()
        answer.read()
        return time.perf_counter() - started, answer.status
    finally:
        client.close()


def main(port: int, path: str, a_second: int) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with ThreadPoolExecutor(3 * a_second) as pool:
        asked = []
        while not ended.wait(1 / a_second):  # when it is due, whether or not those before were answered
            asked.append(pool.submit(ask, port, path))
    for answer in asked:
        print(*answer.result())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
