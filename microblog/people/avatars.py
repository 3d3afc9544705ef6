"""Pictures that people upload of themselves: read with suspicion, drawn anew, 320 pixels square.

Nothing of the file survives but its pixels: no EXIF or GPS, no colour profile, no comment, no other half of a polyglot.
An upload is hostile until it is drawn, so its cost is bounded before and while decoding: bytes, pixels, the scans of a
JPEG, one picture at a time per process.
"""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from PIL import Image, ImageCms

from microblog.people.jpeg import orientation, undress

SIZE = 320  # pixels: the largest place it is shown is 160, on a screen of twice the density
MAX_BYTES = 5_000_000
MIN_SIDE = 16  # pixels: below that there is nothing to recognise, and a picture 1 pixel high is an accident
MAX_PIXELS = 40_000_000  # of a baseline JPEG, which libjpeg decodes row by row and at a fraction of its size
MAX_PIXELS_WHOLE = 24_000_000  # of everything else, which stands whole in memory, some formats several times
TARGET_BYTES = 30_000
WAIT = 2.0  # seconds for one's turn: an answer has 2.5

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

# Pillow itself refuses from twice this on, for WebP before its decoder reserves two canvases.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

_UNREADABLE = "This file is not a picture we can read. Choose a JPEG, PNG, WebP or GIF."
_DAMAGED = "This picture is damaged or incomplete. Open it, save it again, and choose the new file."
_MEGAPIXELS = "This picture has more than {} megapixels. Choose a smaller one."

# What Pillow's four readers and the libraries under them raise for bytes they did not expect, from their sources: PNG
# chunks give SyntaxError and struct.error, palettes IndexError, arguments too large for C OverflowError, missing parts
# TypeError and AttributeError. Fuzzing finds the first three; none is documented, and a file must never become a 500.
_READER_ERRORS = (
    OSError,  # UnidentifiedImageError, truncated files, codec errors
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
)

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_turn = threading.Lock()


class AvatarRefused(Exception):
    """An upload that does not become an avatar: `message` for the person, `rule` for the log.

    Rules: empty, bytes, format, damaged, pixels, small, busy.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule


def draw_avatar(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The picture in `stream` as a WebP of 320 × 320 pixels, 30 KB at most: upright, its central square, in sRGB.

    Transparency is kept; of an animation the first frame is taken. Raises AvatarRefused for every content that does not
    become a picture, and nothing else but what reading `stream` raises.
    """
    data = stream.read(max_bytes + 1)
    if not data:
        raise AvatarRefused("This file is empty. Choose a picture.", "empty")
    if len(data) > max_bytes:
        raise AvatarRefused(f"This file is larger than {max_bytes / 1e6:g} MB. Choose a smaller picture.", "bytes")
    with _alone():
        try:
            picture = _read(data)
        except _READER_ERRORS as error:
            if _looks_like_ours(data):
                raise AvatarRefused(_DAMAGED, "damaged") from error
            raise AvatarRefused(_UNREADABLE, "format") from error
        except (Image.DecompressionBombError, MemoryError) as error:
            raise AvatarRefused(_MEGAPIXELS.format(MAX_PIXELS // 1_000_000), "pixels") from error
        return _encode(picture)


@contextmanager
def _alone() -> Iterator[None]:
    """One picture at a time: eight threads with a large PNG each would be gigabytes."""
    if not _turn.acquire(timeout=WAIT):
        raise AvatarRefused("Several pictures are being drawn just now. Try again in a moment.", "busy")
    try:
        # Pillow warns of oddities in files, which nobody here can mend. Filters are shared by all threads, hence only
        # Pillow's modules: should two threads mix up their filters, no warning of ours is lost.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    finally:
        _turn.release()


def _looks_like_ours(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")) or (
        data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    )


def _read(data: bytes) -> Image.Image:
    """The finished square, RGB or RGBA. Raises AvatarRefused and whatever Pillow raises."""
    square, turned, profile = _centre(data)
    # A square stays itself however it is turned, and 320 pixels are cheaper to turn and to convert than all of them.
    small = _in_srgb(_shrink(_plain(square)), profile)
    return small.transpose(_UPRIGHT[turned]) if turned in _UPRIGHT else small


def _centre(data: bytes) -> tuple[Image.Image, int, bytes | None]:
    """The central square, how it has to be turned, and its colour profile; the rest of the picture is let go here."""
    jpeg = undress(data) if data.startswith(b"\xff\xd8\xff") else None
    with Image.open(io.BytesIO(jpeg.data if jpeg else data), formats=FORMATS) as image:
        _measure(image, whole=not jpeg or jpeg.scans > 1)
        image.draft("RGB", (2 * SIZE, 2 * SIZE))  # a JPEG only: decoded at 1/2, 1/4 or 1/8
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        turned = jpeg.orientation if jpeg else orientation(image.info.get("exif") or b"")
        return square, turned, image.info.get("icc_profile")


def _measure(image: Image.Image, *, whole: bool) -> None:
    limit = MAX_PIXELS_WHOLE if whole else MAX_PIXELS
    if image.width * image.height > limit:
        raise AvatarRefused(_MEGAPIXELS.format(limit // 1_000_000), "pixels")
    if min(image.size) < MIN_SIDE:
        size = f"{image.width} × {image.height}"
        raise AvatarRefused(f"This picture is {size} pixels. Choose one of {MIN_SIDE} × {MIN_SIDE} or more.", "small")


def _plain(image: Image.Image) -> Image.Image:
    """`image` in a mode that can be scaled: L, RGB, CMYK, or RGBa, whose hidden pixels are black."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value * (1 / 256)).convert("L")  # convert() alone clips at 255
    if image.has_transparency_data:
        solid = image if image.mode == "RGBA" else image.convert("RGBA")
        return solid.convert("RGBa")  # colour under full transparency may show what somebody cut away
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("RGB")


def _shrink(image: Image.Image) -> Image.Image:
    # Enlarging with Lanczos draws rings around every edge.
    method = Image.Resampling.LANCZOS if image.width > SIZE else Image.Resampling.BICUBIC
    return image.resize((SIZE, SIZE), method, reducing_gap=3.0)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` as RGB or RGBA, its colours meant for sRGB."""
    alpha = None
    if image.mode == "RGBa":
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    if profile:
        # A profile that is broken, or made for another number of channels, is a picture without one.
        with suppress(ImageCms.PyCMSError):
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), _SRGB, outputMode="RGB")
            image = converted or image
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _encode(image: Image.Image) -> bytes:
    """A WebP of at most TARGET_BYTES, save for noise that no quality brings down to it."""
    drawn = b""
    for quality in (84, 72, 58, 42, 26, 12):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, alpha_quality=min(100, quality + 20), method=4)
        drawn = buffer.getvalue()
        if len(drawn) <= TARGET_BYTES:
            break
    return drawn
