"""Sends forms, each person one after the other, then prints what came back, a JSON object a line.

A process of its own, as reader.py: the wait of a person is not made longer by the threads beside it looking into pages.
`python poster.py PORT PATH TIMES`; its input is a JSON list of people, each `headers` and `fields`.
"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

PAUSE = 0.25  # seconds between an answer and the next form

Person = dict[str, dict[str, str]]


def send(port: int, path: str, headers: dict[str, str], fields: dict[str, str]) -> dict[str, Any]:
    started = time.perf_counter()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = headers | {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        client.request("POST", path, urlencode(fields), sent)
        answer = client.getresponse()
        text = answer.read().decode()
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "status": answer.status, "headers": answer.getheaders(), "text": text}
    finally:
        client.close()


def main(port: int, path: str, times: int) -> None:
    people: list[Person] = json.load(sys.stdin)

    def post(person: Person) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        while len(answers) < times:
            fields = person["fields"] | {"about_me": f"text {len(answers) + 1}"}
            answers.append(send(port, path, person["headers"], fields))
            time.sleep(PAUSE)
        return answers

    with ThreadPoolExecutor(len(people)) as pool:
        for answers in pool.map(post, people):
            for answer in answers:
                print(json.dumps(answer))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
