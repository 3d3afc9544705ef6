"""What has to be known about a JPEG before a decoder may see it.

Two things make a small JPEG expensive. Pillow joins metadata segments one by one, quadratic in their number (5 MB:
seconds); libjpeg visits the whole picture once per scan, and a scan costs the sender 31 bytes (measured: 16 megapixels
in 69 KB take 1.3 s, 5 MB would take minutes). So metadata is left out here and scans are counted. Leaving out the
multi-picture index also keeps Pillow's MPO reader out of it.
"""

import re
import struct
from dataclasses import dataclass

MAX_SCANS = 64  # libjpeg's own progressive script has 10, mozjpeg's up to 15
MAX_SEGMENTS = 2_000  # a colour profile may take 255, all else together a few dozen

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_NEXT_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")  # 00 is a stuffed byte, 01 and D0 to D7 have no body
_ORIENTATION = 0x0112
_SHORT = 3


@dataclass(frozen=True)
class Jpeg:
    """A JPEG without metadata (`data`), the orientation its EXIF asked for (1 to 8) and its number of scans."""

    data: bytes
    orientation: int
    scans: int


def undress(data: bytes) -> Jpeg:
    """The picture in `data` without what only describes it: EXIF, XMP, comments, thumbnails, anything after its end.

    Kept is what changes colours: JFIF, the Adobe marker, the ICC profile.
    Raises ValueError where the segments do not add up or are too many (ITU T.81, annex B).
    """
    kept, turned, scans, position = [data[:2]], 1, 0, 2
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARKER.search(data, position)
        if not found:
            if not scans:
                raise ValueError("no picture before the end of the file")
            kept.append(data[position:])  # cut off within a scan: the decoder decides
            return Jpeg(b"".join(kept), turned, scans)
        if scans:
            kept.append(data[position : found.start()])  # the scan's own bytes
        marker, position = found[1][0], found.end()
        if marker == _EOI:
            return Jpeg(b"".join([*kept, b"\xff\xd9"]), turned, scans)
        (length,) = struct.unpack(">H", data[position : position + 2].rjust(2, b"\0"))
        body = data[position + 2 : position + length]
        if marker == _SOI or length < 2:
            raise ValueError("a segment that does not fit")
        position += length
        scans += marker == _SOS
        if scans > MAX_SCANS:
            raise ValueError("too many scans")
        if turned == 1 and marker == 0xE1 and body.startswith(b"Exif\0\0"):
            turned = orientation(body)
        if _changes_pixels(marker, body):
            kept.append(b"\xff" + bytes([marker]) + struct.pack(">H", length) + body)
    raise ValueError("too many segments")


def _changes_pixels(marker: int, body: bytes) -> bool:
    if marker == 0xFE:  # a comment
        return False
    if not 0xE0 <= marker <= 0xEF:
        return True
    return (marker, body[:5]) in {(0xE0, b"JFIF\0"), (0xE2, b"ICC_P"), (0xEE, b"Adobe")}


def orientation(exif: bytes) -> int:
    """How the camera was held, 1 (upright) to 8, read from an EXIF block; 1 where it does not say.

    Pillow's own reader warns about every oddity and reads all tags; this is the one tag that changes the picture.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, offset)
        for number in range(min(entries, 256)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, offset + 2 + 12 * number)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # cut short
        pass
    return 1
