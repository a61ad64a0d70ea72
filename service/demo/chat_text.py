"""Telegram's texts for a terminal: entities become styles, quotes and code become blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.content import Content, Span

JsonObject = dict[str, Any]

#: Asks for the coloured form of a sign; terminals disagree on how wide the sign is then.
_COLOURED_FORM = "\ufe0f"
#: Two of these letters make a flag; as a flag its width differs between terminals.
_FLAG_LETTERS = {0x1F1E6 + place: chr(ord("A") + place) for place in range(26)}
_STYLES = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strikethrough": "strike",
    "spoiler": "dim",
    "code": "#8ec7ff",
    "text_link": "#6ab3f3 underline",
    "url": "#6ab3f3 underline",
    "bot_command": "#6ab3f3",
}
_BLOCKS = {"blockquote": "quote", "expandable_blockquote": "quote", "pre": "pre"}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a text that is shown as one: kind text, quote or pre."""

    kind: str
    content: Content


def read_blocks(text: str, entities: list[JsonObject]) -> list[Block]:
    """Split a text where quotes and code begin and end, and style what is inside."""
    places = _places(text)
    spans, cuts = [], []
    for entity in entities:
        start = places[min(entity["offset"], len(places) - 1)]
        end = places[min(entity["offset"] + entity["length"], len(places) - 1)]
        kind = entity["type"]
        if kind in _BLOCKS:
            cuts.append((start, end, _BLOCKS[kind]))
        elif kind in _STYLES:
            spans.append(Span(start, end, _STYLES[kind]))
    return list(_cut(Content(plain(text), spans), sorted(cuts)))


def plain(text: str) -> str:
    """Leave out or spell out what terminals draw in different widths."""
    return text.replace(_COLOURED_FORM, "").translate(_FLAG_LETTERS)


def size_of(count_bytes: int) -> str:
    """Spell a number of bytes for people."""
    kilobytes = count_bytes / 1024
    return f"{kilobytes:.0f} KB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f} MB"  # noqa: PLR2004 - bytes


def _places(text: str) -> list[int]:
    """For each offset in UTF-16 units: where it lies in the text as it is shown."""
    places, shown = [], 0
    for character in text:
        places += [shown] * (2 if character > "\uffff" else 1)
        shown += character != _COLOURED_FORM
    return [*places, shown]


def _cut(content: Content, cuts: list[tuple[int, int, str]]) -> Iterator[Block]:
    position = 0
    for start, end, kind in cuts:
        if start < position:
            continue  # A block inside another one is shown with it.
        yield from _block("text", content[position:start])
        yield from _block(kind, content[start:end])
        position = end
    yield from _block("text", content[position:])


def _block(kind: str, content: Content) -> Iterator[Block]:
    # A block stands on lines of its own: the line breaks around it are seen without them.
    trimmed = content.plain.strip("\n")
    if not trimmed:
        return
    lead = len(content.plain) - len(content.plain.lstrip("\n"))
    yield Block(kind, content[lead : lead + len(trimmed)])
