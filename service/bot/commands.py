"""The list of commands that Telegram shows beside the input field."""

import structlog

from service.errors import KartinaError
from service.ports import Messenger
from service.texts import LOCALES, text

log = structlog.get_logger(__name__)

#: In the order of the menu; /start and /id work too, but nobody looks for them there.
SHOWN = (
    "generate", "menu", "models", "balance", "topup", "history", "transactions", "language",
    "cancel", "help", "paysupport", "terms", "privacy",
)  # fmt: skip


async def publish_commands(messenger: Messenger) -> None:
    """Tell Telegram our commands in every language; a bot without that list works as well."""
    for locale in LOCALES:
        commands = [{"command": c, "description": text(f"command-{c}", locale)} for c in SHOWN]
        parameters = {
            "commands": commands,
            "scope": {"type": "all_private_chats"},
            # English is what everybody sees whose language we don't speak.
            "language_code": "" if locale == "en" else locale,
        }
        try:
            await messenger.call("setMyCommands", parameters)
        except KartinaError as error:
            log.warning("commands_not_published", error=type(error).__name__)
            return
