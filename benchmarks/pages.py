"""The pages of the site beside a yardstick, in one run: what they cost, and whether that grows with the posts.

    python3 manage.py bench                               # 1,000 to 1,000,000 posts; about 20 minutes
    python3 manage.py bench --posts 1000,10000 --rounds 1 --seconds 1
    python3 manage.py bench --keep /tmp/bench             # the databases stay there, and a second run begins at once

The yardstick is a bare Flask view that renders a Jinja page of 25 items, of the same size as the page it stands
beside, from memory; for answers of a few words it is a bare "hello". Both run on the same server with the same
processes and threads, at the same time, and are asked in turn, several rounds. The figure is the median round. The load
is one process that keeps 16 connections busy.

Results: a table here, --json and --plot (docs/performance.json, docs/performance.svg) with --write. SQLite, in a folder
of its own: nothing of your site is touched.
"""

import argparse
import http.client
import json
import os
import platform
import re
import secrets
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask, request  # noqa: E402
from jinja2 import Environment  # noqa: E402

from benchmarks.performance_plot import draw  # noqa: E402
from benchmarks.servers import THREADS, WORKERS, cpu_seconds, get, load  # noqa: E402

PEOPLE, WRITERS, PASSWORD = 1000, 10, "bench and be measured"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
DOCUMENT = ROOT / "docs/performance.md"
START, END = "<!-- figures: made by `manage.py bench --write` -->", "<!-- end of figures -->"
GOALS = {"page": (0.6, "at least"), "check": (4.0, "at most"), "fragment": (3.0, "at most")}
"""Pages: share of the yardstick's requests; the others: times its cost."""

ITEMS = 25
# What anybody's first template of such a list holds: a face, names, a date, a text, and what can be done with it.
LIST = Environment(autoescape=True, trim_blocks=True).from_string("""<!doctype html><html lang="en"><title>list</title>
{% for item in items %}
<article id="item-{{ item.id }}"><a href="/user/{{ item.username }}"><img src="/face/{{ item.author }}.svg" alt=""></a>
<h2><a href="/user/{{ item.username }}">{{ item.name }}</a> @{{ item.username }}</h2>
<a href="/item/{{ item.id }}">{{ item.at }}</a>
{% if item.answers %}<p><a href="/item/{{ item.answers }}">In answer to another one</a></p>{% endif %}
<p>{{ item.text }}</p>
<a href="/item/{{ item.id }}/reply">{{ item.replies }} replies</a>
<a href="/item/{{ item.id }}/like">{{ item.likes }} likes</a>
</article>
{% endfor %}""")


# The yardstick


@cache
def items(size: int) -> list[dict[str, object]]:
    """25 of them, which make a page of about `size` bytes."""
    each = max(1, size // ITEMS - 300)
    words = ("some words that a person might have written " * (each // 40 + 1))[:each]
    fixed = {"at": "2026-11-22", "answers": 0, "replies": 3, "likes": 12, "text": words}
    return [{"id": n, "author": n, "name": f"Name {n}", "username": f"name_{n}", **fixed} for n in range(ITEMS)]


def yardstick_app() -> Flask:
    """As bare as Flask gets."""
    app = Flask("yardstick")

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/list")
    def a_list() -> str:
        return LIST.render(items=items(int(request.args["bytes"])))

    return app


def serve(make: Callable[[], Flask], port: int) -> None:
    """An application on the site's own server; each process makes its own."""
    from microblog import server
    from microblog.config import Logs, Paths, Server, Settings

    folder = os.environ["BENCH_FOLDER"]
    settings = Settings(
        paths=Paths(data=folder),
        logs=Logs(directory=folder, console="off"),
        server=Server(port=port, workers=WORKERS, threads=THREADS),
    )
    server.create_app = lambda *_, **__: make()
    raise SystemExit(server.serve(settings, server.listen("127.0.0.1", port), version="0", announce=lambda *_: None))


# Two servers at once


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], environ: dict[str, str], port: int, path: str) -> Iterator[int]:
    """A process in a group of its own, once it answers at `path`; ended with all it started. Gives its id."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environ,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                if get(port, path)[0] == 200:
                    break
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        else:
            raise SystemExit(f"{' '.join(command)} does not answer")
        yield process.pid
    finally:
        for ended_by in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, ended_by)
                process.wait(20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def environment(folder: Path) -> dict[str, str]:
    """The site in `folder`, whatever else is set; hardly anybody is too fast."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "DATABASE_URL"))}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "MICROBLOG_PATHS__DATA": str(folder),
        "MICROBLOG_LOGS__DIRECTORY": str(folder / "logs"),
        "MICROBLOG_LOGS__CONSOLE": "off",
        "MICROBLOG_SERVER__WORKERS": str(WORKERS),
        "MICROBLOG_SERVER__THREADS": str(THREADS),
        "MICROBLOG_POSTS__PER_FIVE_MINUTES": "10000",
    }


def prepare(folder: Path, posts: int) -> list[str]:
    """A site with so many posts in `folder`, unless it is there; the names of some members."""
    note = folder / "bench.json"
    if note.exists():
        return list(json.loads(note.read_text())["members"])
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "manage.py"]
    subprocess.run(
        [*command, "db", "upgrade"], cwd=ROOT, env=environment(folder), check=True, stdout=subprocess.DEVNULL
    )
    words = ["demo", "--people", str(min(PEOPLE, max(10, posts // 10))), "--posts", str(posts), "--password", PASSWORD]
    done = subprocess.run(
        [*command, *words], cwd=ROOT, env=environment(folder), check=True, capture_output=True, text=True
    )
    told = re.search(r"in ([\d.]+) s", done.stdout)
    if told is None:
        raise SystemExit(done.stdout)
    print(f"{posts:,} posts were made in {told[1]} s", flush=True)
    with closing(sqlite3.connect(folder / "microblog.db")) as connection:
        members = [name for (name,) in connection.execute("SELECT username FROM users ORDER BY id LIMIT ?", (WRITERS,))]
    note.write_text(json.dumps({"members": members, "seconds": float(told[1])}))
    return members


# What is asked


class Visitor:
    """A browser as small as can be: keeps cookies, finds the hidden fields of a form."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Connection": "close", "Cookie": self.cookie}
        body = urlencode(fields) if fields is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        client.request(method, path, body, headers)
        answer = client.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def hidden(self, path: str, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to `action`; empty where there is no such form."""
        _, html = self.ask("GET", path)
        form = re.search(rf'<form[^>]* action="{re.escape(action)}".*?</form>', html, re.DOTALL)
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0] if form else "")
        return dict(found)

    def sign_in(self, name: str) -> "Visitor":
        fields = self.hidden("/login", "/login") | {"username": name, "password": PASSWORD}
        status, html = self.ask("POST", "/login", fields)
        assert status == 303, f"{name} was not let in: {status} {html[:300]}"
        return self


@dataclass(frozen=True)
class Page:
    """Something to ask for: `kind` says what it is held against, `request` makes the bytes."""

    name: str
    kind: str
    request: Callable[[], bytes]
    status: int = 200

    @property
    def grows(self) -> bool:
        """Whether it reads posts."""
        return self.name in {"home", "explore", "profile", "permalink", "search", "rare word", "feed"}


def raw(method: str, path: str, cookie: str = "", body: str = "", **more: str) -> bytes:
    """A request as it travels."""
    headers = {"Host": "127.0.0.1", **({"Cookie": cookie} if cookie else {}), **more}
    if method == "POST":
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body.encode()))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
    return "\r\n".join(lines).encode()


def pages(port: int, members: list[str], posts: int) -> list[Page]:
    """What there is to ask, in the order of the table; the one that writes comes last."""
    member, stranger = members[0], Visitor(port)
    writers = [Visitor(port).sign_in(name) for name in members]
    signed_in = writers[0]
    new = stranger.hidden("/register", "/register")
    written_by = [(writer.hidden("/post", "/post"), writer.cookie) for writer in writers]  # the page sets a cookie too
    forms = cycle(written_by)
    htmx = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}
    check = urlencode(new | {"username": "some_free_name"})

    def plain(path: str, cookie: str = "", **more: str) -> Callable[[], bytes]:
        data = raw("GET", path, cookie, **more)
        return lambda: data

    def checked() -> bytes:
        return raw("POST", "/register/check/username", stranger.cookie, check, **htmx)

    def written() -> bytes:
        form, cookie = next(forms)
        fields = form | {"once": secrets.token_urlsafe(16), "text": f"A post, number {secrets.token_hex(6)} #bench"}
        return raw("POST", "/post", cookie, urlencode(fields))

    return [
        Page("home", "page", plain("/", signed_in.cookie)),
        Page("explore", "page", plain("/explore")),
        Page("profile", "page", plain(f"/user/{member}")),
        Page("permalink", "page", plain(f"/post/{posts // 2}")),
        Page("search", "page", plain("/search?q=bread")),
        Page("rare word", "page", plain("/search?q=catalogue+nobody")),
        Page("feed", "page", plain(f"/user/{member}/feed.atom")),
        Page("sign-in page", "page", plain("/login")),
        Page("error page", "page", plain("/nothing-here"), 404),
        Page("error fragment", "fragment", plain("/nothing-here", **htmx), 404),
        Page("live validation", "check", checked),
        Page("post", "write", written, 303),
    ]


def answered(port: int, data: bytes) -> tuple[int, int]:
    """Status and bytes of the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(data)
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        return answer.status, len(answer.read())


def alone(port: int, make: Callable[[], bytes], count: int = 40) -> float:
    """The median answer in milliseconds where nobody else asks."""
    took = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        for _ in range(count):
            began = time.perf_counter()
            wire.sendall(make())
            answer = http.client.HTTPResponse(wire)
            answer.begin()
            answer.read()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


# One size


Round = dict[str, float]


def measured(port: int, process: int, make: Callable[[], bytes], status: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and microseconds of processor time for each."""
    used = cpu_seconds(process)
    rate, _ = load(port, make, seconds, str(status).encode())
    return rate, (cpu_seconds(process) - used) / (rate * seconds) * 1e6


def one_size(folder: Path, posts: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """Every page at so many posts."""
    members = prepare(folder, posts)
    site, bare = free_port(), free_port()
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        ours = stack.enter_context(
            started(["manage.py", "run", "--port", str(site)], environment(folder), site, "/livez")
        )
        theirs = stack.enter_context(
            started(
                [__file__, "--yardstick", str(bare)], environment(Path(place)) | {"BENCH_FOLDER": place}, bare, "/hello"
            )
        )
        asked, rows = [], {}
        for page in pages(site, members, posts):
            if options.only and page.name not in options.only:
                continue
            status, size = answered(site, page.request())
            if status != page.status:
                print(f"  {page.name}: skipped, the answer is {status}", flush=True)
                continue
            path = f"/list?bytes={size}" if page.kind == "page" else "/hello"
            asked.append((page, raw("GET", path), list[Round]()))
            rows[page.name] = {"posts": posts, "page": page.name, "kind": page.kind, "bytes": size}
            rows[page.name]["ms"] = round(alone(site, page.request), 2)
        # What writes makes the rest larger, so it is asked when the others are done.
        for last in (False, True):
            for _ in range(options.rounds):
                for page, yardstick, rounds in asked:
                    if (page.kind == "write") != last:
                        continue
                    rate, cpu = measured(site, ours, page.request, page.status, options.seconds)
                    bare_rate, bare_cpu = measured(bare, theirs, lambda y=yardstick: y, 200, options.seconds)
                    rounds.append({"rate": rate, "cpu": cpu, "bare_rate": bare_rate, "bare_cpu": bare_cpu})
        for page, _, rounds in asked:
            rows[page.name] |= summed_up(rounds)
    return list(rows.values())


def summed_up(rounds: list[Round]) -> dict[str, float]:
    """Medians; the shares are medians of the rounds' own, so that a slow minute of the machine is in both halves."""

    def median(value: Callable[[Round], float]) -> float:
        return statistics.median(value(one) for one in rounds)

    return {
        "rate": round(median(lambda one: one["rate"]), 1),
        "yardstick_rate": round(median(lambda one: one["bare_rate"]), 1),
        "share": round(median(lambda one: one["rate"] / one["bare_rate"]), 3),
        "cpu_us": round(median(lambda one: one["cpu"])),
        "yardstick_cpu_us": round(median(lambda one: one["bare_cpu"])),
        "times": round(median(lambda one: one["cpu"] / one["bare_cpu"]), 2),
    }


def table(rows: list[dict[str, object]]) -> str:
    """In Markdown."""
    lines = [
        "| page | posts | requests/s | yardstick | share | µs of processor | times the yardstick's | alone, ms | KB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    names = dict.fromkeys(str(row["page"]) for row in rows)
    shape = (
        "| {page} | {posts:,} | {rate:,.0f} | {yardstick_rate:,.0f} | {share:.2f} | {cpu_us:,} | {times:.1f} "
        "| {ms:.1f} | {kb:.1f} |"
    )
    ordered = sorted(rows, key=lambda row: (list(names).index(str(row["page"])), int(str(row["posts"]))))
    lines += [shape.format(**row, kb=int(str(row["bytes"])) / 1000) for row in ordered]
    return "\n".join(lines)


def verdicts(rows: list[dict[str, object]]) -> list[str]:
    """What does not hold of what we want to hold."""
    found = []
    for row in rows:
        goal, which = GOALS.get(str(row["kind"]), (0.0, "at least"))
        value = float(str(row["share" if which == "at least" else "times"]))
        if (value < goal) if which == "at least" else (value > goal):
            found.append(f"{row['page']} at {row['posts']:,} posts: {value:g}, should be {which} {goal:g}")
    for name in dict.fromkeys(str(row["page"]) for row in rows):
        times = {int(str(row["posts"])): float(str(row["ms"])) for row in rows if row["page"] == name}
        if len(times) > 1 and times[max(times)] > 1.2 * times[min(times)] and name != "post":
            found.append(
                f"{name}: {times[max(times)]:g} ms at {max(times):,} posts, {times[min(times)]:g} at {min(times):,}"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="manage.py bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--yardstick", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--posts", default=",".join(map(str, SIZES)), metavar="NUMBERS", help="how many, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of load on each page, in each round")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="PAGES", help="such as home,search")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the databases are, and stay")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where the picture goes, as SVG")
    parser.add_argument("--write", action="store_true", help="both, and the table, into docs/")
    options = parser.parse_args()
    if options.yardstick:
        serve(yardstick_app, options.yardstick)
    if options.write:
        options.json, options.plot = ROOT / "docs/performance.json", ROOT / "docs/performance.svg"
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for posts in map(int, options.posts.split(",")):
            print(f"{posts:,} posts", flush=True)
            rows += one_size((options.keep or Path(folder)) / str(posts), posts, options)
    print("\n" + table(rows) + "\n")
    print("\n".join(verdicts(rows)) or "Everything is as it should be.")
    if options.json:
        about = {
            "when": time.strftime("%Y-%m-%d"),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "rounds": options.rounds,
            "seconds": options.seconds,
        }
        options.json.write_text(json.dumps(about | {"results": rows}, indent=1) + "\n")
    if options.plot:
        options.plot.write_text(draw(rows))
    if options.write:
        described = (
            f"{time.strftime('%-d %B %Y')}, Python {platform.python_version()}, SQLite, {os.cpu_count()} processors "
            f"shared by both servers and the load; {options.rounds} rounds of {options.seconds:g} s. The same as "
            "[JSON](performance.json).\n\n![Shares and milliseconds](performance.svg)"
        )
        text = DOCUMENT.read_text("utf-8")
        before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
        DOCUMENT.write_text(f"{before}\n{described}\n\n{table(rows)}\n{after}", "utf-8")


if __name__ == "__main__":
    main()
