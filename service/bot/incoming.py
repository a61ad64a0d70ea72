"""What came in: an update is read as far as the bot needs it, however odd the rest of it is."""

import json
import re
from typing import Any

import structlog
from aiogram import Bot
from aiogram.types import CallbackQuery, Message, Update, User
from pydantic import ValidationError

from service.errors import KartinaError

log = structlog.get_logger(__name__)

_NUL = "\\u0000"
#: Signs that JSON can spell and no database can keep.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
#: All that a handler looks at in a message; whether a payment came must never be overlooked.
_NEEDED = frozenset(
    {"message_id", "date", "chat", "from", "text", "successful_payment", "refunded_payment"}
)


class UnexpectedPaymentError(KartinaError):
    """A payment that nobody can account for must not pass silently: it is parked."""


def parse_update(body: str, bot: Bot) -> Update | None:
    """Read an update; None: of a shape that nobody understands, and that is logged.

    Raises UnexpectedPaymentError when money is in what can't be read.
    """
    context = {"bot": bot}
    try:
        if _NUL not in body:
            return Update.model_validate_json(body, context=context)
    except ValidationError:
        log.info("update_read_again", reason="the strict reader refused it")
    raw = _read_loosely(body)
    for attempt in (raw, _reduced(raw)):
        try:
            return Update.model_validate(attempt, context=context)
        except ValidationError as error:
            log.warning("update_not_understood", problems=error.error_count())
    if "_payment" in body:
        raise UnexpectedPaymentError("a payment can't be read: look at the update's body")
    return None


def refuse_payment(update: Update) -> None:
    """Raise for a payment: nothing is sold for Stars yet, so people must look at it."""
    message = update.message
    if message and (message.successful_payment or message.refunded_payment):
        raise UnexpectedPaymentError("a Stars payment came although nothing is sold for Stars")


def sender_of(update: Update) -> User | None:
    """Tell who speaks to the bot in private; None: it is not ours to answer.

    An edited message is not: the prompt was taken when it was sent, the card shows what counts.
    """
    event = update.message or update.callback_query or update.my_chat_member
    if event is None or event.from_user is None or event.from_user.is_bot:
        return None
    place = event.message if isinstance(event, CallbackQuery) else event
    is_private = place is None or place.chat.type == "private"
    return event.from_user if is_private else None


def leaves_dialog(update: Update) -> bool:
    """Tell whether the update is anything but an answer to what was asked."""
    text = update.message.text if update.message else None
    return update.callback_query is not None or bool(text and text.startswith("/"))


def editable_message_id(query: CallbackQuery | None) -> int | None:
    """Give the message that can be turned into another screen: ours, there, and of text."""
    message = query.message if query else None
    is_text = isinstance(message, Message) and message.text is not None
    return message.message_id if message and is_text else None


def _read_loosely(body: str) -> Any:
    try:
        return _cleaned(json.loads(body))
    except RecursionError:
        return {}


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return _UNKEEPABLE.sub("", value)
        case dict():
            return {key: _cleaned(item) for key, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
    return value


def _reduced(raw: Any) -> Any:
    """Leave out everything that no handler looks at: Telegram adds to it as it likes."""
    reduced = dict(raw) if isinstance(raw, dict) else {}
    if isinstance(message := reduced.get("message"), dict):
        reduced["message"] = {name: message[name] for name in message if name in _NEEDED}
    query = reduced.get("callback_query")
    if isinstance(query, dict) and isinstance(place := query.get("message"), dict):
        gone = {"chat": place.get("chat"), "message_id": place.get("message_id"), "date": 0}
        reduced["callback_query"] = query | {"message": gone}
    return reduced
