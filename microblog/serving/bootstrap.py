"""From a bare Python to one that has what Microblog needs: standard library only.

`manage.py` runs this file by its path before anything else. Where the running interpreter has the locked packages,
nothing happens. Otherwise `.venv` is made, filled from the lock file, and `manage.py` is started again inside it. One
line a step; one sentence and exit code 1 for everything that can be foreseen to fail.

Interrupted at any point, `kill -9` included, the next start repairs: `.venv` counts only with a stamp in it, which is
written last and taken away first. Two first starts at once: the second waits for the first.

Longer than most files here, because it cannot import its own parts before the package can be imported.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "microblog-stamp.json"
OUTPUT = VENV / "setup.log"
VENDOR = ROOT / "static" / "vendor"
MODULES = ROOT / "node_modules"

RUN, DEV, NPM = "requirements.txt", "requirements-dev.txt", "requirements-npm.txt"
# What is served to browsers: file in node_modules → file in static/vendor.
ASSETS = {"htmx.org/dist/htmx.min.js": "htmx.min.js", "htmx.org/LICENSE": "htmx.LICENSE.txt"}
NPM_SECONDS = 180  # a registry that hangs must not keep the site from starting
AGAIN = "_MICROBLOG_STARTED_AGAIN"

USAGE = """Microblog. On a fresh machine the first command sets everything up beside this file, in .venv:

  python3 manage.py run         serve http://127.0.0.1:5000
  python3 manage.py test        run the tests; `test quick` those without browser and processes
  python3 manage.py setup       only set up
  python3 manage.py check       look at configuration, directories, database and mail
  python3 manage.py --help      every command, and COMMAND --help what it takes (once it is set up)"""


class Trouble(Exception):
    """Something foreseen that keeps the start from going on; the text is one sentence for the operator."""


def prepare(arguments: list[str]) -> None:
    """Return with the packages importable, or start `manage.py` again where they are, or exit with one sentence."""
    started_again = os.environ.pop(AGAIN, "") == "1"
    command = next((word for word in arguments if not word.startswith("-")), "")
    asks = not {"-h", "--help"}.isdisjoint(arguments)  # for help, which installs nothing
    dev = not asks and (command == "test" or (command == "check" and "--code" in arguments))
    lock = DEV if dev or (asks and _stamped(DEV)) else RUN
    try:
        if os.name == "nt":
            raise Trouble("Microblog runs on Linux and macOS; on Windows, start it inside WSL.")
        if not (_stamped(lock) if _inside() else _has(lock)):
            if started_again:
                raise Trouble(f"{VENV} does not work although it was just made; remove it and start again.")
            if (asks or not command) and not _stamped(lock):
                print(USAGE)
                sys.exit(0 if asks else 2)
            if _set_up(lock):
                os.environ[AGAIN] = "1"
            os.execv(_python(VENV), [str(_python(VENV)), str(ROOT / "manage.py"), *arguments])
        if command in {"run", "setup", "test"} and not asks:
            _fetch_assets(dev=dev)
    except Trouble as trouble:
        sys.exit(str(trouble))
    except OSError as error:
        sys.exit(
            f"{error.filename or ROOT} cannot be used ({error.strerror}): start as a user who may write in {ROOT}, "
            f"or activate an environment that has the packages of {lock}."
        )
    except KeyboardInterrupt:
        _stop()


def _say(line: str) -> None:
    # On stderr: what a command prints may be read by another program.
    print(line, file=sys.stderr, flush=True)


def _stop() -> NoReturn:
    _say("\nStopped; the next start goes on from here.")
    # Die of the signal itself, so that a script that called us stops too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise SystemExit(130)


# What is there already


def _inside() -> bool:
    """Whether this interpreter is the one in `.venv`."""
    return VENV.exists() and VENV.samefile(sys.prefix)


def _has(lock: str) -> bool:
    """Whether this interpreter has every package of the lock file, in its version."""
    try:
        return all(metadata.version(name) == version for name, version in _pins(lock))
    except metadata.PackageNotFoundError:
        return False


def _pins(lock: str) -> list[tuple[str, str]]:
    return re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", _locked(lock).decode(), re.MULTILINE)


def _locked(lock: str) -> bytes:
    try:
        return (ROOT / lock).read_bytes()
    except FileNotFoundError:
        raise Trouble(f"{ROOT / lock} is missing; get the whole checkout again.") from None


def _stamp() -> dict[str, str]:
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _stamped(lock: str) -> bool:
    """Whether `.venv` was filled from exactly this lock file, by the Python that is still behind it."""
    stamp = _stamp()
    return (
        stamp.get(lock) == _digest(_locked(lock))
        and os.access(_python(VENV), os.X_OK)  # false for a link to a Python that was uninstalled
        and (not _inside() or stamp.get("python") == _version())
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


# The virtual environment


@contextmanager
def _alone() -> Iterator[int]:
    """One process sets up at a time; yields the lock's descriptor, which children inherit.

    So a pip that outlives a killed parent still keeps others out until it is done.
    """
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another start is setting things up; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _set_up(lock: str) -> bool:
    """Make `.venv` right for `lock`, from whatever state it is in; whether there was anything to do."""
    if _stamped(lock):
        return False
    with _alone() as held:
        before = _stamp()
        if _stamped(lock):
            return False
        if not before or not os.access(_python(VENV), os.X_OK) or _inside():
            _make_venv(VENV, held)
            before = {}
        _say(f"Installing {len(_pins(lock))} packages from {lock} …")
        STAMP.unlink(missing_ok=True)
        try:
            _install(VENV, lock, held)
        except Unchanged:
            # Nothing was touched yet: what worked before still does, for the commands that need no more.
            if before:
                _write_stamp(before)
            raise
        # The development lock holds every package of the other one, in the same version.
        done = {name: _digest(_locked(name)) for name in {lock, RUN}}
        _write_stamp({"python": _venv_version(), **done})
    return True


def _write_stamp(content: dict[str, str]) -> None:
    draft = STAMP.with_suffix(".new")
    draft.write_text(json.dumps(content))
    draft.replace(STAMP)


def _venv_version() -> str:
    found = re.search(r"^version(?:_info)? *= *(\d+\.\d+)", (VENV / "pyvenv.cfg").read_text(), re.MULTILINE)
    return found[1] if found else _version()


def _make_venv(target: Path, held: int) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Trouble(
                f"This Python lacks the module {module}; on Debian and Ubuntu, `apt install python{_version()}-venv` "
                "brings it."
            )
    if target.exists():
        _say(f"{target.name} is not complete or not for this Python; making it anew.")
        shutil.rmtree(target)
    version = sys.version.split()[0]
    if target == VENV:
        _say(f"Making a virtual environment with Python {version} in {target} …")
    # The Python behind this one: an environment made from within an environment would lean on both.
    base = getattr(sys, "_base_executable", None) or sys.executable
    code, output = _command([base, "-I", "-m", "venv", str(target)], held)
    if code:
        raise Trouble(_why(output) or f"`{base} -m venv` failed:\n{_tail(output)}")


class Unchanged(Trouble):
    """pip gave up before it changed anything."""


def _install(venv: Path, lock: str, held: int) -> None:
    code, output = _command(
        [
            *(
                str(_python(venv)),
                "-I",
                "-m",
                "pip",
                "install",
                "--require-hashes",
                "--no-input",
                "--progress-bar",
                "off",
            ),
            *("--retries", "2", "--disable-pip-version-check", "-r", str(ROOT / lock)),
        ],
        held,
    )
    with suppress(OSError):
        OUTPUT.write_text(output)
    if code:
        kind = Trouble if "Installing collected packages" in output else Unchanged
        raise kind(_why(output) or f"pip could not install {lock}; its last lines:\n{_tail(output)}")


def _command(command: list[str], held: int, *, path: str = "", seconds: float | None = None) -> tuple[int, str]:
    """Run it quietly; the exit code and all it printed. Ctrl+C stops it too."""
    environ = {name: text for name, text in os.environ.items() if name not in {"PIP_USER", "PIP_TARGET", "PIP_PREFIX"}}
    if path:
        environ["PATH"] = path
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(held,),
        cwd=ROOT,
        env=environ,
        text=True,
        errors="replace",
    ) as child:
        try:
            output, _ = child.communicate(timeout=seconds)
        except BaseException:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
    return child.returncode, output


# What pip, venv and npm print → what it means. The first that matches counts.
_REASONS = (
    (r"No space left on device|ENOSPC", "The disk is full; free some space and start again."),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "A downloaded package is not the one that the lock file names; nothing of it was installed.",
    ),
    (
        r"[Pp]ermission denied|EACCES|Read-only file system|EROFS",
        f"This user may not write in {ROOT}; start as one who may, or activate an environment that has the packages.",
    ),
    (
        r"NewConnectionError|Failed to establish|Connection ?(Timeout|Error|refused|reset|broken|aborted)|"
        r"name resolution|timed out|ProxyError|SSLError|CERTIFICATE|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH",
        "The packages cannot be fetched because the package index does not answer; check the network "
        "(or PIP_INDEX_URL, where it is set) and start again.",
    ),
    (
        r"No matching distribution|Could not find a version",
        f"The package index lacks a package that Microblog needs on Python {_version()}; check PIP_INDEX_URL and "
        "PIP_NO_INDEX, where they are set, or use another Python from 3.11 on.",
    ),
)


def _why(output: str) -> str:
    return next((meaning for pattern, meaning in _REASONS if re.search(pattern, output)), "")


def _tail(output: str) -> str:
    return "\n".join("  " + line for line in output.strip().splitlines()[-8:])


# The browser assets


def _fetch_assets(*, dev: bool) -> None:
    """Fill static/vendor by npm; where that cannot be, say so and go on: the site works as plain forms."""
    if _assets_stand(dev=dev):
        return
    try:
        with _alone() as held:
            if not _assets_stand(dev=dev):
                _npm(held, dev=dev)
    except (Trouble, OSError, subprocess.TimeoutExpired) as trouble:
        reason = "npm took too long" if isinstance(trouble, subprocess.TimeoutExpired) else str(trouble).rstrip(".")
        _say(f"Going on without the browser assets; every page works as plain forms. ({reason})")


def _assets_stand(*, dev: bool) -> bool:
    wanted = _digest(_locked("package-lock.json"))
    served = all((VENDOR / name).exists() for name in ASSETS.values()) and _read(VENDOR / ".lock") == wanted
    return served and (not dev or _read(MODULES / ".microblog") == wanted)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _npm(held: int, *, dev: bool) -> None:
    scope = [] if dev else ["--omit=dev"]
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", *scope]
    npm = shutil.which("npm") if shutil.which("node") else None
    if npm:
        _say("Fetching the browser assets with npm …")
        code, output = _command([npm, *arguments], held, seconds=NPM_SECONDS)
    else:
        _say("Fetching the browser assets with an npm from the package index, as this machine has none …")
        with tempfile.TemporaryDirectory(prefix="microblog-npm-") as folder:
            throwaway = Path(folder) / "venv"
            _make_venv(throwaway, held)
            _install(throwaway, NPM, held)
            path = f"{throwaway / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            code, output = _command([str(throwaway / "bin" / "npm"), *arguments], held, path=path, seconds=NPM_SECONDS)
    if code:
        raise Trouble(_why(output) or "npm failed: " + " ".join(_tail(output).split())[:300])
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in ASSETS.items():
        shutil.copyfile(MODULES / source, VENDOR / name)
    wanted = _digest(_locked("package-lock.json"))
    (VENDOR / ".lock").write_text(wanted)
    if dev:
        (MODULES / ".microblog").write_text(wanted)
