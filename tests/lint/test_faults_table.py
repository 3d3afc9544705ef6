"""docs/faults.md says what is proved, and by which test; nothing is promised without one."""

import re

from microblog.config.settings import ROOT
from tests.faults import table


def test_the_document_is_up_to_date():
    assert table.documented() == table.markdown(table.proofs()), "run `python -m tests.faults.table --write`"


def test_every_fault_has_a_test_or_a_reason():
    every, later = table.rows()
    found = table.proofs()
    assert set(every) == set(range(1, max(every) + 1))
    assert not set(found) - set(every), "a test of a fault that no row describes"
    assert not set(every) - set(found) - set(later), "a row without a test, and without a reason in [later]"
    assert not set(later) & set(found), "proved by now: `python -m tests.faults.table --write` takes it out of [later]"
    assert not set(later) - set(every)
    assert all(later.values())
    for row in every.values():
        assert set(row) == {"inject", "sees", "log", "mail"}
        assert row["inject"]


def test_tests_are_found_by_their_marks(tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    mark = "@pytest.mark.fault"
    (folder / "test_two.py").write_text(
        f"{mark}(7)\ndef test_one(): ...\n{mark}(16)\n@pytest.mark.slow\ndef test_x(): ...\ndef test_other(): ...\n"
    )
    (folder / "test_file.py").write_text(
        f"pytestmark = [pytest.mark.slow, {mark[1:]}(48)]\ndef test_first(): ...\n{mark}(7)\ndef test_second(): ...\n"
    )
    (folder / "test_else.py").write_text(f"class TestIt:\n    {mark}(9)\n    def test_inside(self): ...\n")
    assert {fault: dict(files) for fault, files in table.proofs(folder).items()} == {
        7: {"tests/test_two.py": ["test_one"], "tests/test_file.py": ["test_second"]},
        9: {"tests/test_else.py": ["test_inside"]},
        16: {"tests/test_two.py": ["test_x"]},
        48: {"tests/test_file.py": ["test_first"]},
    }


def test_writing_takes_out_what_is_proved_by_now(tmp_path, monkeypatch):
    before, _ = table.rows()
    for name in ("ROWS", "DOCUMENT"):
        copy = tmp_path / getattr(table, name).name
        copy.write_text(getattr(table, name).read_text())
        monkeypatch.setattr(table, name, copy)
    text = re.sub(
        r"(?<=\[later\]\n)",
        'F1 = "not yet"\nF60 = "never"\n',
        re.sub(r"^F60 = .*\n", "", table.ROWS.read_text(), flags=re.M),
    )
    table.ROWS.write_text(text)
    found = table.proofs()
    found.pop(60, None)
    table.write(found)
    assert "F1 = " not in table.ROWS.read_text()
    assert 'F60 = "never"' in table.ROWS.read_text()
    assert "*not yet: never*" in table.documented()
    assert table.rows()[0] == before


def test_every_file_that_is_named_exists():
    for file in re.findall(r"\]\(\.\./(tests/[^)]+)\)", table.documented()):
        assert (ROOT / file).is_file()
