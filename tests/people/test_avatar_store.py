import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from microblog.people import avatar_store
from microblog.people.avatar_store import AvatarStore

DATA = b"RIFF....WEBP" + bytes(30_000)


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "avatars")


def everything_in(store):
    return sorted(path.relative_to(store.directory).as_posix() for path in store.directory.rglob("*") if path.is_file())


def test_it_works(store):
    key = store.save(7, DATA)

    assert store.has(7, key)
    assert store.path(7, key).read_bytes() == DATA
    assert everything_in(store) == [f"7/{key}.webp"]
    assert stat.S_IMODE(store.path(7, key).stat().st_mode) == 0o640
    assert store.save(7, DATA) == key
    assert not store.has(8, key)


@pytest.mark.parametrize(
    "key", ["", "..", "../../7/0123456789abcdef", "0123456789ABCDEF", "0123456789abcdef\n", "0123456789abcde", "٠" * 16]
)
def test_a_key_cannot_lead_elsewhere(store, key):
    store.save(7, DATA)

    assert store.path(7, key) is None
    assert not store.has(7, key)


@pytest.mark.parametrize("user_id", [0, -1])
def test_nobody_has_no_folder(store, user_id):
    assert store.path(user_id, "0123456789abcdef") is None
    for act in (
        lambda: store.save(user_id, DATA),
        lambda: store.remove_all(user_id),
        lambda: store.prune(user_id, set()),
    ):
        with pytest.raises(ValueError, match="no user id"):
            act()
    assert not store.directory.exists()


@pytest.mark.parametrize("call", ["replace", "fsync", "fchmod"])
def test_a_failing_disk_leaves_nothing(store, monkeypatch, call):
    old = store.save(7, b"old")

    def fail(*_):
        raise OSError(errno.EIO, "the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(avatar_store.os, call, fail)
        with pytest.raises(OSError, match="the disk is gone"):
            store.save(7, DATA)

    assert everything_in(store) == [f"7/{old}.webp"]
    assert store.has(7, store.save(7, DATA))


@pytest.mark.process
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_leaves_nothing_and_recovers(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    try:
        store = AvatarStore(tmp_path / "avatars")
        key = store.save(7, b"old")
        with pytest.raises(OSError, match="No space left") as caught:
            store.save(7, bytes(100_000))
        assert caught.value.errno == errno.ENOSPC
        assert everything_in(store) == [f"7/{key}.webp"]
        assert store.has(7, store.save(7, DATA))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_file_size_limit_leaves_nothing(store):
    """The same as a full disk, for whoever is not root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.save(7, DATA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert everything_in(store) == []


def test_a_reader_never_sees_a_part(store):
    pictures = [bytes([number]) * 200_000 for number in range(40)]
    stop, wrong = threading.Event(), []

    def look():
        while not stop.is_set():
            wrong.extend(path for path in store.directory.rglob("*.webp") if path.stat().st_size != 200_000)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for picture in pictures:
            store.save(7, picture)
    finally:
        stop.set()
        reader.join()
    assert wrong == []


@pytest.mark.process
def test_a_killed_process_leaves_what_prune_removes(store):
    code = """
        import os, signal, sys
        from pathlib import Path
        from microblog.people import avatar_store
        avatar_store.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        avatar_store.AvatarStore(Path(sys.argv[1])).save(7, b"half")
    """
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), store.directory], cwd=root, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = (store.directory / "7").iterdir()
    assert left.suffix == ".part"

    assert store.prune(7, set()) == 0
    os.utime(left, (time.time() - 7_200,) * 2)
    assert store.prune(7, set()) == 1
    assert everything_in(store) == []


def test_prune_keeps_what_is_named_and_what_is_new(store):
    keys = [store.save(7, bytes([number])) for number in range(4)]
    for key in keys[:3]:
        os.utime(store.path(7, key), (time.time() - 7_200,) * 2)
    store.save(7, bytes([1]))  # the old picture again: in use, whatever its age was

    assert store.prune(7, {keys[0]}) == 1

    assert [store.has(7, key) for key in keys] == [True, True, False, True]
    assert store.prune(8, set()) == 0


def test_remove_all_is_of_one_person_and_repeatable(store):
    mine, theirs = store.save(7, DATA), store.save(77, DATA)

    store.remove_all(7)
    store.remove_all(7)

    assert not store.has(7, mine)
    assert store.has(77, theirs)
