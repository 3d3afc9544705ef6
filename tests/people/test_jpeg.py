import io
import struct
import time

import pytest
from PIL import Image

from microblog.people.jpeg import MAX_SCANS, orientation, undress


def jpeg(**options):
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(buffer, "JPEG", **options)
    return buffer.getvalue()


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(value, *, order="<", kind=3, tag=0x0112):
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", tag, kind, 1, value, 0)
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, 1) + entry + b"\0\0\0\0"


def pixels(data):
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"icc_profile": b"colours" * 20_000}, {"restart_marker_rows": 1}, {"keep_rgb": True}],
)
def test_it_works(options):
    plain = jpeg(**options)
    dressed = (
        plain[:2] + segment(0xE1, exif(6)) + segment(0xFE, b"SECRET") + segment(0xED, b"SECRET") + plain[2:] + b"SECRET"
    )

    found = undress(dressed)

    assert found.orientation == 6
    assert found.scans == (1 if "progressive" not in options else 10)
    assert b"SECRET" not in found.data
    assert b"Exif" not in found.data
    assert Image.open(io.BytesIO(found.data)).info.get("icc_profile") == options.get("icc_profile")
    assert found.data.count(b"Adobe") == plain.count(b"Adobe") == ("keep_rgb" in options)
    assert pixels(found.data) == pixels(plain)


def test_scans_that_would_cost_minutes_are_refused():
    data = jpeg(progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert undress(data[:-2] + last * (MAX_SCANS - 10) + b"\xff\xd9").scans == MAX_SCANS

    with pytest.raises(ValueError, match="too many scans"):
        undress(data[:-2] + last * (MAX_SCANS - 9) + b"\xff\xd9")


@pytest.mark.parametrize(
    "filler", [b"\xff", b"\xaa", b"\xff\0", b"\xff\xd0", segment(0xE1, b""), segment(0xE1, b"Exif\0\0" + b"x" * 90)]
)
def test_five_megabytes_of_nothing_are_read_quickly(filler):
    started = time.thread_time()

    with pytest.raises(ValueError, match=r"no picture|too many segments"):
        undress(b"\xff\xd8\xff\xe0\0\2" + filler * (5_000_000 // len(filler)))

    assert time.thread_time() - started < 2  # of the processor; at most 0.07 as it is


def test_wherever_it_is_cut_the_decoder_gets_a_beginning_or_nothing():
    data = jpeg()
    for length in range(len(data)):
        try:
            found = undress(data[:length])
        except ValueError:
            continue
        assert found.data == data[:length]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation(order, value):
    assert orientation(exif(value, order=order)) == value


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        exif(0),
        exif(9),
        exif(6, kind=4),
        exif(6, tag=0x0111),
        exif(6)[:-9],
        b"Exif\0\0XX" + exif(6)[8:],
    ],
)
def test_an_orientation_that_makes_no_sense_is_upright(block):
    assert orientation(block) == 1
