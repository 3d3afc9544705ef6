"""F39, F40: the disk under the database is read-only, or full, and becomes well again. Real file systems in memory."""

import dataclasses
import io
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from microblog.extensions import db
from microblog.models import User
from tests.conftest import absent
from tests.support.kinds import HX
from tests.support.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of our own; whatever holds files on it must have ended before."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=750", "tmpfs", folder], capture_output=True)
    if made.returncode:
        absent("the right to mount a file system", "run as root")
    yield folder
    for _ in range(50):
        if subprocess.run(["umount", folder], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def settings(settings, disk, tmp_path, migrated_file):
    shutil.copy(migrated_file, disk / "microblog.db")
    return dataclasses.replace(settings, paths=dataclasses.replace(settings.paths, data=str(disk)))


def fill(disk):
    """Until not a byte fits."""
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def written(visitor, text):
    form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": text}
    return visitor.send("POST", "/edit_profile/about_me", data=form, headers=HX | {"X-CSRFToken": visitor.token})


@pytest.mark.fault(40)
def test_full_then_freed(settings, app, disk, ana, records, stored):
    with Site(settings) as site:
        # The site's own output must have room elsewhere; it has said all it will.
        visitor = site.visitor(records).sign_in(ana)
        assert written(visitor, "before").status == 200
        fill(disk)
        for number in range(4):
            text = f"{number} " + "x" * 100
            for attempt in range(40):  # the log ahead of the database has some room of its own left
                page = written(visitor, f"{text} {attempt}")
                if page.status != 200:
                    break
            assert page.status == 503, page.text
            assert page.headers["Retry-After"] == "2"
            assert page.headers["HX-Retarget"] == "#toasts", "what was typed stays"
            whole = visitor.get("/edit_profile").values("#profile-form") | {"about_me": f"{text} whole"}
            kept = visitor.post("/edit_profile", data=whole)
            assert kept.status == 503
            assert kept.values("form.kept")["about_me"].strip() == f"{text} whole"
            for path in ("/", "/user/ana", "/edit_profile", "/readyz"):
                assert visitor.get(path).status == 200, path
            assert "disk" in visitor.get("/readyz").json["degraded"]
        assert {record["level"] for record in records("database.full")} == {"error"}
        assert not records("request.failed")
        assert not records("database.corrupt")

        (disk / "filler").unlink()
        assert written(visitor, "after").status == 200
        assert stored(select(User.about_me)) == "after"


@pytest.mark.fault(40)
def test_no_room_for_a_picture(settings, app, disk, ana, records, stored):

    picture = io.BytesIO()
    Image.effect_noise((400, 400), 90).convert("RGB").save(picture, "PNG")
    with Site(settings) as site:
        visitor = site.visitor(records).sign_in(ana)

        def upload():
            values = visitor.hx_get("/edit_profile/avatar").values()
            file = (io.BytesIO(picture.getvalue()), "a.png")
            return visitor.hx_post("/edit_profile/avatar", data=values | {"avatar": file})

        fill(disk)
        page = upload()
        assert page.status == 507
        assert "run out of space" in page.text
        assert stored(select(User.avatar)) == ""
        assert not [file for file in disk.rglob("*") if file.suffix in {".part", ".webp"}], "nothing half-written stays"
        (disk / "filler").unlink()
        assert upload().status == 200


@pytest.mark.fault(39)
def test_read_only(settings, app, disk, ana, browser, records, stored):
    """In this process: a file system with files open for writing cannot be made read-only by hand."""
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}

    def close_all():
        with app.app_context():
            db.session.remove()
            db.engine.dispose()

    close_all()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        for _ in range(3):
            for path in ("/", "/user/ana", "/edit_profile", "/readyz"):
                assert browser.get(path).status == 200, path
            assert "disk" in browser.get("/readyz").json["degraded"]
            assert browser.get("/nope").status == 404
            toast = browser.hx_post("/edit_profile/about_me", data=form)
            assert toast.status == 503
            assert "can be read but not changed" in toast.text
            page = browser.post("/edit_profile/about_me", data=form)
            assert page.status == 503
            assert page.values("form.kept")["about_me"].strip() == "typed"
            assert browser.hx_post("/login", username="ana", password="wrong").status == 503
        assert {record["level"] for record in records("database.readonly")} == {"error"}
        assert not records("request.failed")
        assert not os.access(disk, os.W_OK)
    finally:
        close_all()
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert browser.hx_post("/edit_profile/about_me", data=form).status == 200
    assert stored(select(User.about_me)) == "typed"


@pytest.mark.fault(39)
def test_read_only_for_a_while(settings, app, disk, ana, browser, records, stored):
    """And writable again: a connection from the time when nothing could be written must not outlive it."""
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert browser.get("/").status == 200
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert browser.hx_post("/edit_profile/about_me", data=form).status == 200
    assert stored(select(User.about_me)) == "typed"
