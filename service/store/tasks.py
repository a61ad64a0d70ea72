"""Tasks: each is one createTask, submitted at most once and settled exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from service.domain.money import Kopecks
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("tasks")


@dataclass(frozen=True, slots=True)
class Task:
    """One createTask: what is sent, and how far it has come."""

    task_id: int
    generation_id: int
    user_id: int
    model_id: str
    input: dict[str, Any]
    pictures: int
    price_kopecks: Kopecks
    state: str
    callback_token: str
    provider_task_id: str | None
    attempts: int
    polls: int
    deadline_at: datetime
    created_at: datetime
    submitted_at: datetime | None
    watch_until: datetime | None


async def queue(
    db: Db, *, generation_id: int, user_id: int, model_id: str, ordinal: int,
    task_input: Mapping[str, Any], pictures: int, price_kopecks: Kopecks, callback_token: str,
    deadline_at: datetime, now: datetime,
) -> int:  # fmt: skip
    """Write down a task to be submitted; its money is held in the same transaction."""
    task_id: int = await _sql.queue_task(
        db, generation_id=generation_id, user_id=user_id, model_id=model_id, ordinal=ordinal,
        input=dict(task_input), pictures=pictures, price_kopecks=price_kopecks,
        callback_token=callback_token, deadline_at=deadline_at, now=now,
    )  # fmt: skip
    return task_id


async def claim_next_queued(db: Reader, *, now: datetime, lease_s: float) -> Task | None:
    """Take the next task in fair order for submission; None: none waits."""
    row = await _sql.claim_next_queued(db, now=now, lease_s=lease_s)
    return Task(**row) if row else None


async def requeue(db: Reader, task_id: int, *, due_at: datetime, error: str) -> None:
    """Put a task back that KIE surely did not take."""
    await _sql.requeue_task(db, task_id=task_id, due_at=due_at, error=error)


async def mark_submitted(
    db: Reader, task_id: int, *, provider_task_id: str, now: datetime, due_at: datetime
) -> bool | None:
    """Note KIE's id; True: a callback was quicker and the task is due at once."""
    due: bool | None = await _sql.mark_submitted(
        db, task_id=task_id, provider_task_id=provider_task_id, now=now, due_at=due_at
    )
    return due


async def mark_unknown(db: Reader, task_id: int, *, due_at: datetime, error: str) -> None:
    """Note that nobody knows whether KIE has the task."""
    await _sql.mark_unknown(db, task_id=task_id, due_at=due_at, error=error)


async def claim(db: Reader, task_id: int, *, now: datetime, lease_s: float) -> Task | None:
    """Take a task to read it; None: not due, settled, or parked."""
    row = await _sql.claim_task(db, task_id=task_id, now=now, lease_s=lease_s)
    return Task(**row) if row else None


async def get(reader: Reader, task_id: int) -> Task | None:
    """Give a task as it stands."""
    row = await _sql.get_task(reader, task_id=task_id)
    return Task(**row) if row else None


async def snooze(
    db: Reader, task_id: int, *, due_at: datetime, polls: int, attempts: int,
    error: str | None = None,
) -> None:  # fmt: skip
    """Look again later."""
    await _sql.snooze_task(
        db, task_id=task_id, due_at=due_at, polls=polls, attempts=attempts, error=error
    )


async def settle_succeeded(
    db: Db, task_id: int, *, pictures_made: int, credits_consumed: Decimal | None, now: datetime
) -> bool:
    """Settle a task as made; False: it was settled before."""
    settled = await _sql.settle_succeeded(
        db, task_id=task_id, pictures_made=pictures_made, credits_consumed=credits_consumed,
        now=now,
    )  # fmt: skip
    return settled is not None


async def settle_failed(
    db: Db, task_id: int, *, reason: str, error: str | None, now: datetime,
    watch_until: datetime | None = None, due_at: datetime | None = None,
) -> bool:  # fmt: skip
    """Settle a task as failed; False: it was settled before."""
    settled = await _sql.settle_failed(
        db, task_id=task_id, reason=reason, error=error, watch_until=watch_until,
        due_at=due_at or now, now=now,
    )  # fmt: skip
    return settled is not None


async def mark_late(
    db: Db, task_id: int, *, provider_task_id: str, credits_consumed: Decimal | None,
    now: datetime,
) -> bool:  # fmt: skip
    """Note that a result came after the money was given back; False: that was noticed before."""
    late = await _sql.mark_late(
        db, task_id=task_id, provider_task_id=provider_task_id,
        credits_consumed=credits_consumed, now=now,
    )  # fmt: skip
    return late is not None


async def stop_watching(db: Reader, task_id: int) -> None:
    """Stop reading a failed task: no result will come."""
    await _sql.stop_watching(db, task_id=task_id)


async def park(db: Reader, task_id: int, *, now: datetime, error: str | None) -> None:
    """Put a task aside for people to look at."""
    await _sql.park_task(db, task_id=task_id, now=now, error=error)


async def list_overdue_queued(reader: Reader, *, now: datetime) -> list[int]:
    """List tasks that were never submitted before their deadline."""
    return [row["task_id"] async for row in _sql.list_overdue_queued(reader, now=now)]


async def count_queued_before(reader: Reader, task_id: int) -> int:
    """Tell how many earlier tasks still wait."""
    waiting: int = await _sql.count_queued_before(reader, task_id=task_id)
    return waiting
