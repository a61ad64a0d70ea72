"""Rows that nobody moved: rung again, a bounded number at a time; and rows to forget."""

from dataclasses import dataclass
from datetime import datetime

from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("sweep")

#: One pass rings for at most this many rows of a kind, and forgets as many at once.
ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class DueTask:
    """A task that is due, and how far it has come."""

    task_id: int
    state: str


async def ring_updates(db: Db, *, now: datetime, time_factor: float) -> set[int]:
    """Give chats whose lowest update is due and was not rung for a while; mark it rung."""
    rows = _sql.ring_updates(db, now=now, time_factor=time_factor, rows_max=ROWS_MAX)
    return {row["chat_id"] async for row in rows}


async def ring_outbox(db: Db, *, now: datetime, time_factor: float) -> set[int]:
    """Give chats whose oldest message is due and was not rung for a while; mark it rung."""
    rows = _sql.ring_outbox(db, now=now, time_factor=time_factor, rows_max=ROWS_MAX)
    return {row["chat_id"] async for row in rows}


async def ring_tasks(db: Db, *, now: datetime, time_factor: float) -> list[DueTask]:
    """Give tasks that are due and were not rung for a while; mark them rung."""
    rows = _sql.ring_tasks(db, now=now, time_factor=time_factor, rows_max=ROWS_MAX)
    return [DueTask(**row) async for row in rows]


async def ring_deliveries(db: Db, *, now: datetime, time_factor: float) -> list[int]:
    """Give deliveries that are due and were not rung for a while; mark them rung."""
    rows = _sql.ring_deliveries(db, now=now, time_factor=time_factor, rows_max=ROWS_MAX)
    return [row["delivery_id"] async for row in rows]


async def empty_updates(db: Reader, *, since: datetime, before: datetime) -> int:
    """Empty the bodies of updates handled in this span; give how many, at most `ROWS_MAX`."""
    return int(await _sql.empty_updates(db, since=since, before=before, rows_max=ROWS_MAX))


async def delete_updates(db: Reader, *, before: datetime) -> int:
    """Delete updates handled before this; give how many, at most `ROWS_MAX`."""
    return int(await _sql.delete_updates(db, before=before, rows_max=ROWS_MAX))


async def delete_outbox(db: Reader, *, before: datetime) -> int:
    """Delete messages that ended before this; give how many, at most `ROWS_MAX`."""
    return int(await _sql.delete_outbox(db, before=before, rows_max=ROWS_MAX))


async def delete_callbacks(db: Reader, *, before: datetime) -> int:
    """Delete callbacks that came before this; give how many, at most `ROWS_MAX`."""
    return int(await _sql.delete_callbacks(db, before=before, rows_max=ROWS_MAX))
