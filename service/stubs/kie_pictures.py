"""Result files of the stub: real PNGs that show and carry their prompt, of any wanted size."""

import colorsys
import hashlib
import io
import re
import struct
import textwrap
import zlib
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

LONGEST_SIDE = {"1K": 768, "2K": 896, "4K": 1024}
# Past this the picture would cost the stub's host more memory than a fault is worth.
LARGEST_AREA = 40_000_000
_NAMED_RATIOS = {
    "4_3": (4, 3), "3_2": (3, 2), "16_9": (16, 9), "21_9": (21, 9),
}  # fmt: skip
_UNITS = {"B": 1, "KB": 1000, "MB": 1_000_000, "MiB": 1 << 20}
_IEND = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
_CHUNK_OVERHEAD = 12
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_SPELLED = "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch ' y ' e yu ya"
_LATIN = str.maketrans(dict(zip(_CYRILLIC, _SPELLED.split(), strict=True)))

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What a picture says, drawn and as text chunks; `inputs` counts the images it was given."""

    prompt: str
    model: str
    title: str
    index: int = 0
    count: int = 1
    inputs: int = 0


def dimensions(*, ratio: str, resolution: str, side: str = "") -> tuple[int, int]:
    """Give width and height for a ratio and a class of resolution; `side` overrules both."""
    if side:
        width, _, height = side.partition("x")
        wide = int(width)
        tall = int(height) if height else max(1, wide // 10)
        return wide, max(1, min(tall, LARGEST_AREA // wide))
    across, down = _parts_of(ratio)
    longest = LONGEST_SIDE.get(resolution, LONGEST_SIDE["1K"])
    scale = longest / max(across, down)
    return max(1, round(across * scale)), max(1, round(down * scale))


def draw_picture(caption: Caption, *, size: tuple[int, int], jpeg: bool = False) -> bytes:
    """Draw a picture whose PNG chunks `prompt` and `model` can be read back."""
    image = _gradient(caption.prompt, size)
    _write(image, caption)
    out = io.BytesIO()
    if jpeg:
        image.save(out, "JPEG", quality=85)
        return out.getvalue()
    chunks = PngInfo()
    for key, value in (
        ("prompt", _storable(caption.prompt)),
        ("model", caption.model),
        ("inputs", str(caption.inputs)),
    ):
        chunks.add_itxt(key, value)
    image.save(out, "PNG", compress_level=1, pnginfo=chunks)
    return out.getvalue()


def picture_of_size(size_bytes: int, picture: bytes | None = None) -> bytes:
    """Make a valid PNG of exactly this size by padding one with a chunk that readers skip.

    ValueError when the picture alone is larger; without a picture the smallest is 100 bytes.
    """
    png = picture or _tiny_png()
    padding = size_bytes - len(png) - _CHUNK_OVERHEAD
    if padding < 0:
        raise ValueError(f"{size_bytes} bytes are too few: this picture has {len(png)} already.")
    body = b"paDd" + bytes(padding)
    chunk = struct.pack(">I", padding) + body + struct.pack(">I", zlib.crc32(body))
    return png.removesuffix(_IEND) + chunk + _IEND


def size_in_bytes(spelling: str) -> int:
    """Read `9.9MB` (millions), `10MiB`, `300KB` or `5000B`."""
    match = re.fullmatch(r"([\d.]+)(B|KB|MB|MiB)", spelling)
    if match is None:
        raise ValueError(f"{spelling!r} is no size; write it as 9.9MB, 10MiB, 300KB or 5000B.")
    return round(float(match[1]) * _UNITS[match[2]])


def tiny_video() -> bytes:
    """Make the smallest file that its first bytes call MP4; nothing can play it."""
    brand = b"isom\x00\x00\x02\x00isomiso2mp41"
    return b"".join(
        struct.pack(">I4s", len(content) + 8, kind) + content
        for kind, content in ((b"ftyp", brand), (b"free", b""), (b"mdat", b""))
    )


def _parts_of(ratio: str) -> tuple[float, float]:
    match = re.fullmatch(r"(\d{1,3}):(\d{1,3})", ratio)
    if match and int(match[1]) and int(match[2]):
        return int(match[1]), int(match[2])
    orientation, _, named = ratio.partition("_")
    across, down = _NAMED_RATIOS.get(named, (1, 1))
    return (down, across) if orientation == "portrait" and across > down else (across, down)


def _tiny_png() -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8), 128).save(out, "PNG")
    return out.getvalue()


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _gradient(seed: str, size: tuple[int, int]) -> Image.Image:
    hue = hashlib.sha256(_storable(seed).encode()).digest()[0] / 255
    first, second = (
        tuple(round(255 * part) for part in colorsys.hls_to_rgb((hue + turn) % 1, light, 0.55))
        for turn, light in ((0.0, 0.68), (0.13, 0.36))
    )
    mask = Image.linear_gradient("L").rotate(90 * (int(hue * 4) % 2)).resize(size)
    return Image.composite(Image.new("RGB", size, second), Image.new("RGB", size, first), mask)


def _write(image: Image.Image, caption: Caption) -> None:
    width, height = image.size
    points = max(10, min(44, width // 18, height // 9))
    margin = points
    draw = ImageDraw.Draw(image)
    footer = f"{caption.index + 1}/{caption.count}" + (f" +{caption.inputs}" * bool(caption.inputs))
    _text(draw, (margin, margin), caption.title, max(10, points * 3 // 4))
    _text(draw, (margin, height - 2 * margin), footer, max(10, points // 2))
    columns = max(4, int((width - 2 * margin) / (points * 0.62)))
    rows = max(1, int((height - 5 * margin) / (points * 1.3)))
    lines = textwrap.wrap(caption.prompt, width=columns, max_lines=rows, placeholder=" …")
    for number, line in enumerate(lines):
        _text(draw, (margin, round(margin * 2.8 + number * points * 1.3)), line, points)


def _text(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, points: int) -> None:
    font, draws_cyrillic = _font(points)
    line = "".join(letter if letter.isprintable() else " " for letter in _storable(text))
    if not draws_cyrillic:
        line = line.lower().translate(_LATIN)
    shadow = (place[0] + 1, place[1] + 1)
    draw.text(shadow, line, font=font, fill=(20, 20, 30))
    draw.text(place, line, font=font, fill=(255, 255, 255))


@lru_cache(maxsize=16)
def _font(points: int) -> tuple[Font, bool]:
    """Give a font, and whether it knows Cyrillic: Pillow's own doesn't, DejaVu may be absent."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", points), True
    except OSError:
        return ImageFont.load_default(size=points), False
