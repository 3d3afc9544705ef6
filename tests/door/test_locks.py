"""The lock files say the same as pyproject.toml and package.json, with hashes and without addresses."""

import json
import re
import tomllib

import pytest

from microblog.config.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "requirements-dev.txt": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
    "requirements-sentry.txt": PROJECT["project"]["optional-dependencies"]["sentry"],
    "requirements-npm.txt": PROJECT["dependency-groups"]["npm"],
}


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_holds_what_is_declared(name: str) -> None:
    """`.ci/lock` was forgotten if this fails."""
    for wanted in WANTED[name]:
        package, version = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[.*\])?==(\S+)", wanted).groups()
        assert locked(name).get(package.lower()) == version, wanted


@pytest.mark.parametrize("name", WANTED)
def test_every_package_has_its_hashes_and_none_an_address(name: str) -> None:
    text = (ROOT / name).read_text()

    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block
    assert "://" not in text
    assert "/" not in re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"(?m)^-|/tmp|/root|/home|/opt", text)


def test_the_development_lock_holds_the_other_one() -> None:
    assert locked("requirements.txt").items() <= locked("requirements-dev.txt").items()


def test_the_browser_files() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert "resolved" not in text
    assert "://" not in text
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version
        assert packages[f"node_modules/{name}"]["integrity"].startswith("sha512-")
    assert set(package["dependencies"]) == {"htmx.org"}  # all that browsers get
