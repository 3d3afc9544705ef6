"""Reading a log that goes on: nothing twice, nothing left out, whatever happens to the files."""

import gzip
import json
import logging
import os

import pytest

from microblog.log.file import JsonLinesHandler
from microblog.logbook.follow import Place, end, lines_after


@pytest.fixture
def log(tmp_path):
    """A log of small files, and how to write to it."""
    handler = JsonLinesHandler(tmp_path / "microblog.jsonl", max_bytes=2_000, backups=500)
    numbers = iter(range(1_000_000))

    def write(count):
        for _ in range(count):
            record = {"event": "numbered", "number": next(numbers)}
            handler.handle(logging.LogRecord("test", logging.INFO, "", 0, record, None, None))

    handler.setFormatter(_Formatter())
    write.path = tmp_path / "microblog.jsonl"
    yield write
    handler.close()


class _Formatter(logging.Formatter):
    def format(self, record):
        return json.dumps(record.msg)


def read(path, place):
    found = list(lines_after(path, place))
    return [json.loads(line)["number"] for line, _ in found], found[-1][1] if found else place


def test_it_works(log):
    log(3)
    numbers, place = read(log.path, Place())
    assert numbers == [0, 1, 2]
    assert read(log.path, place) == ([], place)
    assert end(log.path) == place
    log(2)
    assert read(log.path, place)[0] == [3, 4]


def test_through_rotations_while_it_is_read(log):
    seen, place = [], Place()
    for round_ in range(40):
        log(round_ * 3)
        for line, behind in lines_after(log.path, place):
            seen.append(json.loads(line)["number"])
            place = behind
            if len(seen) % 50 == 0:
                log(20)  # under the reader
    seen += read(log.path, place)[0]
    assert seen == list(range(len(seen)))
    assert len(list(log.path.parent.iterdir())) > 30, "files were rotated"
    assert not read(log.path, end(log.path))[0]


def test_a_file_that_is_gzipped_meanwhile_goes_on_where_it_was(log):
    log(5)
    _, place = read(log.path, Place())
    log(10)
    plain, packed = (log.path.with_name(f"{log.path.name}-20261121{tail}") for tail in ("", ".gz"))
    log.path.rename(plain)
    log(5)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    os.utime(packed, ns=(0, plain.stat().st_mtime_ns))
    plain.unlink()
    assert read(log.path, place)[0] == list(range(5, 20))


def test_a_torn_line_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "microblog.jsonl"
    path.write_bytes(b'{"number":0}\n{"num')
    numbers, place = read(path, Place())
    assert (numbers, place) == ([0], end(path))
    with path.open("ab") as file:
        file.write(b'ber":1}\n')
    assert read(path, place)[0] == [1]


def test_what_is_gone_begins_with_the_oldest_that_is_left(log):
    log(5)
    _, place = read(log.path, Place())
    log.path.unlink()
    log(5)
    assert read(log.path, place)[0] == [5, 6, 7, 8, 9]


def test_nothing_there(tmp_path):
    assert read(tmp_path / "none.jsonl", Place("x", 7)) == ([], Place("x", 7))
    assert end(tmp_path / "none.jsonl") == Place()
