"""What a file is, told by its first bytes; Pillow made the pictures, our reader measures them."""

import io
import struct

import pytest
from PIL import Image

from service.gateways.pictures import NotAPictureError, tell_medium

MODES = {"PNG": "RGBA", "WEBP": "RGBA", "GIF": "P", "JPEG": "RGB"}
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + b"\x00" * 40


def picture(kind="PNG", size=(30, 20), **options):
    stream = io.BytesIO()
    Image.new(MODES[kind], size).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (300, 200), (5000, 3), (12_000, 12_000)])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
     ("JPEG", {"exif": b"Exif\0\0" + b"x" * 60_000}), ("WEBP", {}), ("WEBP", {"lossless": True})],
)  # fmt: skip
def test_pictures_are_measured_from_their_headers(kind, options, size):
    # Given a picture of each kind, larger than Pillow cares to open included
    if size[0] > 5000 and kind != "PNG":
        size = (9000, 11)
    content = picture(kind, size, **options)

    # When it is measured, Then kind and size are right
    medium = tell_medium(io.BytesIO(content))
    assert (medium.media_type, medium.width, medium.height) == (f"image/{kind.lower()}", *size)


def test_an_opaque_webp_and_an_animated_one_are_measured():
    # Given the two kinds of WebP that hold no alpha or many frames
    opaque, animated = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (41, 17)).save(opaque, "WEBP")
    frames = [Image.new("RGB", (41, 17), shade) for shade in ("red", "blue")]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])

    # When they are measured, Then both have their size
    for stream in (opaque, animated):
        stream.seek(0)
        medium = tell_medium(stream)
        assert (medium.width, medium.height) == (41, 17)


def test_a_jpeg_with_its_tables_first_is_measured():
    # Given a JPEG whose Huffman table, in the range of frame markers, comes before the frame
    plain = picture("JPEG")
    content = plain[:2] + b"\xff\xc4\x00\x07\0\0\0\0\0" + plain[2:]

    # When it is measured, Then the frame counts
    medium = tell_medium(io.BytesIO(content))
    assert (medium.width, medium.height) == (30, 20)


def test_a_video_is_told_but_not_measured():
    # Given an MP4, When told, Then it is one
    medium = tell_medium(io.BytesIO(MP4))
    assert (medium.media_type, medium.width) == ("video/mp4", None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P",
        b"<html>gone</html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n",
        picture()[:20],
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 0, 7) + b"\0" * 20,
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\0\xff\xd9",
        b"\xff\xd8" + b"\xff\xe0\0\x02" * 5000,
        picture("JPEG")[:40],
        b"GIF89a\x01",
        b"GIF89a\0\0\0\0" + b"\0" * 30,
        b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 30,
        b"RIFF\0\0\0\0WEBPJUNK" + b"\0" * 30,
        b"\0\0\0\x18ftypheic" + b"\0" * 30,
        b"\0\0\0\x18ftypavif" + b"\0" * 30,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_anything_else_is_no_picture(content):
    # Given other bytes, or a header that is cut off, When told, Then it is refused
    with pytest.raises(NotAPictureError):
        tell_medium(io.BytesIO(content))
