"""Keeps updates before they are acknowledged: requests that wait share one INSERT."""

import asyncio
from collections import deque
from dataclasses import dataclass

import structlog

from service.bells import HandleChats
from service.errors import PermanentError, TransientError
from service.flows.web_deps import WebDeps
from service.store import updates
from service.store.database import DATABASE_ERRORS, VALUE_ERRORS, DatabaseAwayError
from service.store.pool import Db
from service.store.updates import ReceivedUpdate

log = structlog.get_logger(__name__)

#: Measured: one lane leaves the disk idle while Python works, three only share the same core.
LANES = 2
BATCH_MAX = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
#: More waiting requests than this are told to come back: memory stays bounded.
WAITING_MAX = 10_000
WAITING_BYTES_MAX = 64 * 1024 * 1024
ACCEPT_LIMIT_S = 5.0
LINGER_S = 0.05


class OverloadedError(TransientError):
    """More updates wait to be stored than we keep in memory; Telegram sends it again."""


class UnstorableUpdateError(PermanentError):
    """This update can never be stored, however often it is sent."""


@dataclass(slots=True)
class _Waiting:
    update: ReceivedUpdate
    kept: asyncio.Future[None]
    since_s: float


class Inbox:
    """Keeps updates durably. At most `LANES` statements run at once, each for all that wait."""

    def __init__(self, deps: WebDeps, *, limit_s: float = ACCEPT_LIMIT_S) -> None:
        self._deps = deps
        self._limit_s = limit_s
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._lanes: set[asyncio.Task[None]] = set()
        self._idle_lanes = 0
        self._arrived = asyncio.Event()

    async def accept(self, update: ReceivedUpdate) -> None:
        """Return once the update is committed; safe to repeat.

        Raises TransientError when it may work later, UnstorableUpdateError when never.
        """
        if len(self._waiting) >= WAITING_MAX or self._waiting_bytes >= WAITING_BYTES_MAX:
            raise OverloadedError("too many updates wait for PostgreSQL")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(update, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        self._waiting_bytes += len(update.body)
        self._arrived.set()
        self._open_lane()
        # No timer of its own: the lanes have limits, and refuse whoever waited too long.
        await waiting.kept

    async def close(self) -> None:
        """Let the statements under way end; call when no request comes any more."""
        self._arrived.set()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    def _open_lane(self) -> None:
        if not self._idle_lanes and len(self._lanes) < LANES:
            lane = asyncio.create_task(self._drain())
            self._lanes.add(lane)
            lane.add_done_callback(self._leave_lane)

    def _leave_lane(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        # A request that came after the lane's last look found all lanes taken: look once more.
        if self._waiting:
            self._open_lane()

    async def _drain(self) -> None:
        batch: list[_Waiting] = []
        try:
            async with asyncio.timeout(self._limit_s):
                connection = await self._deps.pool.acquire()
            try:
                while await self._has_work():
                    batch = self._next_batch()
                    async with asyncio.timeout(self._limit_s):
                        await self._keep(connection, batch)
            finally:
                await self._deps.pool.release(connection, timeout=self._limit_s)
        except (*DATABASE_ERRORS, DatabaseAwayError) as error:
            # Whoever waits hears it now: Telegram comes back sooner than the database may.
            log.warning("updates_not_stored", error=type(error).__name__)
            self._refuse(batch)
            while batch := self._next_batch():
                self._refuse(batch)

    async def _has_work(self) -> bool:
        """Linger for a moment: giving a connection back and taking it costs as much as a row."""
        if self._waiting:
            return True
        self._arrived.clear()
        self._idle_lanes += 1
        try:
            async with asyncio.timeout(LINGER_S):
                await self._arrived.wait()
        except TimeoutError:
            pass
        finally:
            self._idle_lanes -= 1
        return bool(self._waiting)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        oldest_s = asyncio.get_running_loop().time() - self._limit_s
        while self._waiting and len(batch) < BATCH_MAX and size < BATCH_BYTES_MAX:
            waiting = self._waiting.popleft()
            length = len(waiting.update.body)
            self._waiting_bytes -= length
            if waiting.since_s < oldest_s:
                self._refuse([waiting])
            elif not waiting.kept.done():
                batch.append(waiting)
                size += length
        return batch

    async def _keep(self, db: Db, batch: list[_Waiting]) -> None:
        try:
            chats = await updates.keep(
                db, [waiting.update for waiting in batch], now=self._deps.now()
            )
        except VALUE_ERRORS:
            chats = await self._keep_one_by_one(db, batch)
        for waiting in batch:
            if not waiting.kept.done():
                waiting.kept.set_result(None)
        if chats:
            self._deps.bells.ring_soon(HandleChats(tuple(sorted(chats))))

    async def _keep_one_by_one(self, db: Db, batch: list[_Waiting]) -> set[int]:
        """Keep what can be kept: one bad body hurts only itself."""
        chats: set[int] = set()
        for waiting in batch:
            try:
                chats |= await updates.keep(db, [waiting.update], now=self._deps.now())
            except VALUE_ERRORS as error:
                log.warning("update_unstorable", error=type(error).__name__)
                if not waiting.kept.done():
                    waiting.kept.set_exception(
                        UnstorableUpdateError("PostgreSQL refuses this update for good")
                    )
        return chats

    @staticmethod
    def _refuse(batch: list[_Waiting]) -> None:
        for waiting in batch:
            if not waiting.kept.done():
                waiting.kept.set_exception(DatabaseAwayError("PostgreSQL could not store this"))
