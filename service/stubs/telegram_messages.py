"""Messages of a chat as the person in it sees them."""

from dataclasses import dataclass
from typing import Any

from service.stubs.telegram_files import StoredFile

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button; exactly one of its actions is there."""

    text: str
    data: str | None = None
    url: str | None = None
    pay: bool = False


@dataclass(slots=True)
class ChatMessage:
    """A message in a chat; an edit replaces `raw`, the Message object of the Bot API."""

    raw: JsonObject
    html: str
    media: StoredFile | None = None
    edits: int = 0
    born_at: float = 0.0

    @property
    def message_id(self) -> int:
        """The id inside the chat."""
        return int(self.raw["message_id"])

    @property
    def chat_id(self) -> int:
        """The chat it stands in."""
        return int(self.raw["chat"]["id"])

    @property
    def from_bot(self) -> bool:
        """Whether the bot sent it."""
        return bool(self.raw["from"]["is_bot"])

    @property
    def text(self) -> str | None:
        """The text after entity parsing; None for media."""
        return self.raw.get("text")

    @property
    def caption(self) -> str | None:
        """The caption after entity parsing."""
        return self.raw.get("caption")

    @property
    def buttons(self) -> list[list[Button]]:
        """Rows of inline buttons."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [[_as_button(button) for button in row] for row in rows]

    @property
    def photo(self) -> bytes | None:
        """The picture's bytes as they were sent."""
        return self.media.data if self.media and self.media.kind == "photo" else None

    @property
    def document(self) -> bytes | None:
        """The document's bytes."""
        return self.media.data if self.media and self.media.kind == "document" else None

    @property
    def media_group_id(self) -> str | None:
        """What the members of one album share."""
        return self.raw.get("media_group_id")

    @property
    def invoice(self) -> JsonObject | None:
        """The invoice it shows."""
        return self.raw.get("invoice")

    def button(self, wanted: str) -> Button | None:
        """The button with this data or this text."""
        for row in self.buttons:
            for button in row:
                if wanted in (button.data, button.text):
                    return button
        return None


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """A change the person sees: message, edit, delete, callback_answer, action or keyboard."""

    kind: str
    chat_id: int
    message: ChatMessage | None = None
    text: str = ""
    show_alert: bool = False


def _as_button(button: JsonObject) -> Button:
    return Button(
        text=button["text"],
        data=button.get("callback_data"),
        url=button.get("url"),
        pay=bool(button.get("pay")),
    )
