"""The key that signs cookies is made once, whoever asks first."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from microblog.config.settings import ROOT, ConfigError, Paths, Security, Settings, ensure_secret

MAKE = (
    "import sys; from microblog.config.settings import *\nprint(ensure_secret(Settings(paths=Paths(data=sys.argv[1]))))"
)


def test_it_works(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(data=str(tmp_path / "new" / "data")))

    key = ensure_secret(settings)

    assert len(key) >= 48
    assert ensure_secret(settings) == key
    assert stat.S_IMODE((settings.data_dir / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret_key"]


def test_a_configured_key_counts_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(data=str(tmp_path / "data")), security=Security(secret_key="k" * 40))

    assert ensure_secret(settings) == "k" * 40
    assert not settings.data_dir.exists()


@pytest.mark.process
def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        for _ in range(6)
    ]
    keys = {process.communicate(timeout=60)[0] for process in started}

    assert len(keys) == 1
    assert keys != {b""}


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("")

    with pytest.raises(ConfigError, match="remove it, and the next start makes a new one"):
        ensure_secret(Settings(paths=Paths(data=str(tmp_path))))


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="make the directory writable for this user, or set SECRET_KEY"):
        ensure_secret(Settings(paths=Paths(data=str(tmp_path / "file" / "data"))))
