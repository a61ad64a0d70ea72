"""The inbox: updates are kept once, claimed in order, handled or parked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.store.pool import Db, Reader
from service.store.sql import queries
from service.store.storable import storable

_sql = queries("updates")


@dataclass(frozen=True, slots=True)
class ReceivedUpdate:
    """An update as it came, with the chat whose order it belongs to."""

    update_id: int
    chat_id: int
    body: str


@dataclass(frozen=True, slots=True)
class ClaimedUpdate:
    """An update that is being tried; `attempts` counts this try."""

    update_id: int
    chat_id: int
    body: str
    attempts: int
    received_at: datetime


async def keep(db: Reader, updates: Sequence[ReceivedUpdate], *, now: datetime) -> set[int]:
    """Keep updates in one statement; give the chats that got something new."""
    # Sorted: two statements that keep the same updates must meet them in the same order.
    rows = sorted(updates, key=lambda update: update.update_id)
    kept = _sql.keep_updates(
        db,
        update_ids=[row.update_id for row in rows],
        chat_ids=[row.chat_id for row in rows],
        bodies=[row.body for row in rows],
        now=now,
    )
    return {row["chat_id"] async for row in kept}


async def keep_handled(db: Reader, update: ReceivedUpdate, *, now: datetime) -> bool:
    """Keep an update that was answered on the spot; False: it was kept before."""
    kept = await _sql.keep_handled_update(
        db, update_id=update.update_id, chat_id=update.chat_id, body=update.body, now=now
    )
    return kept is not None


async def claim_next(
    db: Reader, chat_id: int, *, now: datetime, retry_s: float
) -> ClaimedUpdate | None:
    """Take the chat's lowest open update, counting the try; None when none is due."""
    row = await _sql.claim_next_update(db, chat_id=chat_id, now=now, retry_s=retry_s)
    return ClaimedUpdate(**row) if row else None


async def finish(db: Db, update_id: int, *, now: datetime) -> bool:
    """Mark an update handled in the transaction of its effects; False: it was before."""
    return await _sql.finish_update(db, update_id=update_id, now=now) is not None


async def retry(db: Reader, update_id: int, *, due_at: datetime, error: str) -> None:
    """Note a failed try; the chat waits for the next."""
    await _sql.retry_update(db, update_id=update_id, due_at=due_at, error=storable(error))


async def give_back(db: Reader, update: ClaimedUpdate, *, due_at: datetime, error: str) -> None:
    """Undo a claim: the try did not count."""
    await _sql.give_back_update(
        db,
        update_id=update.update_id,
        attempts=update.attempts,
        due_at=due_at,
        error=storable(error),
    )


async def park(db: Db, update_id: int, *, now: datetime, error: str | None) -> bool:
    """Put an update aside with its error, so that its chat goes on; False: it had ended."""
    words = None if error is None else storable(error)
    return await _sql.park_update(db, update_id=update_id, now=now, error=words) is not None


async def has_due_work(db: Reader, chat_id: int, *, now: datetime) -> bool:
    """Tell whether the chat has an update or a message that is due."""
    due: bool = await _sql.has_due_work(db, chat_id=chat_id, now=now)
    return due
