"""What we know of KIE: the call budget all processes share, and whether it answers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from service.store.pool import Reader
from service.store.sql import queries

_sql = queries("provider")

#: So many failed calls within so many seconds, and KIE counts as away.
FAILURES_MAX = 5
FAILURES_WINDOW_S = 60.0


class CallKind(StrEnum):
    """What KIE limits separately."""

    CREATE = "create"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `calls` in any window of `window_s` seconds, over all processes."""

    kind: CallKind
    calls: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Provider:
    """How KIE is doing."""

    away_since: datetime | None
    probe_at: datetime | None
    credits: Decimal | None
    credits_at: datetime | None


async def make_slots(db: Reader, budget: Budget) -> None:
    """Prepare a budget; safe to repeat."""
    await _sql.make_slots(db, kind=budget.kind, slots=budget.calls)


async def use_slot(db: Reader, budget: Budget) -> int | None:
    """Use up one call of the budget, give its slot; None: there is none left for now."""
    slot: int | None = await _sql.use_slot(
        db, kind=budget.kind, slots=budget.calls, window_s=budget.window_s
    )
    return slot


async def end_call(db: Reader, budget: Budget, slot: int) -> None:
    """Let the window of a call start when it was answered: so long its way to KIE may take."""
    await _sql.end_call(db, kind=budget.kind, slot=slot)


async def get_wait_s(reader: Reader, budget: Budget) -> float:
    """Tell in how many seconds the next call is allowed."""
    wait_s = await _sql.get_wait_s(
        reader, kind=budget.kind, slots=budget.calls, window_s=budget.window_s
    )
    return float(wait_s or 0)


async def note_failure(db: Reader, *, now: datetime, window_s: float = FAILURES_WINDOW_S) -> bool:
    """Note a failed call; True: KIE counts as away."""
    away_since = await _sql.note_failure(db, now=now, window_s=window_s, failures_max=FAILURES_MAX)
    return away_since is not None


async def note_success(db: Reader) -> None:
    """Note that KIE answered."""
    await _sql.note_success(db)


async def claim_probe(db: Reader, *, now: datetime, stale_at: datetime, next_at: datetime) -> bool:
    """Take the next probe; False: KIE is here and its credit known, or somebody just asked."""
    claimed = await _sql.claim_probe(db, now=now, stale_at=stale_at, next_at=next_at)
    return claimed is not None


async def keep_credits(db: Reader, credits_left: Decimal, *, now: datetime) -> None:
    """Keep what KIE says is left."""
    await _sql.keep_credits(db, credits=credits_left, now=now)


async def get(reader: Reader) -> Provider:
    """Give how KIE is doing, as far as we know."""
    return Provider(**await _sql.get_provider(reader))
