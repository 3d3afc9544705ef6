import io
import random
import struct
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFile, ImageStat

from microblog.people import avatars
from microblog.people.avatars import AvatarRefused, draw_avatar
from tests.support import budget

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 160, 60), (30, 60, 200), (240, 200, 40)
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]


def quarters(size=(400, 400), mode="RGB"):
    """Red, green / blue, yellow: turned in any way it is another picture."""
    image = Image.new("RGB", size)
    middle = (size[0] // 2, size[1] // 2)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, *middle), RED)
    draw.rectangle((middle[0], 0, size[0], middle[1]), GREEN)
    draw.rectangle((0, middle[1], middle[0], size[1]), BLUE)
    draw.rectangle((*middle, *size), YELLOW)
    return image.convert(mode)


def file(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def drawn(data, **options):
    """The avatar of `data`, opened, after what holds for every avatar."""
    avatar = draw_avatar(io.BytesIO(data), **options)
    assert len(avatar) <= 30_000
    assert {name for name, _ in chunks(avatar)} <= {b"VP8 ", b"VP8X", b"ALPH", b"VP8L"}
    image = Image.open(io.BytesIO(avatar))
    assert (image.format, image.size, image.n_frames) == ("WEBP", (320, 320), 1)
    assert not set(image.info) & {"exif", "xmp", "icc_profile"}
    image.load()
    return image


def refused(data, **options):
    with pytest.raises(AvatarRefused) as caught:
        draw_avatar(io.BytesIO(data), **options)
    assert caught.value.message.endswith(".")
    assert str(caught.value) == caught.value.message
    return caught.value.rule


def chunks(webp):
    at = 12
    while at < len(webp):
        (length,) = struct.unpack_from("<I", webp, at + 4)
        yield webp[at : at + 4], webp[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def corners(image):
    """The colours in the middle of the four quarters: above left, above right, below left, below right."""
    return [image.convert("RGB").getpixel(point) for point in ((80, 80), (240, 80), (80, 240), (240, 240))]


def alike(found, expected, tolerance=24):
    return all(
        abs(a - b) <= tolerance for one, two in zip(found, expected, strict=True) for a, b in zip(one, two, strict=True)
    )


def png(size, *, kind=2, bits=8, data=b"", extra=b""):
    """A PNG by hand, for what Pillow would not write."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", *size, bits, kind, 0, 0, 0)
    picture = chunk(b"IDAT", zlib.compress(data, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + picture + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [(400, 400), (320, 320), (1600, 1600), (90, 90)])
def test_it_works(kind, size):
    image = drawn(file(quarters(size), kind))

    assert alike(corners(image), [RED, GREEN, BLUE, YELLOW])
    assert image.mode == "RGB"


@pytest.mark.parametrize("size", [(1200, 400), (400, 1200), (5000, 320), (401, 1000)])
def test_the_centre_is_kept(size):
    image = Image.new("RGB", size, BLUE)
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image.paste(quarters((side, side)), (left, top))

    assert alike(corners(drawn(file(image, "PNG"))), [RED, GREEN, BLUE, YELLOW])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_the_camera_may_be_held_any_way_and_its_place_is_forgotten(kind, turned):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose members that undo each orientation
    upright = quarters((640, 480))
    stored = upright if turned == 1 else upright.transpose(Image.Transpose(undo[turned]))
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "SECRET-DATE"})
    data = file(stored, kind, exif=exif, comment=b"SECRET-COMMENT")
    assert b"SECRET" in data

    assert alike(corners(drawn(data)), [RED, GREEN, BLUE, YELLOW])
    assert b"SECRET" not in draw_avatar(io.BytesIO(data))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("I;16", "PNG"),
        ("P", "GIF"),
    ],
)
def test_every_mode(mode, kind):
    if mode == "I;16":
        source = Image.frombytes(
            "I;16", (400, 400), b"".join(struct.pack("<H", 257 * v) for v in quarters(mode="L").tobytes())
        )
    else:
        source = quarters(mode=mode)
    expected = {"L": "L", "LA": "L", "I;16": "L", "1": "1"}.get(mode, "RGB")

    image = drawn(file(source, kind))

    small = quarters((320, 320)).convert(expected).convert("RGB")
    if mode == "1":  # dithered: compare the mean only
        difference = [abs(a - b) for a, b in zip(ImageStat.Stat(image).mean, ImageStat.Stat(small).mean, strict=True)]
        assert max(difference) < 12
    else:
        assert alike(corners(image), corners(small))


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bits_a_channel(kind, channels):
    row = b"\0" + (b"\xc0\x00" * (channels - 1) + b"\xff\xff") * 64 if kind != 2 else b"\0" + b"\xc0\x00" * 192

    assert alike(corners(drawn(png((64, 64), kind=kind, bits=16, data=row * 64))), [(192, 192, 192)] * 4)


@pytest.mark.parametrize("kind", [0, 2])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_may_be_anything(kind, bits):
    name, body = b"tRNS", b"\xff\xee" * (3 if kind else 1)
    extra = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    row = b"\0" + b"\x80" * (64 * bits // 8 * (3 if kind else 1))

    image = drawn(png((64, 64), kind=kind, bits=bits, data=row * 64, extra=extra))

    assert image.mode == "RGB"
    assert alike(corners(image), [(128, 128, 128)] * 4)


def test_transparency_is_kept_and_what_lies_below_is_not():
    secret = Image.effect_noise((320, 320), 120).convert("RGB")
    secret.putalpha(Image.new("L", (320, 320), 0))
    secret.paste((*RED, 255), (100, 100, 220, 220))

    image = drawn(file(secret, "PNG"))

    assert image.mode == "RGBA"
    assert image.getpixel((5, 5))[3] == 0
    assert alike([image.getpixel((160, 160))], [(*RED, 255)])
    hidden = image.convert("RGB").crop((0, 0, 80, 320))
    assert max(ImageStat.Stat(hidden).stddev) < 3


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_a_transparent_palette(kind):
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 200, 200))
    data = file(image.quantize(16) if kind == "PNG" else image, kind)

    found = drawn(data)

    assert found.mode == "RGBA"
    assert found.getpixel((80, 80))[3] == 0
    assert alike(corners(found)[1:], [GREEN, BLUE, YELLOW])


def test_an_opaque_alpha_channel_is_dropped():
    assert drawn(file(quarters(mode="RGBA"), "PNG")).mode == "RGB"


def test_edges_of_what_is_transparent_have_no_dark_rim():
    image = Image.new("RGBA", (1000, 1000), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((100, 100, 900, 900), (255, 255, 255, 255))

    found = drawn(file(image, "PNG"))

    assert min(value[0] for value in found.get_flattened_data() if value[3] > 100) > 200


def test_colours_of_a_profile_become_srgb():
    """A profile whose red is blue: left out, it would show."""
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"

    image = drawn(file(quarters(), "PNG", icc_profile=bytes(swapped)))

    assert alike(corners(image), [colour[::-1] for colour in (RED, GREEN, BLUE, YELLOW)])


@pytest.mark.parametrize(
    "profile", [b"nonsense", b"\0" * 4_000, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_makes_no_sense_is_left_out(profile):
    for kind in ("JPEG", "PNG", "WEBP"):
        assert alike(corners(drawn(file(quarters(), kind, icc_profile=profile))), [RED, GREEN, BLUE, YELLOW])


def test_of_an_animation_the_first_frame():
    frames = [Image.new("RGB", (64, 64), (number * 5 % 256, 0, 0)) for number in range(50)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = file(quarters((64, 64)), kind, save_all=True, append_images=frames, duration=10)
        assert Image.open(io.BytesIO(data)).n_frames == 51
        assert alike(corners(drawn(data)), [RED, GREEN, BLUE, YELLOW], 40)


def test_noise_is_brought_down_to_size():
    avatar = draw_avatar(io.BytesIO(file(Image.effect_noise((900, 900), 60).convert("RGB"), "PNG")))

    assert len(avatar) <= 30_000


def test_a_small_picture_is_enlarged_without_rings():
    image = Image.new("L", (20, 20), 60)
    image.paste(190, (10, 0, 20, 20))

    assert drawn(file(image, "PNG")).convert("L").getextrema() >= (40, 190)
    low, high = drawn(file(image, "PNG")).convert("L").getextrema()
    assert low > 45
    assert high < 205


@pytest.mark.parametrize("size", [(1, 1), (1000, 1), (1, 1000), (15, 400)])
def test_too_small(size):
    assert refused(file(Image.new("RGB", size), "PNG")) == "small"
    assert refused(file(Image.new("RGB", size), "JPEG")) == "small"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "empty"),
        (b"\0", "format"),
        (b"hello", "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (file(quarters(), "BMP"), "format"),
        (file(quarters(), "TIFF"), "format"),
        (file(quarters(), "ICO"), "format"),
        (b"GIF89a" + bytes(7), "damaged"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (png((0, 0)), "damaged"),
        (png((0, 400)), "damaged"),
        (png((400, 400), bits=3, data=b"\0"), "damaged"),
    ],
)
def test_what_is_no_picture(data, rule):
    assert refused(data) == rule


def test_too_many_bytes():
    data = file(quarters(), "PNG")
    assert refused(data, max_bytes=len(data) - 1) == "bytes"
    assert drawn(data, max_bytes=len(data))

    with pytest.raises(AvatarRefused, match="larger than 5 MB"):
        draw_avatar(io.BytesIO(bytes(5_000_001)))


def test_a_stream_that_fails_is_not_the_pictures_fault():
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        draw_avatar(Broken())


def riff(name, body):
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBP" + name + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        png((6_400, 6_400), kind=0, data=bytes(6_401) * 6_400),
        png((60_000, 60_000), kind=0, bits=1, data=bytes(1_000_000)),
        png((5_000, 5_000), kind=0, data=bytes(5_001) * 5_000),
        png((2**31 - 1, 2**31 - 1)),
        b"GIF89a"
        + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
        + b",\0\0\0\0"
        + struct.pack("<HHB", 65_535, 65_535, 0)
        + b"\x08",
        b"GIF89a"
        + struct.pack("<HHBBB", 20, 20, 0, 0, 0)
        + b",\0\0\0\0"
        + struct.pack("<HHB", 65_535, 65_535, 0)
        + b"\x08",
        riff(b"VP8X", b"\0\0\0\0" + b"\xfe\x3f\0" * 2) + bytes(64),
        file(Image.new("L", (6_400, 6_400)), "JPEG"),
        file(Image.new("L", (5_000, 5_000)), "JPEG", progressive=True),
    ],
    ids=[
        "png 41M",
        "png 3600M",
        "png 25M",
        "png 2^62",
        "gif 4295M",
        "gif frame",
        "webp 268M",
        "jpeg 41M",
        "progressive 25M",
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(data, monkeypatch):
    def load(self):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    started = time.thread_time()

    assert refused(data) == "pixels"

    assert time.thread_time() - started < 0.5  # of the processor; 0.0005 as it is


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_photo_of_a_camera_costs_little_memory_and_time():
    """40 megapixels would be 120 MB whole: libjpeg hands out an eighth of it."""
    code = """
        import io, re, sys
        from pathlib import Path
        from microblog.people.avatars import draw_avatar
        def most():  # not getrusage: it counts what the parent had before exec
            return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        data = sys.stdin.buffer.read()
        before = most()
        draw_avatar(io.BytesIO(data))
        print((most() - before) // 1024)
    """
    data = file(quarters((7_300, 5_400)), "JPEG")
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(
        command, input=data, capture_output=True, cwd=Path(__file__).parents[2], timeout=60, check=True
    )

    assert int(done.stdout) < 60


@pytest.mark.parametrize(
    "error",
    [
        OSError("codec"),
        SyntaxError("chunk"),
        UnicodeDecodeError("ascii", b"x", 0, 1, "text"),
        EOFError(),
        struct.error("short"),
        zlib.error("inflate"),
        IndexError(),
        KeyError(),
        TypeError(),
        AttributeError(),
        OverflowError(),
        ZeroDivisionError(),
        NotImplementedError(),
        RecursionError(),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_reader_raises_is_the_files_fault(monkeypatch, error):
    def load(self):
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)

    assert refused(file(quarters(), "PNG")) == "damaged"


def test_no_memory_for_it_is_too_large(monkeypatch):
    def load(self):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)

    assert refused(file(quarters(), "PNG")) == "pixels"


def test_one_at_a_time(monkeypatch):
    inside, most, guard = 0, 0, threading.Lock()
    read = avatars._read

    def counting(data):
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        try:
            return read(data)
        finally:
            with guard:
                inside -= 1

    monkeypatch.setattr(avatars, "_read", counting)
    data = file(quarters(), "JPEG")
    threads = [threading.Thread(target=draw_avatar, args=(io.BytesIO(data),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1


def test_who_waits_too_long_is_told(monkeypatch):
    monkeypatch.setattr(avatars, "WAIT", 0.05)
    data = file(quarters(), "JPEG")
    with avatars._turn:
        assert refused(data) == "busy"
    assert drawn(data)


def test_the_other_half_of_a_polyglot_is_gone():
    page = b"<html><script>alert(1)</script>PK\x03\x04"
    for kind in FORMATS:
        data = file(quarters(), kind) + page
        assert drawn(data)
        assert b"script" not in draw_avatar(io.BytesIO(data))


@pytest.mark.parametrize("kind", [*FORMATS, "progressive", "lossless"])
def test_wherever_it_is_cut_it_is_refused_or_whole(kind):
    image = Image.effect_noise((120, 120), 60).convert("RGB")
    if kind == "progressive":
        data = file(image, "JPEG", progressive=True)
    elif kind == "lossless":
        data = file(image, "WEBP", lossless=True)
    else:
        data = file(image, kind)
    whole = drawn(data).convert("RGB")
    step = max(1, len(data) // 150)
    kept, rules = 0, set()
    for length in [*range(0, len(data), step), *range(len(data) - 40, len(data))]:
        try:
            found = drawn(data[:length])
        except AvatarRefused as error:
            rules.add(error.rule)
        else:
            kept += 1
            difference = ImageChops.difference(found.convert("RGB"), whole)
            assert max(ImageStat.Stat(difference).mean) < 4, f"half a picture was taken at {length} of {len(data)}"
    assert kept < 60
    assert rules <= {"empty", "format", "damaged"}


def sources():
    noise = Image.effect_noise((48, 40), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = noise.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(noise.size))
    return [
        file(noise, "JPEG", exif=exif, icc_profile=profile),
        file(noise, "JPEG", progressive=True),
        file(noise.convert("CMYK"), "JPEG"),
        file(noise, "PNG", exif=exif, icc_profile=profile),
        file(noise.quantize(16), "PNG", transparency=3),
        file(clear, "PNG", save_all=True, append_images=[noise.convert("RGBA")]),
        png((48, 40), kind=0, bits=16, data=(b"\0" + noise.tobytes()[:96]) * 40),
        file(noise, "WEBP", exif=exif, icc_profile=profile),
        file(clear, "WEBP", lossless=True),
        file(noise, "WEBP", save_all=True, append_images=[clear]),
        file(noise, "GIF", comment=b"hello"),
        file(noise.quantize(8), "GIF", save_all=True, append_images=[noise.quantize(4)], transparency=2),
    ]


def mutated(data, rng):
    bytes_ = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        # Headers break readers in more ways than pixels do.
        at = rng.randrange(min(len(bytes_), rng.choice((40, 200, len(bytes_)))))
        match rng.randrange(6):
            case 0:
                bytes_[at] ^= 1 << rng.randrange(8)
            case 1:
                bytes_[at] = rng.choice((0, 1, 127, 128, 255))
            case 2:
                del bytes_[at : at + rng.randrange(1, 9)]
            case 3:
                bytes_[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                bytes_[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            case _:
                bytes_[at:at] = bytes_[at : at + rng.randrange(1, 200)]
        if not bytes_:
            break
    return bytes(bytes_)


def with_right_sums(data):
    """A PNG with its checksums made good, so that mutations get past them."""
    fixed, at = bytearray(data), 8
    while at + 12 <= len(fixed):
        (length,) = struct.unpack_from(">I", fixed, at)
        if at + 12 + length > len(fixed):
            break
        struct.pack_into(">I", fixed, at + 8 + length, zlib.crc32(fixed[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(fixed)


def attack(seed, rounds):
    rng = random.Random(seed)
    originals = sources()
    seen = {"drawn": 0}
    for number in rounds:
        original = originals[number % len(originals)]
        data = mutated(original, rng)
        if original.startswith(b"\x89PNG"):
            data = with_right_sums(data)
        if number % 50 == 0:
            data = rng.choice((b"", original[:12])) + rng.randbytes(rng.randrange(500))
        try:
            draw_avatar(io.BytesIO(data))
            seen["drawn"] += 1
        except AvatarRefused as error:
            name = type(error.__cause__).__name__ if error.__cause__ else error.rule
            seen[name] = seen.get(name, 0) + 1
    return seen


@pytest.mark.slow
def test_no_bytes_raise_anything_else():
    seen = attack(seed=20261121, rounds=range(1_200))

    assert seen["drawn"] > 100, seen
    assert sum(seen.values()) - seen["drawn"] > 300, seen


@pytest.mark.slow
def test_no_bytes_raise_anything_else_for_longer():
    seen = attack(seed=4, rounds=budget.rounds(at_least=300))

    assert {"drawn", "ValueError", "UnidentifiedImageError", "OSError", "DecompressionBombError"} <= set(seen), seen
