"""Checkouts to start for real: a small one whose only package is made here, and the whole one."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from microblog.config.settings import ROOT

# The Python behind the environment the tests run in: it has none of our packages.
BASE = str(getattr(sys, "_base_executable", sys.executable))
CLI = "import sys, microblog_probe\n\ndef main(words):\n    print('inside', sys.prefix, *words)\n    return 0\n"


def wheel(folder: Path, version: str = "1.0") -> str:
    """A real wheel of the package microblog-probe; its line in a lock file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"microblog_probe-{version}-py3-none-any.whl"
    info = f"microblog_probe-{version}.dist-info"
    files = {
        "microblog_probe.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: microblog-probe\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for name, text in files.items()
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # without the time: equal files, equal hashes
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join([*record, f"{info}/RECORD,,", ""]))
    return f"microblog-probe=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@dataclass
class Checkout:
    """A folder with a manage.py, and how to start it."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *words: str, python: str = BASE, **environ: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [python, str(self.root / "manage.py"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ | environ,
            cwd="/",
            start_new_session=True,
        )

    def manage(self, *words: str, python: str = BASE, **environ: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words, python=python, **environ)
        try:
            out, err = process.communicate(timeout=240)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def venv(self) -> Path:
        return self.root / ".venv"


def bare_environment(home: Path) -> dict[str, str]:
    """Variables of a machine nobody set up: no index but the default one, no npm, no environment that is active."""
    kept = {name: text for name, text in os.environ.items() if name in {"LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE"}}
    return kept | {"HOME": str(home), "PATH": "/usr/sbin:/sbin", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}


def _small(folder: Path) -> Checkout:
    root = folder / "checkout"
    (root / "microblog" / "cli").mkdir(parents=True)
    shutil.copy(ROOT / "manage.py", root)
    (root / "microblog" / "serving").mkdir()
    shutil.copy(ROOT / "microblog" / "serving" / "bootstrap.py", root / "microblog" / "serving")
    (root / "microblog" / "__init__.py").write_text("")
    (root / "microblog" / "cli" / "__init__.py").write_text(CLI)
    lock = wheel(folder / "wheels")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-npm.txt"):
        (root / name).write_text(lock)
    (root / "package-lock.json").write_text("{}")
    environ = bare_environment(folder) | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels")}
    return Checkout(root, environ)


@pytest.fixture
def small(tmp_path: Path) -> Checkout:
    """A checkout with the real door, one package to install and one command that says where it runs."""
    return _small(tmp_path)


@pytest.fixture(scope="session")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = _small(tmp_path_factory.mktemp("ready"))
    assert checkout.manage("config").returncode == 0
    return checkout


@pytest.fixture
def ready(small: Checkout, _made_once: Checkout) -> Checkout:
    """The small checkout after its first command: with a copy of an environment that such a command made."""
    shutil.copytree(_made_once.venv, small.venv, symlinks=True)
    return small


@pytest.fixture
def npm(tmp_path: Path) -> Callable[[str], str]:
    """A PATH on which `npm` is the given shell script and `node` exists."""

    def make(script: str) -> str:
        folder = tmp_path / "npm-bin"
        folder.mkdir(exist_ok=True)
        for name, text in (("npm", script), ("node", "exit 0")):
            (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
            (folder / name).chmod(0o755)
        return str(folder)

    return make


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of this checkout as somebody else would get it: what git tracks or would track, and nothing else."""
    folder = tmp_path_factory.mktemp("whole")
    root = folder / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    environ = dict(os.environ)
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "MICROBLOG_CONFIG"):
        environ.pop(name, None)
    # Everything but npm and node: those are found on purpose elsewhere, or not at all.
    environ["PATH"] = "/usr/sbin:/sbin"
    yield Checkout(root, environ)
    shutil.rmtree(folder, ignore_errors=True)
