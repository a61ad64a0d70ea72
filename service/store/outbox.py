"""The outbox: what must be said, in order per chat, until it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.store.pool import Db, Reader
from service.store.sql import queries
from service.store.storable import storable

_sql = queries("outbox")


class MessageState(StrEnum):
    """Where a message of the outbox stands."""

    DUE = "due"
    SENT = "sent"
    UNREACHABLE = "unreachable"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be said; `kind` names the view that says it, `attempts` counts this try."""

    outbox_id: int
    chat_id: int
    kind: str
    content: dict[str, Any]
    attempts: int


async def add(
    db: Db, *, chat_id: int, kind: str, content: Mapping[str, Any], now: datetime
) -> None:
    """Put a message into the outbox, in the transaction that makes it true."""
    await _sql.add_message(db, chat_id=chat_id, kind=kind, content=dict(content), now=now)


async def claim_next(db: Reader, chat_id: int, *, now: datetime, retry_s: float) -> Message | None:
    """Take the chat's oldest message; None: none, or it is not due yet."""
    row = await _sql.claim_next_message(db, chat_id=chat_id, now=now, retry_s=retry_s)
    return Message(**row) if row else None


async def end(
    db: Reader, outbox_id: int, *, state: MessageState, now: datetime,
    message_id: int | None = None, error: str | None = None,
) -> bool:  # fmt: skip
    """End a message; False: it had ended."""
    words = None if error is None else storable(error)
    ended = await _sql.end_message(
        db, outbox_id=outbox_id, state=state, message_id=message_id, error=words, now=now
    )
    return ended is not None


async def retry(db: Reader, outbox_id: int, *, due_at: datetime, attempts: int, error: str) -> None:
    """Say it later; those behind it wait."""
    await _sql.retry_message(
        db, outbox_id=outbox_id, due_at=due_at, attempts=attempts, error=storable(error)
    )


async def drop_unreachable(db: Reader, chat_id: int, *, now: datetime) -> int:
    """Give up what waits for a user who can't be reached; gives how many."""
    dropped: int = await _sql.drop_unreachable(db, chat_id=chat_id, now=now)
    return dropped
