"""Rings again for rows that are due and that nobody moved, and forgets what is old."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from service.bells import DeliverResults, HandleChats, ProbeProvider, SettleTasks, SubmitTasks
from service.flows.web_deps import WebDeps
from service.metrics import SWEPT
from service.store import provider, sweep
from service.store.database import DATABASE_ERRORS, DatabaseAwayError
from service.store.pool import Db
from service.store.sweep import ROWS_MAX, DueTask

log = structlog.get_logger(__name__)

PASS_S = 1.0
PASS_LIMIT_S = 10.0
RETENTION_S = 600.0
#: One retention pass forgets at most this many batches of a kind.
BATCHES_MAX = 20
#: The bell for the provider rings this often at most.
PROBE_S = 5.0
#: Its credit is read again after this.
CREDITS_S = 60.0

BODIES_KEPT = timedelta(days=7)
UPDATES_KEPT = timedelta(days=60)
OUTBOX_KEPT = timedelta(days=30)
CALLBACKS_KEPT = timedelta(days=60)

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Sweeper:
    """Makes sure that a lost bell costs time and nothing else. Calls nobody but PostgreSQL."""

    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps
        self._emptied_until = _LONG_AGO
        self._forget_at = _LONG_AGO
        self._probed_at = _LONG_AGO

    async def run(self) -> None:
        """Sweep until cancelled; a database that is away is tried again at the next pass."""
        await self._deps.database.migrated.wait()
        while True:
            try:
                async with asyncio.timeout(PASS_LIMIT_S):
                    await self.ring_due()
                if self._deps.now() >= self._forget_at:
                    await self.forget_old()
            except (*DATABASE_ERRORS, DatabaseAwayError) as error:
                log.warning("sweep_failed", error=type(error).__name__)
            await asyncio.sleep(PASS_S * self._deps.time_factor)

    async def ring_due(self) -> None:
        """Ring once for each row that is due and was not rung for a while."""
        now, factor = self._deps.now(), self._deps.time_factor
        async with self._deps.pool.acquire() as db, db.transaction():
            updated = await sweep.ring_updates(db, now=now, time_factor=factor)
            spoken = await sweep.ring_outbox(db, now=now, time_factor=factor)
            tasks = await sweep.ring_tasks(db, now=now, time_factor=factor)
            deliveries = await sweep.ring_deliveries(db, now=now, time_factor=factor)
            probe = await self._should_probe(db, now)
        # After the commit: an actor that comes at once must find the rows free.
        counts = {
            "updates": len(updated),
            "outbox": len(spoken),
            "tasks": len(tasks),
            "deliveries": len(deliveries),
        }
        if chats := updated | spoken:
            self._deps.bells.ring_soon(HandleChats(tuple(sorted(chats))))
        self._ring_tasks(tasks)
        if deliveries:
            self._deps.bells.ring_soon(DeliverResults(tuple(sorted(deliveries))))
        if probe:
            self._probed_at = now
            self._deps.bells.ring_soon(ProbeProvider())
        _report(counts)

    def _ring_tasks(self, tasks: list[DueTask]) -> None:
        if any(task.state == "queued" for task in tasks):
            self._deps.bells.ring_soon(SubmitTasks())
        if running := sorted(task.task_id for task in tasks if task.state != "queued"):
            self._deps.bells.ring_soon(SettleTasks(tuple(running)))

    async def _should_probe(self, db: Db, now: datetime) -> bool:
        """Tell whether KIE is away, or its credit was not read for a while."""
        known = await provider.get(db)
        factor = self._deps.time_factor
        stale_at = now - timedelta(seconds=CREDITS_S * factor)
        is_fresh = known.credits_at is not None and known.credits_at > stale_at
        if (known.away_since is None and is_fresh) or (known.probe_at and known.probe_at > now):
            return False
        return now >= self._probed_at + timedelta(seconds=PROBE_S * factor)

    async def forget_old(self) -> None:
        """Empty and delete what is kept no longer, in bounded batches."""
        pool, now = self._deps.pool, self._deps.now()
        until = now - BODIES_KEPT
        forgotten = {"bodies": 0, "updates": 0, "outbox": 0, "callbacks": 0}
        for _ in range(BATCHES_MAX):
            batch = {
                "bodies": await sweep.empty_updates(pool, since=self._emptied_until, before=until),
                "updates": await sweep.delete_updates(pool, before=now - UPDATES_KEPT),
                "outbox": await sweep.delete_outbox(pool, before=now - OUTBOX_KEPT),
                "callbacks": await sweep.delete_callbacks(pool, before=now - CALLBACKS_KEPT),
            }
            forgotten = {kind: count + batch[kind] for kind, count in forgotten.items()}
            if batch["bodies"] < ROWS_MAX:
                # What lies before is empty; the next pass need not look there.
                self._emptied_until = until
            if max(batch.values()) < ROWS_MAX:
                self._forget_at = now + timedelta(seconds=RETENTION_S * self._deps.time_factor)
                break
        if any(forgotten.values()):
            log.info("old_rows_forgotten", **forgotten)


def _report(counts: dict[str, int]) -> None:
    for kind, count in counts.items():
        SWEPT.labels(kind).inc(count)
    if any(counts.values()):
        log.info("due_rows_rung", **counts)
