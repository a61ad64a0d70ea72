"""Carrying out a call by its method's name, and the list of calls that took effect."""

import inspect
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.stubs import (
    telegram_editing,
    telegram_hooking,
    telegram_paying,
    telegram_profile,
    telegram_sending,
)
from service.stubs.telegram_errors import BotApiError
from service.stubs.telegram_hooking import Described
from service.stubs.telegram_parameters import Parameters
from service.stubs.telegram_watchers import Watchers
from service.stubs.telegram_world import World

JsonObject = dict[str, Any]

_METHODS = (
    telegram_sending.METHODS
    | telegram_editing.METHODS
    | telegram_paying.METHODS
    | telegram_profile.METHODS
    | telegram_hooking.METHODS
)
# Method names are case-insensitive.
_BY_NAME = {name.lower(): (name, method) for name, method in _METHODS.items()}
_WHOLE = frozenset(
    [
        "chat_id",
        "message_id",
        "user_id",
        "draft_id",
        "message_thread_id",
        "offset",
        "limit",
        "timeout",
        "max_connections",
        "subscription_period",
        "cache_time",
        "duration",
        "width",
        "height",
    ]
)
_FLAGS = frozenset(
    [
        "show_alert",
        "ok",
        "is_canceled",
        "drop_pending_updates",
        "protect_content",
        "disable_notification",
        "has_spoiler",
        "can_stop",
        "keep_on_stop",
        "is_big",
        "disable_content_type_detection",
    ]
)
_OBJECTS = frozenset(
    [
        "reply_markup",
        "prices",
        "media",
        "allowed_updates",
        "reply_parameters",
        "commands",
        "scope",
        "entities",
        "caption_entities",
        "link_preview_options",
        "message_ids",
        "reaction",
        "menu_button",
    ]
)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came with a call."""

    field: str
    name: str
    size_bytes: int
    sha256: str


@dataclass(slots=True)
class Call:
    """One call, or the refusal of one when `error_code` is set."""

    method: str
    parameters: JsonObject
    files: list[SentFile]
    at: float = field(default_factory=time.monotonic)
    result: Any = None
    error_code: int = 0
    description: str = ""


class Dispatcher:
    """Carries out calls on a world and remembers them in order of arrival."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[Call] = []
        self.refusals: list[Call] = []
        self.watchers = Watchers()
        world.webhook.execute = self.execute

    async def execute(self, name: str, parameters: Parameters) -> Described:
        """Carry out one call; every refusal is a `BotApiError`."""
        known = _BY_NAME.get(name.lower())
        if known is None:
            raise BotApiError(404, "Not Found: method not found")
        call = Call(known[0], _decode(parameters), _list_files(parameters))
        place = len(self.calls)
        try:
            answer = known[1](self.world, parameters)
            if inspect.isawaitable(answer):
                answer = await answer
        except BotApiError as refusal:
            self.refuse(call, refusal)
            raise
        described = answer if isinstance(answer, Described) else Described(answer, "")
        call.result = described.result
        # A long getUpdates comes after what was called meanwhile, not before.
        self.calls.insert(place if call.method != "getUpdates" else len(self.calls), call)
        self.watchers.changed()
        return described

    def refuse(self, call: Call, refusal: BotApiError) -> None:
        """Remember a call that was refused."""
        call.error_code, call.description = refusal.status, refusal.description
        self.refusals.append(call)
        self.watchers.changed()


def describe_refused(name: str, parameters: Parameters) -> Call:
    """A call that was refused before it reached its method."""
    method = _BY_NAME.get(name.lower(), (name, None))[0]
    return Call(method, _decode(parameters), _list_files(parameters))


def _list_files(parameters: Parameters) -> list[SentFile]:
    return [
        SentFile(name, upload.name, len(upload.data), upload.sha256)
        for name, upload in parameters.uploads.items()
    ]


def _decode(parameters: Parameters) -> JsonObject:
    """Parameters in one spelling, whatever encoding they came in."""
    return {name: _decode_value(name, value) for name, value in parameters.values.items()}


def _decode_value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _WHOLE:
        return int(value) if value.removeprefix("-").isdecimal() else value
    if name in _FLAGS:
        return value.lower() in {"true", "1", "yes"}
    if name in _OBJECTS:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value
