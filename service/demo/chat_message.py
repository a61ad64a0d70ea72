"""One message of the chat: a bubble with text, picture or file, and its inline buttons."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from service.demo.chat_pictures import Picture, draw_sketch
from service.demo.chat_text import Block, plain, read_blocks, size_of
from service.demo.keeping import keep_file
from service.stubs.telegram_files import StoredFile
from service.stubs.telegram_messages import Button as BotButton
from service.stubs.telegram_messages import ChatMessage

_PICTURE_COLUMNS, _PICTURE_ROWS = 60, 24
#: Rows of a screen that a picture leaves to its caption, its buttons and the line.
_OTHER_ROWS = 14
_PICTURE_ROWS_MIN = 6
#: The pictures of an album are smaller: several of them shall be seen at once.
_ALBUM_COLUMNS, _ALBUM_ROWS = 28, 10
_DRAWN_KINDS = ("photo", "sticker")


class InlineButton(Button):
    """An inline button of the bot; arrow keys lead to its neighbours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
    ]

    class Chosen(Message):
        """The visitor pressed it."""

        def __init__(self, message: ChatMessage, button: BotButton) -> None:
            super().__init__()
            self.message = message
            self.button = button

    def __init__(self, message: ChatMessage, button: BotButton, *, is_odd: bool) -> None:
        super().__init__(Content(plain(button.text)), compact=True, classes="inline-button")
        self.set_class(is_odd, "odd")
        self.bot_button = button
        self._message = message

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Say which message and button it was."""
        event.stop()
        self.post_message(self.Chosen(self._message, self.bot_button))

    def action_step(self, rows: int) -> None:
        """Go to the first button of the row above or below."""
        chain = self.screen.focus_chain
        place = chain.index(self)
        others = chain[place + 1 :] if rows > 0 else chain[:place][::-1]
        target: Widget | None = next((each for each in others if self._is_elsewhere(each)), None)
        if isinstance(target, InlineButton) and target.parent is not None:
            target = next(iter(target.parent.query(InlineButton)))
        if target is not None:
            target.focus()

    def _is_elsewhere(self, other: Widget) -> bool:
        return other.parent is not self.parent


class MessageView(Vertical):
    """A message as it stands now; `show` again after each edit."""

    def __init__(self, message: ChatMessage, *, keep_in: Path, in_album: bool = False) -> None:
        side = "from-bot" if message.from_bot else "from-visitor"
        super().__init__(id=f"message-{message.message_id}", classes=f"message {side}")
        # The members of an album stand close together; the first one keeps its distance.
        self.set_class(in_album, "in-album")
        self.message = message
        self._keep_in = keep_in
        self._blocks: list[Block] | None = None
        self._rows: list[list[BotButton]] = []
        self._media: StoredFile | None = None

    def compose(self) -> ComposeResult:
        """Lay out the bubble; its parts are filled by `show`."""
        with Vertical(classes="bubble"):
            yield Vertical(classes="media empty")
            yield Vertical(classes="words empty")
            yield Vertical(classes="keyboard empty")

    async def show(self) -> None:
        """Draw what has changed since the last time."""
        message = self.message
        rows = message.buttons
        # What is added to a bubble makes it grow in one step, not in three.
        media = await self._draw_media() if message.media is not self._media else None
        with self.app.batch_update():
            if media is not None:
                await self._replace("media", media)
            blocks = _blocks(message)
            if blocks != self._blocks:
                self._blocks = blocks
                await self._replace(
                    "words", [Static(block.content, classes=block.kind) for block in blocks]
                )
            if rows != self._rows:
                await self._show_keyboard(rows)
        self._media = message.media

    async def _show_keyboard(self, rows: list[list[BotButton]]) -> None:
        buttons = list(self.query(InlineButton))
        place = next((place for place, each in enumerate(buttons) if each.has_focus), None)
        before, self._rows = self._rows, rows
        self.query_one(".bubble").set_class(bool(rows), "with-keyboard")
        await self._replace(
            "keyboard",
            [
                Horizontal(
                    *(InlineButton(self.message, button, is_odd=number % 2 > 0) for button in row),
                    classes="button-row",
                )
                for number, row in enumerate(rows)
            ],
        )
        if place is not None:
            self._focus_again(place, before)

    def _focus_again(self, place: int, before: list[list[BotButton]]) -> None:
        """Keep the focus on the button that was pressed, or where the next one is expected."""
        after = list(self.query(InlineButton))
        pressed = [button for row in before for button in row][place]
        same = next((each for each in after if each.bot_button.data == pressed.data), None)
        if same is None and len(after) > 1:
            # The next page of a list looks like the one before; another screen begins anew.
            is_alike = [len(row) for row in before] == [len(row) for row in self._rows]
            same = after[place] if is_alike else after[0]
        # One last button is not meant by whoever presses Enter twice.
        (same or self.screen.query_one("#prompt")).focus(scroll_visible=False)

    async def _replace(self, part: str, widgets: list[Widget]) -> None:
        holder = self.query_one(f".{part}", Vertical)
        await holder.remove_children()
        await holder.mount(*widgets)
        holder.set_class(not widgets, "empty")

    async def _draw_media(self) -> list[Widget]:
        """Keep the file, sketch a picture, and name both."""
        media = self.message.media
        if media is None:
            return []
        path = await asyncio.to_thread(keep_file, self._keep_in, self.message)
        widgets: list[Widget] = []
        if media.kind in _DRAWN_KINDS:
            in_album = self.message.media_group_id is not None
            sketch = await asyncio.to_thread(
                draw_sketch, media.data,
                columns_max=_ALBUM_COLUMNS if in_album else _PICTURE_COLUMNS,
                rows_max=max(
                    _PICTURE_ROWS_MIN,
                    min(
                        _ALBUM_ROWS if in_album else _PICTURE_ROWS,
                        self.app.size.height - _OTHER_ROWS,
                    ),
                ),
            )  # fmt: skip
            if sketch is not None:
                widgets.append(Picture(sketch))
        return [*widgets, Static(_describe(media, path), classes="file")]

    async def on_key(self, event: events.Key) -> None:
        """Leave the buttons with Escape."""
        if event.key == "escape":
            event.stop()
            self.screen.query_one("#prompt").focus()


def _blocks(message: ChatMessage) -> list[Block]:
    return [*_notices(message), *_words(message)]


def _words(message: ChatMessage) -> list[Block]:
    if message.text is not None:
        return read_blocks(message.text, message.raw.get("entities", []))
    return read_blocks(message.caption or "", message.raw.get("caption_entities", []))


def _notices(message: ChatMessage) -> Iterator[Block]:
    """Spell what has no text of its own."""
    if invoice := message.invoice:
        yield Block("text", Content.styled(plain(invoice["title"]), "bold"))
        yield Block("text", Content(plain(invoice["description"])))
        yield Block("text", Content(f"⭐ {invoice['total_amount']}"))
    if payment := message.raw.get("successful_payment"):
        yield Block("text", Content(f"⭐ You paid {payment['total_amount']} Stars"))
    if refund := message.raw.get("refunded_payment"):
        yield Block("text", Content(f"⭐ {refund['total_amount']} Stars came back to you"))


def _describe(media: StoredFile, path: Path) -> Content:
    sides = f"{media.width} x {media.height} · " if media.width else ""
    sign = "🖼" if media.kind in _DRAWN_KINDS else "📄"
    name = path.name if media.kind in _DRAWN_KINDS else plain(media.name)
    return Content(f"{sign} {name} · {sides}{size_of(len(media.data))}")
