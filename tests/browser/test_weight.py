"""What a first visit costs."""

import gzip
import os
from uuid import uuid4

import pytest

from microblog.web import assets

BUDGET = 60_000
"""Bytes on the wire, headers included."""


@pytest.mark.parametrize("path", ["/", "/register", "/user/nobody_here"])
def test_a_first_visit_is_light(visit, path):
    while len(visit().go("/").page.query_selector_all(".person")) < 8:
        visit().register(f"face_{uuid4().hex[:8]}")
    new = visit()
    new.allow(404)
    session = new.context.new_cdp_session(new.page)
    session.send("Network.enable")
    sizes, names = {}, {}
    session.on("Network.requestWillBeSent", lambda event: names.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    new.go(path)
    new.page.wait_for_load_state("networkidle")

    total = sum(sizes.values())
    listed = "\n".join(
        f"{size:7.0f} {names.get(key)}" for key, size in sorted(sizes.items(), key=lambda item: -item[1])
    )
    print(f"{total:.0f} bytes in {len(sizes)} requests\n{listed}")
    assert len(sizes) > 5
    assert total <= BUDGET, listed
    assert all(name.startswith(new.base) for name in names.values())


def test_text_travels_compressed_and_a_changed_file_is_compressed_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    script, picture = tmp_path / "app.js", tmp_path / "face.png"
    script.write_text("first " * 500)
    picture.write_bytes(b"x" * 3000)
    os.utime(script, (2_000_000_000, 2_000_000_000))
    assets.compress()
    zipped = tmp_path / "app.js.gz"
    assert gzip.decompress(zipped.read_bytes()) == script.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.js", "app.js.gz", "face.png"]

    script.write_text("second " * 500)
    os.utime(script, (1_000_000_000, 1_000_000_000))  # from an archive: older than what it replaces
    assets.compress()
    assert gzip.decompress(zipped.read_bytes()) == script.read_bytes()
