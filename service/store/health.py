"""How much work waits, since when, and whether the balances still add up to nothing."""

from dataclasses import dataclass
from datetime import datetime

from service.domain.money import Kopecks
from service.store.pool import Reader
from service.store.sql import queries

_sql = queries("health")

#: A figure of waiting rows stops here.
ROWS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of rows: open ones, those due now, the oldest of these, and parked ones."""

    kind: str
    open_count: int
    due_count: int
    oldest_s: float | None
    parked_count: int


async def list_work(reader: Reader, *, now: datetime) -> list[Work]:
    """Count the work of every kind."""
    rows = _sql.list_work(reader, now=now, rows_max=ROWS_MAX)
    return [Work(**row) async for row in rows]


async def get_hold_oldest_s(reader: Reader, *, now: datetime) -> float | None:
    """Give the age of the oldest open hold; None: no money is held."""
    age_s: float | None = await _sql.get_hold_oldest_s(reader, now=now)
    return age_s


async def get_drift(reader: Reader) -> Kopecks:
    """Give the sum of all balances, which must be 0. Reads all accounts: not for each scrape."""
    return Kopecks(await _sql.get_drift(reader))
