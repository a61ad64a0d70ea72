"""What /health and /metrics tell: read from PostgreSQL within a second, or said to be away."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from time import monotonic

import structlog

from service.domain.money import Kopecks
from service.ports import Clock
from service.settings import InstanceMode
from service.store import audit, callbacks, health, ledger, migrations, provider
from service.store.database import DATABASE_ERRORS, Database, DatabaseAwayError
from service.store.health import Work
from service.store.migrations import MigrationError
from service.store.pool import Db

log = structlog.get_logger(__name__)

FRESH_S = 1.0
#: /health answers within a second, whatever hangs.
WAIT_S = 0.8
READ_LIMIT_S = 3.0
#: These change with a release, or are dear to find out.
RARE_S = 30.0


class Mode(StrEnum):
    """Whether this process does the work, or stands by."""

    ACTIVE = "ACTIVE"
    PASSIVE = "PASSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """Who holds the lock of a role."""

    held: bool
    epoch: int
    holder: str
    heartbeat_age_s: float


def this_process() -> str:
    """Name this process as a holder of locks."""
    return f"{socket.gethostname()}:{os.getpid()}"


def lock_without_rivals() -> LockState:
    """Give the state of a lock that nobody else wants: there is one process."""
    return LockState(held=True, epoch=1, holder=this_process(), heartbeat_age_s=0.0)


def _never() -> bool:
    return False


def _always() -> bool:
    return True


def _nothing() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """What a process knows of itself; callables, because it changes."""

    role: str
    instance_mode: InstanceMode
    started_at: float = field(default_factory=monotonic)
    mode: Callable[[], Mode] = lambda: Mode.ACTIVE
    is_stopping: Callable[[], bool] = _never
    queue_ok: Callable[[], bool] = _always
    #: More reasons for amber, such as a webhook that differs from what was registered.
    warnings: Callable[[], Sequence[str]] = _nothing
    web_lock: Callable[[], LockState] = lock_without_rivals
    worker_lock: Callable[[], LockState] = lock_without_rivals


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What PostgreSQL says of the work and of KIE."""

    work: Sequence[Work] = ()
    generations_open: Mapping[str, int] = field(default_factory=dict)
    hold_oldest_s: float | None = None
    provider_ok: bool = True
    credits: Decimal | None = None
    callback_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarities:
    """What is looked up seldom."""

    migrations_count: int = 0
    migrations_missing: Sequence[str] = ()
    ledger_guard: str | None = None
    drift_kopecks: Kopecks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look at the dependencies; `figures` are None when they could not be read in time."""

    database_ok: bool
    latency_ms: float | None = None
    figures: Figures | None = None
    rarities: Rarities = field(default_factory=Rarities)


class StatusReader:
    """Looks at PostgreSQL at most once a second, whoever asks, and never keeps anybody waiting."""

    def __init__(self, database: Database, clock: Clock, facts: ProcessFacts) -> None:
        self.facts = facts
        self.clock = clock
        self._database = database
        self._status = Status(database_ok=False)
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._rarities = Rarities()
        self._rarities_at = float("-inf")

    async def read(self) -> Status:
        """Give a look that is at most a second old; one that hangs counts as away."""
        if monotonic() - self._read_at < FRESH_S:
            return self._status
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        done, _ = await asyncio.wait({self._reading}, timeout=WAIT_S)
        if done:
            return self._status
        return Status(database_ok=self._has_latency(), rarities=self._rarities)

    async def close(self) -> None:
        """Break off a look under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _has_latency(self) -> bool:
        """Tell whether the look that hangs got an answer to its first, small question."""
        return self._status.database_ok and self._status.figures is None

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(READ_LIMIT_S), self._database.pool.acquire() as db:
                started = monotonic()
                await db.fetchval("SELECT 1")
                latency_ms = round((monotonic() - started) * 1000, 2)
                # Kept at once: the figures may take longer than anybody waits.
                self._status = Status(
                    database_ok=True, latency_ms=latency_ms, rarities=self._rarities
                )
                await self._read_rarities(db)
                self._status = Status(
                    database_ok=True,
                    latency_ms=latency_ms,
                    figures=await self._read_figures(db),
                    rarities=self._rarities,
                )
        except (*DATABASE_ERRORS, DatabaseAwayError) as error:
            log.info("status_not_read", error=type(error).__name__)
            self._status = Status(database_ok=False, rarities=self._rarities)
        self._read_at = monotonic()

    async def _read_figures(self, db: Db) -> Figures:
        if self._rarities.migrations_missing:
            return Figures()
        now = self.clock.now()
        known = await provider.get(db)
        return Figures(
            work=await health.list_work(db, now=now),
            generations_open=await health.count_open_generations(db),
            hold_oldest_s=await health.get_hold_oldest_s(db, now=now),
            provider_ok=known.away_since is None,
            credits=known.credits,
            callback_at=await callbacks.get_last_received(db),
        )

    async def _read_rarities(self, db: Db) -> None:
        if monotonic() - self._rarities_at < RARE_S and not self._rarities.migrations_missing:
            return
        try:
            missing = await migrations.missing(db)
            count = len(migrations.read_files()) - len(missing)
        except MigrationError as error:
            missing, count = [str(error)], 0
        if missing:
            self._rarities = Rarities(migrations_count=count, migrations_missing=missing)
            return
        self._rarities = Rarities(
            migrations_count=count,
            ledger_guard=await ledger.get_guard(db),
            drift_kopecks=await audit.get_drift(db),
        )
        self._rarities_at = monotonic()


def program_version() -> str:
    """Give the version of the installed program."""
    try:
        return version("kartina")
    except PackageNotFoundError:
        return "unknown"
