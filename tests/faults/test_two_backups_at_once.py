"""F59: two backups into one directory, of one machine or two; each leaves a whole file of its own."""

import errno
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microblog.backups import archive
from microblog.backups import make as making
from microblog.backups.make import make
from microblog.backups.restore import restore
from microblog.config.settings import ROOT
from tests.conftest import need_pg_dump
from tests.faults.held_backup import frozen
from tests.support.site import environment

pytestmark = pytest.mark.fault(59)

MOMENT = "2026-11-21T03:00:00"
FIRST, SECOND, THIRD = (f"microblog-20261121T03000{second}Z.tar.gz" for second in range(3))
OLD = "microblog-20200101T000000Z.tar.gz"
LINK = os.link


@pytest.fixture(autouse=True)
def programs(database):
    need_pg_dump(database)


@pytest.fixture
def at_once(monkeypatch):
    """The clock stands still."""
    monkeypatch.setattr(making, "datetime", frozen(datetime.fromisoformat(MOMENT).replace(tzinfo=UTC)))


def no_links(source, target, **_):
    if Path(source).exists():
        raise OSError(errno.EPERM, "Operation not permitted", str(target))
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(source))


def begun(settings, how, *words):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("held_backup.py")), MOMENT, how, *words],
        env=kept | environment(settings) | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def names(settings):
    return sorted(path.name for path in settings.backup_dir.iterdir())


def is_whole(path):
    with archive.opened(path) as (_, inside):
        return len(inside) > 0


@pytest.mark.process
def test_two_in_one_second(settings, app, ana):
    """One begins, the other one begins and ends, the first one goes on; both would remove the same old file."""
    settings.backup_dir.mkdir()
    (settings.backup_dir / OLD).touch()
    slow = begun(settings, "hold", "--keep", "1")
    try:
        assert slow.stdout.readline() == "held\n"
        quick = begun(settings, "go", "--keep", "1")
        quick_said, quick_wrong = quick.communicate()
        slow_said, slow_wrong = slow.communicate("go on\n")
    finally:
        slow.kill()
    assert (quick.returncode, quick_wrong) == (0, "")
    assert (slow.returncode, slow_wrong) == (0, "")
    assert names(settings) == [FIRST, SECOND], "neither took the other's for an old one"
    assert (FIRST in quick_said, SECOND in slow_said) == (True, True)
    assert is_whole(settings.backup_dir / FIRST)
    assert is_whole(settings.backup_dir / SECOND)
    make(settings, settings.backup_dir, keep=1)
    assert len(names(settings)) == 1, "the next one removes both"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("link", [LINK, no_links])
def test_one_after_the_other_in_one_second(settings, app, at_once, monkeypatch, link):
    """Also on a disk without links, such as a memory stick."""
    monkeypatch.setattr(os, "link", link)
    made = [make(settings, settings.backup_dir, keep=5) for _ in range(3)]
    assert [path.name for path in made] == names(settings) == [FIRST, SECOND, THIRD]
    assert all(is_whole(path) for path in made)
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}


@pytest.mark.sqlite_only
def test_the_own_one_stays(settings, app, at_once):
    """The clock of another machine may be ahead."""
    settings.backup_dir.mkdir()
    (settings.backup_dir / "microblog-20261121T031500Z.tar.gz").touch()
    assert is_whole(make(settings, settings.backup_dir, keep=1))


@pytest.mark.sqlite_only
def test_both_clear_away_what_was_left(settings, app, monkeypatch):
    """The other one is faster: it has removed the folder that is next, and then the one that is being removed."""
    long_ago = time.time() - 2 * 86_400
    left = [settings.backup_dir / f".making-{name}" for name in "abc"]
    for folder in left:
        folder.mkdir(parents=True)
        os.utime(folder, (long_ago, long_ago))
    fresh = settings.backup_dir / ".making-now"
    fresh.mkdir()
    remove = shutil.rmtree

    def after_the_other(folder, *arguments, **options):
        if folder in left:
            for one in left:
                with suppress(FileNotFoundError):
                    remove(one)
        remove(folder, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", after_the_other)
    made = make(settings, settings.backup_dir, keep=5)
    assert names(settings) == [fresh.name, made.name]


@pytest.mark.sqlite_only
def test_what_a_killed_restore_left(settings, app):
    """The next restore removes it, the nightly backup as well, though not before a day has passed."""
    left = settings.data_dir / ".restoring-left"
    left.mkdir()
    (left / "microblog.db").write_text("half of it")
    file = make(settings, settings.backup_dir, keep=5)
    assert left.exists(), "a restore may be at work there"
    restore(settings, file)
    assert not left.exists()

    left.mkdir()
    os.utime(left, (time.time(), time.time() - 2 * 86_400))
    make(settings, settings.backup_dir, keep=5)
    assert not left.exists()


@pytest.mark.sqlite_only
def test_two_bring_one_picture(tmp_path, monkeypatch):
    """From another disk, where it is copied: two restores on two machines that share the pictures."""
    key = "0123456789abcdef.webp"
    source, target = tmp_path / "made", tmp_path / "shared"
    (source / "1").mkdir(parents=True)
    (source / "1" / key).write_bytes(b"RIFF, or so")
    copy, copied = shutil.copy2, []

    def beside_another(picture, draft):
        copied.append(draft)
        copy(picture, draft)
        if len(copied) == 1:
            archive.copy_pictures(source, target)
            assert (target / "1" / key).read_bytes() == b"RIFF, or so"

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(shutil, "copy2", beside_another)
    assert archive.copy_pictures(source, target) == 1
    assert [path.name for path in (target / "1").iterdir()] == [key]


@pytest.mark.sqlite_only
def test_a_picture_goes_while_it_is_copied(tmp_path, monkeypatch):
    source, target = tmp_path / "avatars", tmp_path / "made"
    (source / "1").mkdir(parents=True)
    picture = source / "1" / "0123456789abcdef.webp"
    picture.write_bytes(b"RIFF, or so")
    copy = shutil.copy2

    def too_late(gone, draft):
        gone.unlink()
        copy(gone, draft)

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(shutil, "copy2", too_late)
    assert archive.copy_pictures(source, target) == 0
    assert list((target / "1").iterdir()) == []
