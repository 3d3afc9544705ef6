#!/usr/bin/env python3
"""Start the site with every Python from 3.11 on that this machine has, register somebody, meet one 404.

Looks for `python3.N` on the PATH and for the versions of pyenv. Each gets a copy of the files in git, and runs a
newcomer's first two commands in it: `python3 manage.py run`, and `python3 manage.py test quick`. The Python that runs
this file runs one file of tests only, for `.ci/run` runs all of them with it. Two are tried at a time: setting up is
waiting. Exit code 1 where one failed. With versions as arguments (`.ci/every_python.py 3.13`) it tries only these.
"""

import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 600  # with the packages to download, on a slow machine
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith(("MICROBLOG_", "PYTHON"))}
VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


def interpreters() -> dict[str, Path]:
    """Version → its executable, oldest first; one for each version from 3.11 on."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [path for folder in folders for path in folder.glob("python3.*") if re.fullmatch(r"[^-]+\.\d+", path.name)]
    found += pyenv.glob("versions/*/bin/python3")
    named: dict[str, Path] = {}
    for path in [Path(sys.executable), *found]:
        # Isolated, and from another folder: shims of pyenv answer only for the version chosen there.
        asked = subprocess.run([path, "-I", "-c", VERSION], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and _parts(asked.stdout) >= (3, 11):
            named.setdefault(asked.stdout.strip(), path)
    return dict(sorted(named.items(), key=lambda pair: _parts(pair[0])))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.strip().split("."))


def copy_of_the_checkout(target: Path) -> None:
    """Copy every file that git tracks or would track, and the browser's files where they are here already."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    if (ROOT / "static" / "vendor").is_dir():
        shutil.copytree(ROOT / "static" / "vendor", target / "static" / "vendor", dirs_exist_ok=True)


class Visitor:
    """A browser without scripts: keeps cookies and follows redirects."""

    def __init__(self, address: str) -> None:
        self.address = address
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar, urllib.request.ProxyHandler({}))

    def open(self, path: str, **form: str) -> tuple[int, str, str]:
        """Status, text and the reference of the page at `path`; with a form, send it there."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self.opener.open(self.address + path, data, timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers["X-Request-ID"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers["X-Request-ID"]


def hidden(page: str, name: str) -> str:
    """The value of the hidden field `name` of a page."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    return found[1] if found else ""


def visit(address: str, folder: Path) -> None:
    """Register, and ask for a page that is not there; the log has one record of it, under its reference."""
    visitor = Visitor(address)
    status, page, _ = visitor.open("/register")
    expect(status == 200, f"/register answered {status}")
    form = {"csrf_token": hidden(page, "csrf_token"), "once": hidden(page, "once")}
    form |= {"username": "newcomer", "email": "newcomer@example.org", "password": "correct horse battery"}
    status, page, _ = visitor.open("/register", **form)
    expect(status == 200 and "Welcome, newcomer." in page, f"registering answered {status}")
    status, page, reference = visitor.open("/nothing/here")
    expect(status == 404 and reference in page, f"a page that is not there answered {status}")
    records = logged(folder, reference)
    about = [record["event"] for record in records if record.get("reference") == reference]
    expect(about == ["request.finished"], f"the log has {about} of it")
    errors = [record for record in records if record["level"] in {"error", "critical"}]
    expect(not errors, f"the log has {errors[:2]}")


def logged(folder: Path, reference: str) -> list[dict[str, object]]:
    """The log, once it has a whole line with `reference`: it is written when the answer has been sent."""
    path, end = folder / "logs" / "microblog.jsonl", time.monotonic() + 60
    while time.monotonic() < end:
        text = path.read_text()
        if reference in text and text.endswith("\n"):
            break
        time.sleep(0.1)
    return [json.loads(line) for line in text.splitlines()]


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def attempt(python: Path) -> str:
    """Try one Python. Empty where all is well; else the reason and the last of what the site printed."""
    with tempfile.TemporaryDirectory(prefix="every-python-") as name:
        folder = Path(name)
        copy_of_the_checkout(folder)
        printed = folder / "printed.txt"
        with printed.open("wb") as output:
            # In a group of its own: a Python that is a shim starts another process, which must end too.
            site = subprocess.Popen(
                [python, "manage.py", "run", "--port", "0"],
                cwd=folder,
                env=ENVIRON,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                visit(address_of(site, printed), folder)
                os.killpg(site.pid, signal.SIGTERM)
                expect(site.wait(60) == 0, f"it ended with {site.returncode}")
                tests = "tests/web/test_network.py" if python == Path(sys.executable) else "quick"
                command = [python, "manage.py", "test", tests, "-q"]
                tested = subprocess.run(command, cwd=folder, env=ENVIRON, stdout=output, stderr=output, check=False)
                expect(tested.returncode == 0, "the tests cannot be set up or fail")
            except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                return f"{error}\n{printed.read_text(errors='replace')[-3000:]}"
            finally:
                if site.poll() is None:
                    os.killpg(site.pid, signal.SIGKILL)
                    site.wait()
    return ""


def address_of(site: "subprocess.Popen[bytes]", printed: Path) -> str:
    """Where the site says that it serves, once it says so."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if found := re.search(r"http://[0-9.]+:[1-9][0-9]*", printed.read_text(errors="replace")):
            return found[0]
        expect(site.poll() is None, f"it ended with {site.returncode} before it served")
        time.sleep(0.2)
    raise AssertionError(f"it did not serve within {START_SECONDS} s")


def main() -> int:
    """The exit code."""
    wanted = [_parts(version) for version in sys.argv[1:]] or [()]
    chosen = {
        version: python
        for version, python in interpreters().items()
        if any(_parts(version)[: len(parts)] == parts for parts in wanted)
    }
    with ThreadPoolExecutor(2) as pool:
        return 1 if any(list(pool.map(tried, chosen, chosen.values()))) else 0


def tried(version: str, python: Path) -> bool:
    """Try one Python and say what came of it; whether it failed."""
    started = time.monotonic()
    reason = attempt(python)
    outcome = f"failed: {reason}" if reason else "the site starts, somebody registers, a 404 is told, the tests pass"
    print(f"Python {version}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
    return bool(reason)


if __name__ == "__main__":
    sys.exit(main())
