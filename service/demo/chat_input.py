"""The line the visitor writes on: remembers what was said, completes commands."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from service.stubs.telegram_person import MAX_SAID_CHARACTERS


class CommandSuggester(Suggester):
    """Completes a command the way Telegram's list does; asked anew, the bot may change it."""

    def __init__(self, commands: Callable[[], list[str]]) -> None:
        super().__init__(use_cache=False)
        self._commands = commands

    async def get_suggestion(self, value: str) -> str | None:
        """Give the first command that begins so."""
        if not value.startswith("/"):
            return None
        fitting = (name for name in self._commands() if f"/{name}".startswith(value))
        found = next(fitting, None)
        return f"/{found}" if found else None


class PromptInput(Input):
    """One line; Up and Down go through what was said before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Said before", show=False),
        Binding("down", "recall(1)", show=False),
        Binding("tab", "to_buttons", "Buttons", show=True),
    ]

    class ToButtons(Message):
        """The visitor wants to go to the newest buttons."""

    def __init__(self, commands: Callable[[], list[str]]) -> None:
        super().__init__(
            id="prompt",
            max_length=MAX_SAID_CHARACTERS,
            placeholder="Write to the bot…",
            suggester=CommandSuggester(commands),
            select_on_focus=False,
        )
        self._said: list[str] = []
        self._place = 0
        self._unsaid = ""

    def take(self) -> str:
        """Give what is written, remember it and clear the line."""
        words = self.value.strip()
        if words and (not self._said or self._said[-1] != words):
            self._said.append(words)
        self._place = len(self._said)
        self._unsaid = ""
        self.value = ""
        return words

    def action_recall(self, step: int) -> None:
        """Show what was said earlier or later; what is half written waits at the end."""
        place = self._place + step
        if not 0 <= place <= len(self._said):
            return
        if self._place == len(self._said):
            self._unsaid = self.value
        self._place = place
        self.value = self._said[place] if place < len(self._said) else self._unsaid
        self.cursor_position = len(self.value)

    def action_to_buttons(self) -> None:
        """Leave the line for the buttons above it."""
        self.post_message(self.ToButtons())

    def _on_paste(self, event: events.Paste) -> None:
        """Take all lines of what is pasted: the line has room for one."""
        event.text = " ".join(event.text.split())
        super()._on_paste(event)
