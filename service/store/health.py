"""How much work waits, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.store.pool import Reader
from service.store.sql import queries

_sql = queries("health")

#: A figure of waiting rows stops here.
ROWS_MAX = 100_000
#: What can wait, be due, and be parked.
KINDS = ("updates", "outbox", "tasks", "deliveries")


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of rows: open ones, those due now, the oldest of these, and parked ones."""

    kind: str
    open_count: int
    due_count: int
    oldest_s: float | None
    parked_count: int


async def list_work(reader: Reader, *, now: datetime) -> list[Work]:
    """Count the work of every kind, the kinds without any included."""
    waiting = {row["kind"]: row async for row in _sql.list_open(reader, now=now, rows_max=ROWS_MAX)}
    parked = {
        row["kind"]: row["parked_count"]
        async for row in _sql.list_parked(reader, rows_max=ROWS_MAX)
    }
    return [_work(kind, waiting.get(kind), parked.get(kind, 0)) for kind in KINDS]


def _work(kind: str, row: Mapping[str, Any] | None, parked_count: int) -> Work:
    if row is None:
        return Work(kind, 0, 0, None, parked_count)
    return Work(kind, row["open_count"], row["due_count"], row["oldest_s"], parked_count)


async def count_open_generations(reader: Reader) -> dict[str, int]:
    """Count the generations under way by state."""
    return dict(await _sql.count_open_generations(reader))


async def get_hold_oldest_s(reader: Reader, *, now: datetime) -> float | None:
    """Give the age of the oldest open hold; None: no money is held."""
    age_s: float | None = await _sql.get_hold_oldest_s(reader, now=now)
    return age_s
