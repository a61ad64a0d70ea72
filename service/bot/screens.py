"""A screen is text and buttons; a reply is what a handler wants said or done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiogram.filters.callback_data import CallbackData

from service.bells import Bell

#: Longer labels are cut by Telegram's apps in ugly places.
LABEL_LENGTH_MAX = 60
#: What a phone shows across one row of buttons, and what each button takes of it for itself.
_ROW_LENGTH = 36
_BUTTON_EDGES = 2


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message."""

    label: str
    data: CallbackData


Rows: TypeAlias = Sequence[Sequence[Button]]


@dataclass(frozen=True, slots=True)
class Screen:
    """Text (Telegram HTML) with buttons."""

    text: str
    rows: Rows = ()

    def content(self) -> dict[str, Any]:
        """Give the parameters that sending and editing this screen share."""
        return {
            "text": self.text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            "reply_markup": keyboard(self.rows),
        }


@dataclass(frozen=True, slots=True)
class Say:
    """Post a new message; kept in the outbox until it is said."""

    screen: Screen


@dataclass(frozen=True, slots=True)
class Redraw:
    """Put the screen in the place of the one whose button was pressed; may be lost."""

    screen: Screen


@dataclass(frozen=True, slots=True)
class Toast:
    """Answer the button itself with a short line; `alert` waits to be closed."""

    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring a bell once the update is committed."""

    bell: Bell


Reply: TypeAlias = Say | Redraw | Toast | Ring
Replies: TypeAlias = list[Reply]


def keyboard(rows: Rows) -> dict[str, Any] | None:
    """Give the inline keyboard as Telegram takes it."""
    if not rows:
        return None
    return {
        "inline_keyboard": [
            [
                {"text": _cut(button.label, LABEL_LENGTH_MAX), "callback_data": button.data.pack()}
                for button in row
            ]
            for row in rows
            if row
        ]
    }


def in_columns(buttons: Sequence[Button], *, columns_max: int = 4) -> list[list[Button]]:
    """Lay buttons out in even columns, as many as the longest label leaves room for on a phone."""
    longest = max((len(button.label) for button in buttons), default=1)
    columns = max(1, min(columns_max, _ROW_LENGTH // (longest + _BUTTON_EDGES)))
    rows = -(-len(buttons) // columns)
    width = -(-len(buttons) // max(rows, 1))
    return [list(buttons[at : at + width]) for at in range(0, len(buttons), max(width, 1))]


def in_pairs(buttons: Iterable[Button]) -> list[list[Button]]:
    """Lay buttons out in their order, two in a row where both can be read on a phone."""
    rows: list[list[Button]] = []
    has_room = False
    for button in buttons:
        is_short = len(button.label) <= _ROW_LENGTH // 2 - _BUTTON_EDGES
        if is_short and has_room:
            rows[-1].append(button)
            has_room = False
        else:
            rows.append([button])
            has_room = is_short
    return rows


def excerpt(text: str, *, length_max: int = 300) -> str:
    """Give the beginning of a text in one paragraph."""
    return _cut(" ".join(text.split()), length_max)


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1].rstrip() + "…"
