"""Reads from an update no more than is needed to keep it: its id, its chat, who wants to pay."""

import json
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import msgspec

from service.errors import PermanentError
from service.store.updates import ReceivedUpdate

_BIGINT_MAX = 2**63 - 1


class MalformedUpdateError(PermanentError):
    """This is no update: not JSON, or without an integer `update_id`."""


class _Party(msgspec.Struct):
    id: int


class _Person(msgspec.Struct):
    id: int
    language_code: str | None = None


class _Message(msgspec.Struct):
    chat: _Party | None = None
    sender: _Party | None = msgspec.field(default=None, name="from")


class _Press(msgspec.Struct):
    message: _Message | None = None
    sender: _Party | None = msgspec.field(default=None, name="from")


class PreCheckoutQuery(msgspec.Struct):
    """Telegram asks whether an order may be paid; it waits 10 s."""

    id: str
    sender: _Person = msgspec.field(name="from")
    invoice_payload: str = ""
    currency: str = ""
    total_amount: int = 0


class _Update(msgspec.Struct):
    update_id: int
    message: _Message | None = None
    edited_message: _Message | None = None
    channel_post: _Message | None = None
    callback_query: _Press | None = None
    my_chat_member: _Message | None = None
    pre_checkout_query: PreCheckoutQuery | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was read of an update, and the update as it came."""

    update: ReceivedUpdate
    pre_checkout_query: PreCheckoutQuery | None


_Object: TypeAlias = dict[str, Any]
_known = msgspec.json.Decoder(_Update)


def read_update(body: bytes) -> Envelope:
    """Read an update, of any type and with any fields; `MalformedUpdateError` when it is none."""
    text = _text(body)
    try:
        update = _known.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _read_unknown(text)
    chat_id = _chat_of(update)
    if chat_id is None or not _is_bigint(update.update_id) or not _is_bigint(chat_id):
        return _read_unknown(text)
    received = ReceivedUpdate(update.update_id, chat_id, text)
    return Envelope(received, update.pre_checkout_query)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise MalformedUpdateError("an update is not UTF-8") from error


def _chat_of(update: _Update) -> int | None:
    message = (
        update.message or update.edited_message or update.channel_post or update.my_chat_member
    )
    if message is not None:
        party = message.chat or message.sender
    elif update.callback_query is not None:
        press = update.callback_query
        party = (press.message.chat if press.message else None) or press.sender
    elif update.pre_checkout_query is not None:
        return update.pre_checkout_query.sender.id
    else:
        return None
    return party.id if party else None


def _read_unknown(text: str) -> Envelope:
    """Read an update of a type, or a shape, that we never saw.

    By the standard library: slower, and it takes half a surrogate pair, which is JSON as well.
    """
    try:
        update = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedUpdateError("an update is not JSON") from error
    if not isinstance(update, dict):
        raise MalformedUpdateError("an update is not an object")
    update_id = update.get("update_id")
    if not _is_bigint(update_id):
        raise MalformedUpdateError("an update has no integer update_id")
    inner = next((value for value in update.values() if isinstance(value, dict)), {})
    return Envelope(ReceivedUpdate(update_id, _chat_anywhere(inner), text), None)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _chat_anywhere(inner: _Object) -> int:
    message = inner.get("message")
    places = [
        inner.get("chat"),
        message.get("chat") if isinstance(message, dict) else None,
        inner.get("from"),
        inner.get("user"),
    ]
    for place in places:
        if isinstance(place, dict) and _is_bigint(place.get("id")):
            return int(place["id"])
    return 0


def _is_bigint(value: object) -> TypeGuard[int]:
    return type(value) is int and -_BIGINT_MAX - 1 <= value <= _BIGINT_MAX
