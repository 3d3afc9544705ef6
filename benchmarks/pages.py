"""The pages of the site beside a yardstick, in one run: what they cost, and whether that grows with the posts.

    python3 manage.py bench                               # 1,000 to 1,000,000 posts; about 20 minutes
    python3 manage.py bench --posts 1000,10000 --rounds 1 --seconds 1
    python3 manage.py bench --keep /tmp/bench             # the databases stay there, and a second run begins at once

The yardstick is a bare Flask view that renders a Jinja page of 25 items, of the same size as the page it stands
beside, from memory; for answers of a few words it is a bare "hello". The floor is what the packages of the site cost in
their plainest use (benchmarks/yardsticks.py has both). All three run on the same server with the same processes and
threads, at the same time, and are asked in turn, several rounds. The figure is the median round. The load is one
process that keeps 16 connections busy.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.performance_plot import draw  # noqa: E402
from benchmarks.servers import THREADS, WORKERS, cpu_seconds, get, load  # noqa: E402

PEOPLE, WRITERS, PASSWORD = 1000, 10, "bench and be measured"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
DOCUMENT = ROOT / "docs/performance.md"
START, END = "<!-- figures: made by `manage.py bench --write` -->", "<!-- end of figures -->"
GOALS = {"page": (0.6, "at least"), "check": (4.0, "at most"), "fragment": (3.0, "at most")}
"""Pages: share of the yardstick's requests; the others: times its cost."""
OF_FLOOR = {"home": 1.7, "live validation": 1.3, "error fragment": 1.3}
"""And at most so many times what the same packages cost in their plainest use."""
GROWS = 1.2
"""And at most so many times as long at the most posts as at the fewest, beside the yardstick of the same minutes."""
FOLLOW_ALL = """
    INSERT OR IGNORE INTO follows (follower_id, followed_id, created_at)
    SELECT least.id, users.id, users.created_at FROM users, (SELECT min(id) AS id FROM users) AS least
    WHERE users.id <> least.id"""
"""The first member, whose home page is asked for, follows everybody: a thousand people from 10,000 posts on."""

QUIET = """
    UPDATE posts SET author_id = (SELECT min(id) FROM users) WHERE author_id = :newest;
    UPDATE posts SET author_id = (SELECT min(id) FROM users) WHERE author_id = :answering AND reply_to_id IS NULL;
    UPDATE posts SET author_id = :answering WHERE reply_to_id IS NOT NULL AND id % 100 = 0;
    UPDATE posts SET author_id = (SELECT min(id) FROM users) WHERE author_id = :quiet;
    UPDATE posts SET author_id = :quiet WHERE id = 1"""
"""The newest member has no post, another one only the first of the site, and a third only answers."""


# Three servers at once


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
    with closing(sqlite3.connect(folder / "microblog.db")) as connection, connection:
        connection.execute(FOLLOW_ALL)
        members = [name for (name,) in connection.execute("SELECT username FROM users ORDER BY id LIMIT ?", (WRITERS,))]
    note.write_text(json.dumps({"members": members, "seconds": float(told[1])}))
    return members


def quiet_members(database: Path) -> dict[str, str]:
    """The names of those in QUIET, who are the last three to have joined; what they wrote becomes as it says."""
    with closing(sqlite3.connect(database)) as connection, connection:
        last = connection.execute("SELECT id, username FROM users ORDER BY id DESC LIMIT 3").fetchall()
        found = dict(zip(("newest", "quiet", "answering"), last, strict=True))
        for statement in QUIET.split(";"):
            connection.execute(statement, {kind: number for kind, (number, _) in found.items()})
    return {kind: name for kind, (_, name) in found.items()}


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


Make = Callable[[], bytes]


@dataclass(frozen=True)
class Page:
    """Something to ask for: `kind` says what it is held against, `request` makes the bytes, `floor` the floor's."""

    name: str
    kind: str
    request: Make
    status: int = 200
    floor: Make | None = None


def raw(method: str, path: str, cookie: str = "", body: str = "", **more: str) -> bytes:
    """A request as it travels."""
    headers = {"Host": "127.0.0.1", **({"Cookie": cookie} if cookie else {}), **more}
    if method == "POST":
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body.encode()))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
    return "\r\n".join(lines).encode()


def an_ordinary_post(database: Path) -> int:
    """The newest one of about a hundred characters that is part of no conversation: alike at every size."""
    with closing(sqlite3.connect(database)) as connection:
        (number,) = connection.execute(
            "SELECT max(id) FROM posts WHERE length(text) BETWEEN 60 AND 140 AND replies_count = 0 "
            "AND reply_to_id IS NULL AND deleted_at IS NULL AND hidden_at IS NULL AND edited_at IS NULL"
        ).fetchone()
    return int(number)


def pages(port: int, floor: int, members: list[str], post: int, quiet: dict[str, str]) -> list[Page]:
    """What there is to ask, in the order of the table; the one that writes comes last."""
    member, stranger, someone = members[0], Visitor(port), Visitor(floor)
    writers = [Visitor(port).sign_in(name) for name in members]
    signed_in = writers[0]
    new, token = stranger.hidden("/register", "/register"), someone.hidden("/sign-in", "/check")
    written_by = [(writer.hidden("/post", "/post"), writer.cookie) for writer in writers]  # the page sets a cookie too
    forms = cycle(written_by)
    htmx = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}

    def plain(path: str, cookie: str = "", **more: str) -> Make:
        data = raw("GET", path, cookie, **more)
        return lambda: data

    def checked(path: str, visitor: Visitor, fields: dict[str, str], **more: str) -> Make:
        data = raw("POST", path, visitor.cookie, urlencode(fields | {"username": "some_free_name"}), **more)
        return lambda: data

    def written() -> bytes:
        form, cookie = next(forms)
        fields = form | {"once": secrets.token_urlsafe(16), "text": f"A post, number {secrets.token_hex(6)} #bench"}
        return raw("POST", "/post", cookie, urlencode(fields))

    check = checked("/register/check/username", stranger, new, **htmx)
    return [
        Page("home", "page", plain("/", signed_in.cookie), floor=plain("/", someone.cookie)),
        Page("explore", "page", plain("/explore")),
        Page("profile", "page", plain(f"/user/{member}")),
        Page("newest member", "page", plain(f"/user/{quiet['newest']}")),
        Page("quiet member", "page", plain(f"/user/{quiet['quiet']}")),
        Page("only answers", "page", plain(f"/user/{quiet['answering']}")),
        Page("permalink", "page", plain(f"/post/{post}")),
        Page("search", "page", plain("/search?q=bread")),
        Page("rare word", "page", plain("/search?q=catalogue+nobody")),
        Page("feed", "page", plain(f"/user/{member}/feed.atom")),
        Page("newest member's feed", "page", plain(f"/user/{quiet['newest']}/feed.atom")),
        Page("sign-in page", "page", plain("/login")),
        Page("error page", "page", plain("/nothing-here"), 404),
        Page("error fragment", "fragment", plain("/nothing-here", **htmx), 404, plain("/nothing-here")),
        Page("live validation", "check", check, floor=checked("/check", someone, token)),
        Page("post", "write", written, 303),
    ]


def answered(port: int, data: bytes) -> tuple[int, int]:
    """Status and bytes of the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(data)
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        return answer.status, len(answer.read())


def alone(asked: Sequence[tuple[int, Make]], count: int = 15) -> list[float]:
    """The median answer of each server (its port, what it is asked) in milliseconds: in turn, and nobody else asks."""
    took: list[list[float]] = [[] for _ in asked]
    with ExitStack() as stack:
        wires = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for port, _ in asked]
        for _ in range(count):
            for times, wire, (_port, make) in zip(took, wires, asked, strict=True):
                data, began = make(), time.perf_counter()
                wire.sendall(data)
                answer = http.client.HTTPResponse(wire)
                answer.begin()
                answer.read()
                times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in took]


# One size


@dataclass(frozen=True)
class Site:
    """A server that was started: where it listens, and the process all of its own belong to."""

    port: int
    process: int

    def measured(self, make: Make, status: int, seconds: float) -> tuple[float, float]:
        """Requests a second, and microseconds of processor time for each."""
        used = cpu_seconds(self.process)
        rate, _ = load(self.port, make, seconds, str(status).encode())
        return rate, (cpu_seconds(self.process) - used) / (rate * seconds) * 1e6


@contextmanager
def all_three(folder: Path) -> Iterator[tuple[Site, Site, Site]]:
    """The site, the yardstick and the floor."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        bare = environment(Path(place)) | {"BENCH_FOLDER": place}

        def run(environ: dict[str, str], path: str, *command: str) -> Site:
            port = free_port()
            words = [word.format(port=port) for word in command]
            return Site(port, stack.enter_context(started(words, environ, port, path)))

        beside = "benchmarks/yardsticks.py"
        yield (
            run(environment(folder), "/livez", "manage.py", "run", "--port", "{port}"),
            run(bare, "/hello", beside, "yardstick", "{port}"),
            run(bare, "/sign-in", beside, "floor", "{port}", str((folder / "microblog.db").resolve())),
        )


Round = dict[str, float]


def one_round(page: Page, sites: tuple[Site, Site, Site], yardstick: bytes, seconds: float) -> Round:
    """A page, and what it is held against, one after the other."""
    site, bare, floor = sites
    ms, bare_ms = alone([(site.port, page.request), (bare.port, lambda: yardstick)])
    rate, cpu = site.measured(page.request, page.status, seconds)
    bare_rate, bare_cpu = bare.measured(lambda: yardstick, 200, seconds)
    one = {"rate": rate, "cpu": cpu, "bare_rate": bare_rate, "bare_cpu": bare_cpu, "ms": ms, "bare_ms": bare_ms}
    if page.floor:
        _, one["floor_cpu"] = floor.measured(page.floor, page.status, seconds)
    return one


def one_size(folder: Path, posts: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """Every page at so many posts."""
    members = prepare(folder, posts)
    quiet = quiet_members(folder / "microblog.db")
    with all_three(folder) as sites:
        asked, rows = [], {}
        post = an_ordinary_post(folder / "microblog.db")
        for page in pages(sites[0].port, sites[2].port, members, post, quiet):
            if options.only and page.name not in options.only:
                continue
            status, size = answered(sites[0].port, page.request())
            if status != page.status:
                print(f"  {page.name}: skipped, the answer is {status}", flush=True)
                continue
            if page.floor:
                assert answered(sites[2].port, page.floor())[0] == page.status, f"{page.name}, the floor"
            path = f"/list?bytes={size}" if page.kind == "page" else "/hello"
            asked.append((page, raw("GET", path), list[Round]()))
            rows[page.name] = {"posts": posts, "page": page.name, "kind": page.kind, "bytes": size}
        # What writes makes the rest larger, so it is asked when the others are done.
        for last in (False, True):
            for _ in range(options.rounds):
                for page, yardstick, rounds in asked:
                    if (page.kind == "write") == last:
                        rounds.append(one_round(page, sites, yardstick, options.seconds))
        for page, _, rounds in asked:
            rows[page.name] |= summed_up(rounds)
    return list(rows.values())


def summed_up(rounds: list[Round]) -> dict[str, float]:
    """Medians; the shares are medians of the rounds' own, so that a slow minute of the machine is in both halves."""

    def median(value: Callable[[Round], float]) -> float:
        return statistics.median(value(one) for one in rounds)

    summed = {
        "rate": round(median(lambda one: one["rate"]), 1),
        "yardstick_rate": round(median(lambda one: one["bare_rate"]), 1),
        "share": round(median(lambda one: one["rate"] / one["bare_rate"]), 3),
        "cpu_us": round(median(lambda one: one["cpu"])),
        "yardstick_cpu_us": round(median(lambda one: one["bare_cpu"])),
        "times": round(median(lambda one: one["cpu"] / one["bare_cpu"]), 2),
        "ms": round(median(lambda one: one["ms"]), 2),
        "ms_times": round(median(lambda one: one["ms"] / one["bare_ms"]), 2),
    }
    if "floor_cpu" in rounds[0]:
        summed["floor_times"] = round(median(lambda one: one["floor_cpu"] / one["bare_cpu"]), 2)
        summed["of_floor"] = round(median(lambda one: one["cpu"] / one["floor_cpu"]), 2)
    return summed


def table(rows: list[dict[str, object]]) -> str:
    """In Markdown."""
    lines = [
        "| page | posts | requests/s | yardstick | share | µs of processor | times the yardstick's | the floor's "
        "| alone, ms | KB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    names = dict.fromkeys(str(row["page"]) for row in rows)
    shape = (
        "| {page} | {posts:,} | {rate:,.0f} | {yardstick_rate:,.0f} | {share:.2f} | {cpu_us:,} | {times:.1f} "
        "| {floor} | {ms:.1f} | {kb:.1f} |"
    )
    ordered = sorted(rows, key=lambda row: (list(names).index(str(row["page"])), int(str(row["posts"]))))
    for row in ordered:
        least = f"{row['floor_times']:.1f}" if "floor_times" in row else ""
        lines.append(shape.format(**row, floor=least, kb=int(str(row["bytes"])) / 1000))
    return "\n".join(lines)


def verdicts(rows: list[dict[str, object]]) -> list[str]:
    """What does not hold of what we want to hold."""

    def number(row: dict[str, object], key: str) -> float:
        return float(str(row[key]))

    found = []
    for row in rows:
        what = f"{row['page']} at {row['posts']:,} posts"
        goal, which = GOALS.get(str(row["kind"]), (0.0, "at least"))
        value = number(row, "share" if which == "at least" else "times")
        if (value < goal) if which == "at least" else (value > goal):
            found.append(f"{what}: {value:g}, should be {which} {goal:g}")
            if "floor_times" in row:
                found[-1] += f" (times the yardstick's: {row['times']:g}, the floor {row['floor_times']:g})"
        most = OF_FLOOR.get(str(row["page"]))
        if most and "of_floor" in row and number(row, "of_floor") > most:
            found.append(f"{what}: {row['of_floor']:g} times the floor, should be at most {most:g}")
    for name in dict.fromkeys(str(row["page"]) for row in rows):
        sizes = {int(number(row, "posts")): row for row in rows if row["page"] == name and row["kind"] != "write"}
        if len(sizes) < 2:
            continue
        few, many = sizes[min(sizes)], sizes[max(sizes)]
        if (times := number(many, "ms_times") / number(few, "ms_times")) > GROWS:
            found.append(
                f"{name}: {times:.2f} times as long at {many['posts']:,} posts as at {few['posts']:,}, beside the "
                f"yardstick ({many['ms']:g} and {few['ms']:g} ms)"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="manage.py bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", default=",".join(map(str, SIZES)), metavar="NUMBERS", help="how many, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of load on each page, in each round")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="PAGES", help="such as home,search")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the databases are, and stay")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where the picture goes, as SVG")
    parser.add_argument("--write", action="store_true", help="both, and the table, into docs/")
    options = parser.parse_args()
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
