"""Style presets: words that are added to a prompt where a model has no style of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import yaml

from service.errors import KartinaError

#: The code of the preset that adds nothing.
NO_STYLE = "none"

_CODE = re.compile(r"[a-z0-9]{2,12}")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StylesError(KartinaError):
    """The styles can't be used; the message is one line with file, style and field."""


@dataclass(frozen=True, slots=True)
class Style:
    """One preset: how it is shown, and what it adds to a prompt."""

    code: str
    emoji: str
    name: Mapping[str, str]
    suffix: str


class _RawStyle(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    emoji: str
    name: dict[str, str]
    suffix: str


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    styles: list[_RawStyle]


@cache
def load_styles() -> Mapping[str, Style]:
    """Read the packaged presets by code, once, in the order of the file."""
    source = files("service") / "data" / "styles.yaml"
    return parse_styles(source.read_text(encoding="utf-8"), name=source.name)


def parse_styles(text: str, *, name: str) -> dict[str, Style]:
    """Read presets from a data file's text; `name` stands in the error."""
    try:
        document = msgspec.convert(yaml.load(text, Loader=_LOADER), _Document)  # noqa: S506 - a safe loader, in C where there is one
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise StylesError(f"{name}: {' '.join(str(error).split())}") from error
    styles: dict[str, Style] = {}
    for raw in document.styles:
        mistake = _mistake(raw, known=styles, is_first=not styles)
        if mistake is not None:
            raise StylesError(f"{name}: {raw.code}: {mistake}")
        styles[raw.code] = Style(raw.code, raw.emoji, raw.name, raw.suffix)
    return styles


def _mistake(raw: _RawStyle, *, known: Mapping[str, Style], is_first: bool) -> str | None:
    if not _CODE.fullmatch(raw.code):
        return "code: must be 2-12 of a-z and 0-9"
    if raw.code in known:
        return "code: is used twice"
    if is_first != (raw.code == NO_STYLE):
        return f"code: the first style, and only that, is {NO_STYLE!r}"
    if set(raw.name) != {"ru", "en"}:
        return "name: ru and en are needed"
    if bool(raw.suffix) == (raw.code == NO_STYLE):
        return f"suffix: needed, but for {NO_STYLE!r}"
    return None
