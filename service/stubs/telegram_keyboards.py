"""Reply markup: what Telegram accepts as a keyboard, and what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from service.stubs.telegram_errors import bad_request

MAX_BUTTONS = 100
MAX_CALLBACK_BYTES = 64
MAX_COPIED_CHARACTERS = 256
MAX_PLACEHOLDER_CHARACTERS = 64

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)
_STYLES = frozenset({"primary", "success", "danger"})

JsonObject = dict[str, Any]
Rows = list[list[JsonObject]]


@dataclass(frozen=True, slots=True)
class Markup:
    """A checked reply markup: an inline keyboard, or a keyboard under the input field."""

    inline: Rows | None = None
    # None leaves the person's keyboard as it is; an empty list takes it away.
    reply: list[list[str]] | None = None


def read_markup(markup: Any, *, is_invoice: bool = False) -> Markup:
    """Check a reply_markup and sort it into the two kinds."""
    if markup is None:
        return Markup()
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _read_rows(markup["inline_keyboard"], is_invoice=is_invoice)
        return Markup(inline=rows or None)
    if "keyboard" in markup:
        return Markup(reply=_read_reply_rows(markup))
    if markup.get("remove_keyboard"):
        return Markup(reply=[])
    return Markup()


def _read_rows(rows: Any, *, is_invoice: bool) -> Rows:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    checked = [[_read_button(button) for button in row] for row in rows if row]
    buttons = [button for row in checked for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    paying = [index for index, button in enumerate(buttons) if "pay" in button]
    if is_invoice and buttons and paying[:1] != [0]:
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")
    if len(paying) > (1 if is_invoice else 0):
        raise bad_request("BUTTON_TYPE_INVALID")
    return checked


def _read_button(button: Any) -> JsonObject:
    """One inline button: a text and exactly one action that does something."""
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request('can\'t parse inline keyboard button: field "text" must be non-empty')
    filled: JsonObject = {key: value for key, value in button.items() if value is not None}
    actions = [action for action in _ACTIONS if action in filled and filled[action] is not False]
    if not actions:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one action is allowed")
    if filled.get("style") not in {None, *_STYLES}:
        raise bad_request("can't parse inline keyboard button: invalid button style specified")
    _check_action(filled, actions[0])
    return filled


def _check_action(button: JsonObject, action: str) -> None:
    match action:
        case "callback_data":
            data = button["callback_data"]
            if not isinstance(data, str) or not 0 < len(data.encode()) <= MAX_CALLBACK_BYTES:
                raise bad_request("BUTTON_DATA_INVALID")
        case "url":
            _check_url(button["url"])
        case "copy_text":
            copied = button["copy_text"]
            copied = copied.get("text") if isinstance(copied, dict) else None
            if not isinstance(copied, str) or not 0 < len(copied) <= MAX_COPIED_CHARACTERS:
                raise bad_request("BUTTON_COPY_TEXT_INVALID")
        case _:
            pass


def _check_url(url: Any) -> None:
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    is_web = parts.scheme in {"http", "https", ""} and "." in (parts.netloc or parts.path)
    if not is_web and parts.scheme not in {"tg", "ton"}:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _read_reply_rows(markup: JsonObject) -> list[list[str]]:
    placeholder = markup.get("input_field_placeholder") or ""
    rows = markup["keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "keyboard" of the ReplyKeyboardMarkup must be an Array')
    if len(placeholder) > MAX_PLACEHOLDER_CHARACTERS:
        raise bad_request("REPLY_MARKUP_INVALID")
    return [list(_reply_texts(row)) for row in rows]


def _reply_texts(row: list[Any]) -> Iterator[str]:
    for button in row:
        text = button.get("text") if isinstance(button, dict) else button
        if not isinstance(text, str) or not text:
            raise bad_request("can't parse keyboard button: text must be non-empty")
        yield text
