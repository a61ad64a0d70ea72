"""What a file is, told from its first bytes and never from its name or Content-Type.

Headers are read by hand: no decoder runs, so no picture is too large to be measured.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
}

_HEAD_BYTES = 32
_SEGMENTS_MAX = 2000
_MP4_BRANDS = frozenset(
    {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V "}
)
# A start-of-frame marker carries the size; C4, C8 and CC in the same range mean other things.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = frozenset({0xD9, 0xDA})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_FILL = 0xFF


class NotAPictureError(Exception):
    """The bytes are no picture or video of a kind we deliver."""


@dataclass(frozen=True, slots=True)
class Medium:
    """What a file is; a video is not measured."""

    media_type: str
    width: int | None = None
    height: int | None = None


def tell_medium(stream: BinaryIO) -> Medium:
    """Tell what the file is and how large the picture; NotAPictureError for anything else."""
    head = stream.read(_HEAD_BYTES)
    try:
        medium = _tell(head, stream)
    except (struct.error, IndexError):
        raise NotAPictureError("Its header is cut off.") from None
    if medium.media_type.startswith("image/") and not (medium.width and medium.height):
        raise NotAPictureError("It is a picture without a size.")
    return medium


def _tell(head: bytes, stream: BinaryIO) -> Medium:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return Medium("image/png", *struct.unpack(">II", head[16:24]))
    if head.startswith(b"\xff\xd8\xff"):
        stream.seek(2)
        return Medium("image/jpeg", *_jpeg_size(stream))
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Medium("image/gif", *struct.unpack("<HH", head[6:10]))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Medium("image/webp", *_webp_size(head))
    if head[4:8] == b"ftyp" and head[8:12] in _MP4_BRANDS:
        return Medium("video/mp4")
    raise NotAPictureError("Its first bytes are those of no kind we know.")


def _jpeg_size(stream: BinaryIO) -> tuple[int, int]:
    """Walk the segments to the one that holds the size; each names its own length."""
    for _ in range(_SEGMENTS_MAX):
        if stream.read(1) != b"\xff":
            break
        marker = _JPEG_FILL
        while marker == _JPEG_FILL:
            marker = stream.read(1)[0]
        if marker in _JPEG_BARE:
            continue
        if marker in _JPEG_SCAN:
            break
        (length,) = struct.unpack(">H", stream.read(2))
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
        stream.seek(max(length - 2, 0), 1)
    raise NotAPictureError("It is a JPEG without a size.")


def _webp_size(head: bytes) -> tuple[int, int]:
    """Read the size where the first of the three kinds of WebP chunk keeps it."""
    match head[12:16]:
        case b"VP8X":
            width = int.from_bytes(head[24:27], "little") + 1
            height = int.from_bytes(head[27:30], "little") + 1
            return width, height
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            raise NotAPictureError("It is a WebP without a size.")
