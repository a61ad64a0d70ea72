"""Pictures in a terminal: two pixels a cell, the upper one drawn by a half block."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

_UPPER_HALF = "▀"
#: A picture larger than this is not decoded for a sketch of it.
_PIXELS_MAX = 40_000_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture as rows of cells."""

    strips: list[Strip]
    width: int
    height: int


def draw_sketch(data: bytes, *, columns_max: int, rows_max: int) -> Sketch | None:
    """Draw a picture with half blocks; None when it can't be drawn. Slow: call it in a thread."""
    try:
        with warnings.catch_warnings():
            # A huge picture is left out by its size below; Pillow's warning adds nothing.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > _PIXELS_MAX:
                    return None
                small = _shrink(picture, columns_max, rows_max * 2)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return None
    return _as_cells(small)


def _shrink(picture: Image.Image, width_max: int, height_max: int) -> Image.Image:
    picture.draft("RGB", (width_max * 2, height_max * 2))  # JPEG decodes to less at once.
    scale = min(width_max / picture.width, height_max / picture.height, 1.0)
    width = max(1, round(picture.width * scale))
    height = max(2, round(picture.height * scale / 2) * 2)
    return picture.convert("RGB").resize((width, height), reducing_gap=2.0)


def _as_cells(picture: Image.Image) -> Sketch:
    width, height = picture.size
    pixels = picture.tobytes()
    line = width * 3

    def color(column: int, row: int) -> Color:
        start = row * line + column * 3
        return Color.from_rgb(*pixels[start : start + 3])

    strips = [
        Strip(
            [
                Segment(_UPPER_HALF, Style(color=color(x, y), bgcolor=color(x, y + 1)))
                for x in range(width)
            ],
            width,
        )
        for y in range(0, height, 2)
    ]
    return Sketch(strips, width, height // 2)


class Picture(Widget):
    """Shows a sketch as it is."""

    DEFAULT_CSS = "Picture { width: auto; height: auto; }"

    def __init__(self, sketch: Sketch) -> None:
        super().__init__()
        self._sketch = sketch

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 - Textual's
        """Give the sketch's width in cells."""
        return self._sketch.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Give the sketch's height in cells."""
        return self._sketch.height

    def render_line(self, y: int) -> Strip:
        """Give one row of cells."""
        strips = self._sketch.strips
        return strips[y] if y < len(strips) else Strip.blank(self._sketch.width)
