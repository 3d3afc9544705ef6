"""Attack a site of our own: long texts in every field, two posts that once stopped it, a flooded log.

    python3 benchmarks/hostile.py texts     # every field with every pattern, as long as a body may be; processor time
    python3 benchmarks/hostile.py posts     # two posts of 300,000 spaces against a running site; does it still answer?
    python3 benchmarks/hostile.py log       # a stranger floods the log; is what stood in it before still there?

Each runs on a site of its own in a temporary folder, from this machine to itself, bounded in count and time. Exits
with 1 where harm is done.
"""

import argparse
import contextlib
import http.client
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask.testing import FlaskClient  # noqa: E402

from microblog import create_app  # noqa: E402
from microblog.cli.db import upgrade  # noqa: E402
from microblog.config.settings import Logs, Paths, Security, Server, Settings  # noqa: E402
from microblog.web.text import LONGEST  # noqa: E402
from tests.support.site import Site  # noqa: E402

BUDGET = 0.25
"""Seconds of processor time that the worst body may cost."""

SIZES = (LONGEST, 10_000, 4_000)
"""Bytes beside the largest body: what filters look into, what validators look into, what fits a post."""

PASSWORD = "correct horse battery"
PROFILE = ("display_name", "username", "about_me", "location", "website")
BOUNDARY = "boundary-of-the-benchmark"

PATTERNS: dict[str, Callable[[int], str]] = {
    "letters": lambda n: "x" * n,
    "spaces": lambda n: "a" + " " * (n - 2) + "b",
    "no-break spaces": lambda n: "a" + "\u00a0" * (n // 2) + "b",
    "spaces and line ends": lambda n: "a" + " \n" * (n // 2) + "b",
    "carriage returns": lambda n: "a" + "\r\n" * (n // 2) + "b",
    "marks out of order": lambda n: "a" + "\u0301" * (n // 4) + "\u0327" * (n // 4),
    "a tag of marks": lambda n: "#a" + "\u0301" * (n // 4) + "\u0327" * (n // 4),
    "ligatures": lambda n: "\ufdfa" * (n // 3),
    "joined emoji": lambda n: "\U0001f469\u200d" * (n // 7),
    "brackets after a link": lambda n: "https://example.org/" + ")" * n,
    "dots after a link": lambda n: "https://example.org/" + "." * n,
    "links": lambda n: "https://a " * (n // 10),
    "mentions": lambda n: "@abc " * (n // 5),
    "tags": lambda n: "#a " * (n // 3),
    "at signs": lambda n: "@" * n,
    "quotation marks": lambda n: "\"'" * (n // 2),
    "an address": lambda n: "a@" + "a." * (n // 2) + "org",
    "NUL": lambda n: "\x00" * n,
}


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["texts", "posts", "log"])
    parser.add_argument("--seconds", type=float, default=20, help="of flooding (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.what == "texts":
            return texts(folder)
        return posts(folder) if args.what == "posts" else log(folder, args.seconds)


# Every field, every pattern


def texts(folder: Path) -> int:
    """Measure each field with each pattern; print the dearest. 1 where one is above BUDGET."""
    settings = Settings(
        paths=Paths(data=str(folder)), logs=Logs(directory=str(folder)), security=Security(secret_key="k" * 40)
    )
    upgrade(settings)
    client = create_app(settings).test_client()
    found: list[tuple[float, str, str, str, int]] = []
    for path, values, fields in forms(client):
        for field in fields:
            for name, pattern in PATTERNS.items():
                for size in (settings.server.max_body_bytes - 4_000, *SIZES):
                    sent = values | {field: pattern(size)}
                    seconds, status = ask(client, path, sent, settings.server.max_body_bytes)
                    found.append((seconds, path, field, f"{size:,} bytes of {name}", status))
    found.sort(reverse=True)
    for seconds, path, field, name, status in found[:12]:
        print(f"{seconds * 1000:8.1f} ms  {status}  {path}  {field}: {name}")
    print(f"{len(found)} bodies, the dearest {found[0][0] * 1000:.0f} ms of {BUDGET * 1000:.0f} allowed")
    return int(found[0][0] > BUDGET or any(status >= 500 for *_, status in found))


def forms(client: FlaskClient) -> Iterator[tuple[str, dict[str, str], tuple[str, ...]]]:
    """Each form with text: its address, what else is sent with it, and its text fields."""
    token = token_of(client, "/register")
    newcomer = {"csrf_token": token, "username": "ana", "email": "ana@example.org", "password": PASSWORD}
    yield "/register/check/username", newcomer, ("username",)
    yield "/register", newcomer | {"password": ""}, ("username", "email", "next", "time_zone")
    yield "/register", newcomer | {"username": ""}, ("password",)
    yield "/login", newcomer | {"username": ""}, ("username", "password", "next")
    client.post("/register", data=newcomer)
    signed_in = {"csrf_token": token_of(client, "/edit_profile")}
    for field in PROFILE:
        yield f"/edit_profile/{field}/check", signed_in, (field,)
        yield f"/edit_profile/{field}", signed_in, (field,)
    yield "/edit_profile", signed_in, PROFILE
    yield "/settings/locale", signed_in, ("time_zone", "language")
    yield "/post", signed_in, ("text", "language")
    client.post("/post", data=signed_in | {"text": "to be answered"})
    yield "/post/1/reply", signed_in, ("text",)
    yield "/post/1/edit", signed_in | {"version": "1"}, ("text",)


def token_of(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found, f"{path} has no form"
    return found[1]


def ask(client: FlaskClient, path: str, values: dict[str, str], most: int) -> tuple[float, int]:
    """Send a form, cut to `most` bytes before its end; processor time in seconds, and the status."""
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in values.items()
    )
    body = "".join(parts).encode()[: most - 100].decode(errors="ignore").encode() + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"HX-Request": "true", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    before = time.process_time()
    status = client.post(path, data=body, headers=headers).status_code
    return time.process_time() - before, status


# Two posts


def posts(folder: Path) -> int:
    """Two posts of many spaces at once; 1 where the site keeps somebody else waiting for more than ten seconds."""
    settings = Settings(paths=Paths(data=str(folder)), logs=Logs(directory=str(folder)))
    with Site(settings) as site:
        member = Member(site.port)
        body = {"csrf_token": member.token, "text": "a" + " " * 300_000 + "b"}
        busy = [threading.Thread(target=member.post, args=("/post", body), daemon=True) for _ in range(2)]
        for one in busy:
            one.start()
        slowest = 0.0
        for _ in range(15):
            time.sleep(1)
            started = time.monotonic()
            try:
                site.ask("GET", "/livez", timeout=20)
            except OSError as problem:
                print(f"/livez: {type(problem).__name__} after {time.monotonic() - started:.1f} s")
            slowest = max(slowest, time.monotonic() - started)
        for one in busy:
            one.join(120)
        answers = [status or "none" for status in member.statuses[-2:]]
        print(f"slowest /livez, asked each second while two such posts came: {slowest:.2f} s; the posts: {answers}")
    return int(slowest > 10)


class Member:
    """Somebody who has just registered, over HTTP."""

    def __init__(self, port: int) -> None:
        self.port, self.cookie, self.token, self.statuses = port, "", "", list[int]()
        self.get("/register")
        newcomer = {"username": "mallory", "email": "m@example.org", "password": PASSWORD}
        self.post("/register", {"csrf_token": self.token, **newcomer})
        self.get("/edit_profile")

    def get(self, path: str) -> None:
        self._send("GET", path, None)

    def post(self, path: str, values: dict[str, str]) -> None:
        from urllib.parse import urlencode

        self._send("POST", path, urlencode(values))

    def _send(self, method: str, path: str, body: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=150)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except OSError:
            self.statuses.append(0)
            return
        finally:
            connection.close()
        self.statuses.append(answer.status)
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookie = line.partition(";")[0]
        if found := re.search(r'name="csrf_token" value="([^"]+)"', text):
            self.token = found[1]


# The log


def log(folder: Path, seconds: float) -> int:
    """Flood the log of a site with small files; 1 where what stood in it before has gone."""
    files = Logs(directory=str(folder / "logs"), max_bytes=1_000_000, backups=10)
    settings = Settings(paths=Paths(data=str(folder)), logs=files, server=Server(workers=2))
    with Site(settings) as site:
        witness = site.ask("GET", "/nothing/here").headers["X-Request-ID"]
        end, asked = time.monotonic() + seconds, 0
        padding = {"HX-Source": "x" * 7_000, "Referer": f"http://127.0.0.1:{site.port}/" + "y" * 500}
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
        while time.monotonic() < end:
            try:
                connection.request("GET", "/" + "z" * 480, headers=padding)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
            asked += 1
        connection.close()
    written, there, thinned = 0, False, 0
    for path in (folder / "logs").glob("microblog.jsonl*"):
        for line in path.read_text().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                there = there or record.get("reference") == witness
                thinned += record["count"] if record["event"] == "log.thinned" else 0
        written += path.stat().st_size
    pace = written / seconds / 1000
    print(f"{asked:,} requests in {seconds:.0f} s; {written / 1e6:.1f} MB of log in the files ({pace:,.0f} kB/s)")
    print(f"{thinned:,} records left out; the record from before is {'still there' if there else 'GONE'}")
    return int(not there)


if __name__ == "__main__":
    sys.exit(main())
