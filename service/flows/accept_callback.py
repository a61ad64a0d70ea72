"""Keeps KIE's callbacks before they are acknowledged; what they say is only a hint."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from service.bells import SettleTasks
from service.errors import PermanentError, TransientError
from service.flows.web_deps import WebDeps
from service.metrics import CALLBACKS
from service.store import callbacks
from service.store.callbacks import TokenTask
from service.store.database import DATABASE_ERRORS, VALUE_ERRORS, DatabaseAwayError

log = structlog.get_logger(__name__)

#: KIE documents no maximum age; an older timestamp is a replay.
TIMESTAMP_AGE_MAX_S = 300
#: A burst of callbacks must leave connections for Telegram's updates.
AT_ONCE_MAX = 4
WAITING_MAX = 2_000
ACCEPT_LIMIT_S = 5.0
_ID_LENGTH_MAX = 200


class MalformedCallbackError(PermanentError):
    """The body is not JSON that we could keep."""


class Verdict(StrEnum):
    """What became of a callback; the last two are refusals."""

    KEPT = "kept"
    MISMATCHED = "mismatched"  # kept too, and reported: it names another task
    FORGED = "forged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCallback:
    """A callback as it came; the headers are None where they were absent."""

    token: str
    body: bytes
    timestamp: str | None
    signature: str | None


class CallbackDesk:
    """Takes callbacks in, a few at a time."""

    def __init__(self, deps: WebDeps, *, keys: Sequence[str]) -> None:
        self._deps = deps
        self._keys = keys
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    async def accept(self, callback: ReceivedCallback) -> Verdict:
        """Return once the callback is committed, or refused; safe to repeat.

        Raises MalformedCallbackError, and TransientError when it may work later.
        """
        if self._waiting >= WAITING_MAX:
            raise TransientError("too many callbacks wait for PostgreSQL")
        self._waiting += 1
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S), self._at_once:
                verdict = await self._accept(callback)
        except VALUE_ERRORS as error:
            raise MalformedCallbackError("PostgreSQL refuses this callback for good") from error
        except DATABASE_ERRORS as error:
            raise DatabaseAwayError("PostgreSQL could not keep a callback") from error
        finally:
            self._waiting -= 1
        CALLBACKS.labels(verdict).inc()
        return verdict

    async def _accept(self, callback: ReceivedCallback) -> Verdict:
        text, named = _read(callback.body)
        if self._keys and not self._is_signed(callback, named):
            return Verdict.FORGED
        token = callback.token if _is_storable(callback.token) else ""
        task = await callbacks.get_task_of_token(self._deps.pool, token)
        if task is None:
            return Verdict.UNKNOWN
        return await self._keep(task, text, named)

    async def _keep(self, task: TokenTask, text: str, named: str | None) -> Verdict:
        matches = task.provider_task_id is None or named in {None, task.provider_task_id}
        await callbacks.keep(
            self._deps.pool, task_id=task.task_id, provider_task_id=named, body=text,
            matches=matches, now=self._deps.now(),
        )  # fmt: skip
        if not matches:
            log.warning("callback_mismatched", task_id=task.task_id)
            return Verdict.MISMATCHED
        self._deps.bells.ring_soon(SettleTasks((task.task_id,)))
        return Verdict.KEPT

    def _is_signed(self, callback: ReceivedCallback, named: str | None) -> bool:
        stamp = callback.timestamp or ""
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= len("9999999999")):
            return False
        if abs(self._deps.now().timestamp() - int(stamp)) > TIMESTAMP_AGE_MAX_S:
            return False
        given = (callback.signature or "").encode()
        matches = [
            hmac.compare_digest(sign(key, named, stamp), given)
            for key in self._keys
            if named is not None
        ]
        return any(matches)


def sign(key: str, provider_task_id: str | None, timestamp: str) -> bytes:
    """Give the signature KIE puts into a callback's header; it does not cover the body."""
    message = f"{provider_task_id}.{timestamp}".encode()
    return base64.b64encode(hmac.digest(key.encode(), message, hashlib.sha256))


def _read(body: bytes) -> tuple[str, str | None]:
    """Give the body as text, and the task id it names in one of four places."""
    try:
        text = body.decode()
        content: Any = msgspec.json.decode(body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise MalformedCallbackError("a callback is not JSON") from error
    outer = content if isinstance(content, dict) else {}
    inner = outer.get("data")
    for place in (inner if isinstance(inner, dict) else {}, outer):
        for name in ("taskId", "task_id"):
            if named := _task_id(place.get(name)):
                return text, named
    return text, None


def _task_id(value: object) -> str | None:
    """Give an id we could store; anything else counts as none."""
    return value if isinstance(value, str) and _is_storable(value) else None


def _is_storable(text: str) -> bool:
    return 0 < len(text) <= _ID_LENGTH_MAX and text.isprintable()
