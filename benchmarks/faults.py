"""How long people wait while something is wrong: what the tests of docs/faults.md leave to a quiet machine.

    python3 benchmarks/faults.py

F34: another program holds SQLite's write lock while 16 people post and others read. The budget: no POST takes more than
2.5 s, and 95 of 100 GETs at most 0.6 s. F53: a wrong password, for a name that somebody has and one that nobody has.
The budget: the medians differ by 2 ms at most. Exits with 1 when it is more.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from microblog.cli.db import upgrade
from microblog.config.settings import ROOT, Logs, Paths, Security, Server, Settings
from tests.conftest import KEY, PASSWORD
from tests.support.site import Site, Visitor

POSTERS, TIMES, READS, ROUNDS = 16, 12, 20, 60
ABOUT = "/edit_profile/about_me"


def main() -> int:
    """Measure and print; 0 within the budgets."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            paths=Paths(data=folder),
            logs=Logs(directory=f"{folder}/logs"),
            security=Security(secret_key=KEY, login_attempts=10_000, registrations=10_000),
            server=Server(workers=2, threads=4),
        )
        upgrade(settings)
        with Site(settings) as site:
            people = [_person(site, number) for number in range(POSTERS)]
            slowest, p95 = _locked(site, Path(folder) / "microblog.db", people)
            known, unknown = _sign_in(site)
    print(f"F34: slowest POST {slowest:.2f} s, p95 of the GETs {p95 * 1000:.0f} ms")
    print(f"F53: known {known:.2f} ms, unknown {unknown:.2f} ms")
    return int(slowest > 2.5 or p95 > 0.6 or abs(known - unknown) > 2)


def _visitor(site: Site) -> Visitor:
    visitor = site.visitor(lambda *_, **__: [])
    visitor.counted = False
    return visitor


def _person(site: Site, number: int) -> dict[str, dict[str, str]]:
    """Registers; what poster.py needs to know."""
    visitor, name = _visitor(site), f"poster_{number}"
    visitor.get("/register")
    visitor.post("/register", username=name, email=f"{name}@example.org", password=PASSWORD)
    fields = visitor.hx_get(ABOUT).values() | {"csrf_token": visitor.token}
    return {"headers": visitor._hx({"Cookie": f"session={visitor.client.cookies['session']}"}), "fields": fields}


def _locked(site: Site, file: Path, people: list[dict[str, dict[str, str]]]) -> tuple[float, float]:
    """Seconds: the slowest POST, and what 95 of 100 GETs stay below."""
    with _helper("lock_holder.py", file) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with (
            _helper("reader.py", site.port, "/user/poster_1", READS) as reader,
            _helper("poster.py", site.port, ABOUT, TIMES) as poster,
        ):
            posts = [json.loads(line) for line in poster.communicate(json.dumps(people))[0].splitlines()]
            gets = [line.split() for line in reader.communicate()[0].splitlines()]
        holder.communicate()
    assert {post["status"] for post in posts} == {503}
    assert {status for _, status in gets} == {"200"}
    return max(post["seconds"] for post in posts), quantiles([float(seconds) for seconds, _ in gets], n=20)[-1]


def _helper(name: str, *arguments: object) -> "subprocess.Popen[str]":
    program = [sys.executable, str(ROOT / "tests" / "faults" / name), *map(str, arguments)]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _sign_in(site: Site) -> tuple[float, float]:
    """Milliseconds at the median, for a name that is known and for one that is not, asked in turn."""
    times: dict[str, list[float]] = {"poster_1": [], "nobody_1": []}
    visitor = _visitor(site)
    visitor.get("/login")
    for number in range(ROUNDS + 5):
        for name, found in times.items():
            page = visitor.hx_post("/login", username=name, password="this is wrong")
            assert page.status == 401, page.text
            if number >= 5:  # the first ones fill caches
                found.append(page.response.seconds * 1000)
    return median(times["poster_1"]), median(times["nobody_1"])


if __name__ == "__main__":
    sys.exit(main())
