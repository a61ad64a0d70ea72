"""Filters of our own. All are async: aiogram runs any other kind in a thread, 170 us each."""

from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message

from service.bot.callbacks import Open


class Opens(Filter):
    """A button that opens one of these screens; gives its name as `opened`."""

    def __init__(self, *screens: str) -> None:
        self._packed = {Open(screen=screen).pack(): screen for screen in screens}

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, Any]:
        """Match on the packed form: nothing is parsed for a button that is not ours."""
        screen = self._packed.get(query.data or "")
        return {"opened": screen} if screen else False


class PlainText(Filter):
    """A text that is no command; gives it as `words`."""

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Match on any text that does not start with a slash."""
        words = message.text
        return {"words": words} if words is not None and not words.startswith("/") else False


class AnyCommand(Filter):
    """A command that nobody else took."""

    async def __call__(self, message: Message) -> bool:
        """Match on a text that starts with a slash."""
        return bool(message.text) and str(message.text).startswith("/")
