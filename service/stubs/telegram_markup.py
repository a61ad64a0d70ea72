"""Text with entities: Telegram's HTML parsed for real, lengths counted in UTF-16 units."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.stubs.telegram_errors import bad_request

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_ENTITIES = 100

_SIMPLE_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
}
_OTHER_TAGS = frozenset({"a", "span", "tg-emoji", "blockquote"})
_CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_ATTRIBUTE = re.compile(r"\s*([^\s=>/]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+))?")
_TAG_END = re.compile(r"[\s>]")
_COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w+)?")
# Telegram replaces control characters by spaces and drops characters that turn lines around.
_CLEANED = {code: " " for code in range(32) if code not in (9, 10, 13)} | dict.fromkeys(
    [13, *range(0x2028, 0x202F)]
)


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Text as the reader sees it, its entities, and the HTML that makes it."""

    text: str
    entities: list[dict[str, Any]]
    html: str


@dataclass(slots=True)
class _OpenTag:
    name: str
    offset_units: int
    attributes: dict[str, str]


def count_units(text: str) -> int:
    """Length in UTF-16 code units, the way Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def format_text(text: str, parse_mode: str, entities: Any) -> FormattedText:
    """Parse a text the way its parse_mode asks; refuse markup that Telegram refuses."""
    cleaned = text.translate(_CLEANED)
    match parse_mode.lower():
        case "":
            plain = _trim(cleaned, _check_entities(entities))
            return FormattedText(*plain, html.escape(plain[0], quote=False))
        case "html":
            parsed = _HtmlReader(cleaned).read()
            return FormattedText(*_trim(*parsed), cleaned.strip())
        case _:
            # Markdown is not parsed here: a refusal is better than a wrong yes.
            raise bad_request("unsupported parse_mode")


def format_message(text: str, parse_mode: str, entities: Any) -> FormattedText:
    """A message's text: 1-4096 units after parsing."""
    if not text.strip():
        raise bad_request("message text is empty")
    formatted = format_text(text, parse_mode, entities)
    if not formatted.text:
        raise bad_request("message text is empty")
    if count_units(formatted.text) > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    return formatted


def format_caption(text: str, parse_mode: str, entities: Any) -> FormattedText:
    """A caption: 0-1024 units after parsing."""
    formatted = format_text(text, parse_mode, entities)
    if count_units(formatted.text) > MAX_CAPTION_UNITS:
        raise bad_request("message caption is too long")
    return formatted


def find_commands(text: str) -> list[dict[str, Any]]:
    """Entities of the bot commands in a person's text."""
    return [
        {
            "offset": count_units(text[: found.start()]),
            "length": count_units(found.group()),
            "type": "bot_command",
        }
        for found in _COMMAND.finditer(text)
    ]


def _check_entities(entities: Any) -> list[dict[str, Any]]:
    if entities is None:
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    for entity in entities:
        if not isinstance(entity, dict) or not {"type", "offset", "length"} <= entity.keys():
            raise bad_request("can't parse entities: expected a MessageEntity object")
    return [dict(entity) for entity in entities]


def _trim(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Cut the blank edges off and keep the entities over what is left."""
    trimmed = text.strip()
    if not entities:
        return trimmed, []
    lead_units = count_units(text[: len(text) - len(text.lstrip())])
    return trimmed, list(_shift(entities, lead_units, count_units(trimmed)))[:MAX_ENTITIES]


def _shift(
    entities: list[dict[str, Any]], lead_units: int, total_units: int
) -> Iterator[dict[str, Any]]:
    for entity in sorted(entities, key=lambda each: (each["offset"], -each["length"])):
        start = max(0, entity["offset"] - lead_units)
        end = min(total_units, entity["offset"] + entity["length"] - lead_units)
        if end > start:
            yield entity | {"offset": start, "length": end - start}


@dataclass(slots=True)
class _HtmlReader:
    """One pass over Telegram's HTML."""

    source: str
    position: int = 0
    units: int = 0
    pieces: list[str] = field(default_factory=list)
    stack: list[_OpenTag] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> tuple[str, list[dict[str, Any]]]:
        """The plain text and its entities."""
        while self.position < len(self.source):
            match self.source[self.position]:
                case "<" if self.source.startswith("</", self.position):
                    self._read_end_tag()
                case "<":
                    self._read_start_tag()
                case "&":
                    self._read_character()
                case _:
                    self._read_run()
        if self.stack:
            name = self.stack[-1].name
            raise self._refusal(f'Can\'t find end tag corresponding to start tag "{name}"')
        return "".join(self.pieces), self.entities

    def _refusal(self, text: str) -> Exception:
        return bad_request(f"can't parse entities: {text}")

    def _place(self, position: int) -> str:
        return f"at byte offset {len(self.source[:position].encode())}"

    def _put(self, text: str) -> None:
        self.pieces.append(text)
        self.units += count_units(text)

    def _read_run(self) -> None:
        stops = [self.source.find(stop, self.position) for stop in "<&"]
        end = min((stop for stop in stops if stop >= 0), default=len(self.source))
        self._put(self.source[self.position : end])
        self.position = end

    def _read_character(self) -> None:
        found = _CHARACTER.match(self.source, self.position)
        spelled = found.group() if found else "&"
        self._put(html.unescape(spelled) if found else "&")
        self.position += len(spelled)

    def _read_start_tag(self) -> None:
        begin = self.position
        rest = self.source[begin + 1 :]
        name = _TAG_END.split(rest, maxsplit=1)[0].lower()
        end = self.source.find(">", begin)
        if len(name) < len(rest) and name not in _SIMPLE_TAGS and name not in _OTHER_TAGS:
            raise self._refusal(f'Unsupported start tag "{name}" {self._place(begin)}')
        if end < 0:
            raise self._refusal(f"Unclosed start tag {self._place(begin)}")
        attributes = {
            key.lower(): html.unescape(value.strip("\"'"))
            for key, value in _ATTRIBUTE.findall(self.source[begin + 1 + len(name) : end])
        }
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._refusal(f'Tag "span" must have class "tg-spoiler" {self._place(begin)}')
        self.stack.append(_OpenTag(name, self.units, attributes))
        self.position = end + 1

    def _read_end_tag(self) -> None:
        begin = self.position
        end = self.source.find(">", begin)
        if end < 0:
            raise self._refusal(f"Unclosed end tag {self._place(begin)}")
        if not self.stack:
            raise self._refusal(f"Unexpected end tag {self._place(begin)}")
        name = self.source[begin + 2 : end].strip().lower()
        tag = self.stack.pop()
        if name not in ("", tag.name):
            raise self._refusal(
                f'Unmatched end tag {self._place(begin)}, expected "</{tag.name}>", '
                f'found "</{name}>"'
            )
        self._close(tag)
        self.position = end + 1

    def _close(self, tag: _OpenTag) -> None:
        length = self.units - tag.offset_units
        kind = self._entity_of(tag)
        if not length or kind is None:
            return
        place = {"offset": tag.offset_units, "length": length}
        last = self.entities[-1] if self.entities else {}
        language = last.get("language") if place.items() <= last.items() else None
        if tag.name == "pre" and language:
            self.entities[-1] = place | {"type": "pre", "language": language}
            return
        if last.get("type") == "code":
            last.pop("language", None)
        self.entities.append(place | kind)

    def _entity_of(self, tag: _OpenTag) -> dict[str, str] | None:
        attributes = tag.attributes
        match tag.name:
            case "a":
                return {"type": "text_link", "url": attributes["href"]} if attributes else None
            case "span":
                return {"type": "spoiler"}
            case "tg-emoji":
                return {"type": "custom_emoji", "custom_emoji_id": attributes.get("emoji-id", "")}
            case "blockquote":
                long = "expandable" in attributes
                return {"type": "expandable_blockquote" if long else "blockquote"}
            case "code" if attributes.get("class", "").startswith("language-"):
                return {"type": "code", "language": attributes["class"].removeprefix("language-")}
            case name:
                return {"type": _SIMPLE_TAGS[name]}
