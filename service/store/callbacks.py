"""KIE's callbacks: hints, kept before they are acknowledged."""

from dataclasses import dataclass
from datetime import datetime

from service.store.pool import Reader
from service.store.sql import queries

_sql = queries("callbacks")


@dataclass(frozen=True, slots=True)
class TokenTask:
    """The task a callback's token belongs to; KIE's id is None while its answer is awaited."""

    task_id: int
    provider_task_id: str | None


async def get_task_of_token(reader: Reader, token: str) -> TokenTask | None:
    """Tell whose token this is; None: nobody's."""
    row = await _sql.get_task_of_token(reader, token=token)
    return TokenTask(**row) if row else None


async def keep(
    db: Reader, *, task_id: int, provider_task_id: str | None, body: str, matches: bool,
    now: datetime,
) -> None:  # fmt: skip
    """Keep a callback and make its task due; `matches` False: it named another task's id."""
    await _sql.keep_callback(
        db, task_id=task_id, provider_task_id=provider_task_id, body=body, matches=matches, now=now
    )


async def list_hints(reader: Reader, task_id: int) -> list[str]:
    """List KIE's ids that came with this task's token."""
    return [row["provider_task_id"] async for row in _sql.list_hints(reader, task_id=task_id)]


async def has_open(reader: Reader, task_id: int) -> bool:
    """Tell whether a callback of this task awaits its look-up."""
    found: bool = await _sql.has_open_callback(reader, task_id=task_id)
    return found


async def finish(db: Reader, task_id: int, *, now: datetime) -> None:
    """Mark the callbacks that came before `now` as acted on."""
    await _sql.finish_callbacks(db, task_id=task_id, now=now)


async def finish_settled(db: Reader, task_id: int, *, now: datetime) -> None:
    """Mark the callbacks of a settled task as acted on; those of a running one stay open."""
    await _sql.finish_settled_callbacks(db, task_id=task_id, now=now)


async def get_last_received(reader: Reader) -> datetime | None:
    """Tell when the newest callback came."""
    last: datetime | None = await _sql.get_last_received(reader)
    return last
