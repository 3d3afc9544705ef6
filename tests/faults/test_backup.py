"""F59: a backup while people write, restored, and the site started on it."""

import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from microblog.backups import BackupFailed, archive
from microblog.backups.make import make
from microblog.backups.restore import restore
from microblog.config.settings import ROOT, Alerts, Mail
from microblog.db import in_use
from microblog.extensions import db, writing
from microblog.models import User
from tests.conftest import need_pg_dump
from tests.support.mailbox import Mailbox, wait_until
from tests.support.processes import together
from tests.support.site import Site, environment

pytestmark = pytest.mark.fault(59)

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def programs(database):
    need_pg_dump(database)


@pytest.fixture
def picture(settings, app, person):
    """A member with a picture."""
    user = person("ana", avatar=KEY)
    file = settings.data_dir / "avatars" / str(user.id) / f"{KEY}.webp"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"RIFF, or so")
    return file


def rest(app):
    """Nobody of this process is connected any more."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def manage(settings, *words):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=kept | environment(settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def newest(settings):
    return max(settings.backup_dir.glob("microblog-*.tar.gz"))


@pytest.mark.slow
def test_it_works(settings, app, picture, person, records, stored):
    """By the commands, as an operator does it; the site runs meanwhile, and starts on what was restored."""
    with Site(settings) as site:
        visitor = site.visitor(records).sign_in("ana")
        made = manage(settings, "backup")
        assert made.returncode == 0, made.stderr
        assert str(newest(settings)) in made.stdout
        visitor.still_works()
        rest(app)
        with pytest.raises(BackupFailed, match="The site is running"):
            restore(settings, newest(settings))

    (record,) = records("backup.finished")
    assert record["bytes"] == newest(settings).stat().st_size
    assert newest(settings).stat().st_mode & 0o777 == 0o600
    person("bo_")
    with app.app_context(), writing():
        db.session.scalar(User.named("ana")).about_me = "written afterwards"
        db.session.commit()
    picture.unlink()
    rest(app)

    done = manage(settings, "restore", str(newest(settings)))
    assert done.returncode == 0, done.stderr
    assert "1 pictures" in done.stdout
    assert records("backup.restored")
    assert picture.read_bytes() == b"RIFF, or so"
    assert stored(select(User.about_me)) == ""
    assert stored(sa.func.count(User.id)) == 1
    rest(app)
    with Site(settings) as site:
        visitor = site.visitor(records).sign_in("ana")
        assert visitor.get("/readyz").status == 200
        form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "and it goes on"}
        assert visitor.hx_post("/edit_profile/about_me", data=form).status == 200


@pytest.mark.slow
def test_while_people_write(settings, app, ana, bo, stored):
    """Every backup is of one moment: what two rows say together is true in each of them."""
    made, ended = [], threading.Event()

    def keep_making():
        while not ended.is_set():
            made.append(make(settings, settings.backup_dir / str(len(made)), keep=1))

    worker = threading.Thread(target=keep_making)
    worker.start()
    try:
        together(settings, [["pairs", ana.id, bo.id, 100] for _ in range(2)])
        assert wait_until(lambda: len(made) > 1)
    finally:
        ended.set()
        worker.join(60)
    rest(app)
    moments = set()
    for file in made:
        restore(settings, file)
        first, second = (stored(select(User.about_me).where(User.id == user.id)) for user in (ana, bo))
        assert first == second
        moments.add(first)
        rest(app)
    assert len(moments) > 1, "some were made in the middle"


def test_what_was_there_is_kept(settings, app, ana, stored, database):
    file = make(settings, settings.backup_dir, keep=5)
    with app.app_context(), writing():
        db.session.scalar(User.named("ana")).about_me = "written afterwards"
        db.session.commit()
    rest(app)
    restored = restore(settings, file)
    assert stored(select(User.about_me)) == ""
    rest(app)
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(restored.aside / "microblog.db")) as connection:
            assert connection.execute("SELECT about_me FROM users").fetchone() == ("written afterwards",)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    else:
        restore(settings, restored.aside)
        assert stored(select(User.about_me)) == "written afterwards"
        rest(app)


def damaged(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def cut(file):
    file.write_bytes(file.read_bytes()[:-2000])


def no_archive(file):
    file.write_text("this is no backup")


def packed_anew(file, change):
    """The same backup with a changed member."""
    with tarfile.open(file) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]
    with tarfile.open(file, "w:gz") as tar:
        for name, data in change(members):
            told = tarfile.TarInfo(name)
            told.size = len(data)
            tar.addfile(told, io.BytesIO(data))


def outside(file):
    packed_anew(file, lambda members: [*members, ("../../evil", b"evil")])


def other_database(file):
    packed_anew(file, lambda members: [(n, d + b" " if n.startswith("microblog.") else d) for n, d in members])


def later(file):
    def change(members):
        values = json.loads(members[0][1]) | {"format": 2}
        return [("backup.json", json.dumps(values).encode()), *members[1:]]

    packed_anew(file, change)


def missing(file):
    file.unlink()


@pytest.mark.parametrize("spoil", [damaged, cut, no_archive, outside, other_database, later, missing])
def test_a_bad_file_changes_nothing(settings, app, picture, stored, spoil):
    file = make(settings, settings.backup_dir, keep=5)
    with app.app_context(), writing():
        db.session.scalar(User.named("ana")).about_me = "written afterwards"
        db.session.commit()
    rest(app)
    before = {path for path in settings.data_dir.rglob("*") if not path.name.startswith("microblog.db-")}
    spoil(file)
    with pytest.raises((BackupFailed, OSError)) as told:
        restore(settings, file)
    assert str(file) in str(told.value)
    assert stored(select(User.about_me)) == "written afterwards"
    after = {path for path in settings.data_dir.rglob("*") if not path.name.startswith("microblog.db-")}
    assert after - before <= {settings.data_dir / "site.lock"}
    rest(app)


@pytest.mark.sqlite_only
def test_damage_anywhere_is_told(settings, app, picture):
    """One wrong byte: in the tables, in a picture, in the sum at the end. A few bits between blocks mean nothing."""
    file = make(settings, settings.backup_dir, keep=5)
    whole = file.read_bytes()
    for at in range(64, len(whole), max(1, len(whole) // 150)):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        file.write_bytes(damaged)
        try:
            with archive.opened(file):
                assert gzip.decompress(damaged) == gzip.decompress(whole), at
        except BackupFailed as told:
            assert str(file) in str(told), at  # noqa: PT017 - it may also be none
    file.write_bytes(whole)
    with archive.opened(file) as (_, names):
        assert "microblog.db" in names


def test_of_a_later_release(settings, app, ana, stored):
    with app.app_context(), db.engine.begin() as connection:
        head = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        file = make(settings, settings.backup_dir, keep=5)
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    rest(app)
    with pytest.raises(BackupFailed, match="later release"):
        restore(settings, file)
    assert stored(sa.func.count(User.id)) == 1
    rest(app)


def test_not_while_another_program_has_it_open(settings, app, ana):
    file = make(settings, settings.backup_dir, keep=5)
    with app.app_context():
        db.session.execute(select(User.id))
        with pytest.raises(BackupFailed, match="in use"):
            restore(settings, file)
    rest(app)
    restore(settings, file)


def test_a_start_waits_for_the_restore(settings):
    claim = in_use.claim(settings)
    held = []
    waiting = threading.Thread(target=lambda: held.append(in_use.hold(settings)))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    os.close(claim)
    waiting.join(60)
    assert held[0] is not None
    assert in_use.claim(settings) is None
    os.close(held[0])
    os.close(in_use.claim(settings))


@pytest.mark.sqlite_only
def test_a_damaged_database_is_restored_over(settings, app, ana, stored):
    """The usual reason to restore."""
    file = make(settings, settings.backup_dir, keep=5)
    rest(app)
    database = settings.data_dir / "microblog.db"
    database.write_bytes(b"this is no database " * 5_000)
    Path(f"{database}-wal").write_bytes(b"left over")
    restored = restore(settings, file)
    assert (restored.aside / "microblog.db").read_bytes().startswith(b"this is no")
    assert not Path(f"{database}-wal").exists(), "it would be taken for the new one's"
    assert stored(select(User.username)) == "ana"


@pytest.mark.sqlite_only
def test_on_a_fresh_machine(settings, app, picture, tmp_path, changed):
    file = make(settings, settings.backup_dir, keep=5)
    fresh = changed(paths={"data": str(tmp_path / "fresh")})
    restored = restore(fresh, file)
    assert restored.aside is None
    with closing(sqlite3.connect(fresh.data_dir / "microblog.db")) as connection:
        assert connection.execute("SELECT username FROM users").fetchall() == [("ana",)]
    assert (fresh.data_dir / "avatars" / "1" / f"{KEY}.webp").exists()


@pytest.mark.sqlite_only
def test_so_many_are_kept(settings, app, ana):
    for day in range(1, 6):
        (settings.backup_dir).mkdir(exist_ok=True)
        (settings.backup_dir / f"microblog-2020010{day}T000000Z.tar.gz").touch()
    (settings.backup_dir / "notes.txt").touch()
    file = make(settings, settings.backup_dir, keep=3)
    names = sorted(path.name for path in settings.backup_dir.iterdir())
    assert names == [
        "microblog-20200104T000000Z.tar.gz",
        "microblog-20200105T000000Z.tar.gz",
        file.name,
        "notes.txt",
    ]


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_a_backup_that_fails_is_mailed(settings, app, records):
    """And the older ones stay."""
    mailbox = Mailbox().start()
    try:
        mail = Mail(server="127.0.0.1", port=mailbox.port, sender="blog@example.org", admins=("ana@example.org",))
        told = replace(settings, mail=mail, alerts=Alerts(first_wait=0.1))
        settings.backup_dir.mkdir()
        old = settings.backup_dir / "microblog-20200101T000000Z.tar.gz"
        old.touch()
        with Site(told):
            database = settings.data_dir / "microblog.db"
            rest(app)
            database.rename(database.with_suffix(".away"))
            failed = manage(told, "backup", "--keep", "1")
            database.with_suffix(".away").rename(database)
            assert failed.returncode == 1
            assert failed.stderr.startswith("No backup was made. There is no database at ")
            assert wait_until(lambda: any("BackupFailed" in subject for subject in mailbox.subjects))
        assert records("backup.failed")[0]["exception"][0]["type"] == "BackupFailed"
        assert [path.name for path in settings.backup_dir.iterdir()] == [old.name]
    finally:
        mailbox.stop()


@pytest.mark.sqlite_only
def test_no_room_for_it(settings, app, picture, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(archive, "sync", full)
    with pytest.raises(OSError, match="No space"):
        make(settings, settings.backup_dir, keep=5)
    monkeypatch.undo()
    assert [path for path in settings.backup_dir.iterdir() if path.name.startswith(".")] == []
