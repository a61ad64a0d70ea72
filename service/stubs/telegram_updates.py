"""Updates on their way to the bot: numbers, queues, expiry, and reading them by getUpdates."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from service.stubs.telegram_errors import conflict

JsonObject = dict[str, Any]

DAY_S = 86_400.0
_LIFETIMES_S = {
    "callback_query": 150.0,
    "pre_checkout_query": 150.0,
    "shipping_query": 150.0,
    "inline_query": 30.0,
    "chosen_inline_result": 600.0,
}
_BY_USER = frozenset(
    {"callback_query", "pre_checkout_query", "shipping_query", "inline_query", "subscription"}
)
_MESSAGES = frozenset({"message", "edited_message"})
_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
MAX_BATCH = 100
MAX_POLL_S = 50


@dataclass(slots=True, eq=False)
class QueuedUpdate:
    """One update waiting for its 2xx or for its confirmation."""

    update_id: int
    update: JsonObject
    body: bytes
    queue: Hashable
    expires_at: float


@dataclass(slots=True)
class Delivery:
    """What became of one update on its way to the webhook or the poller."""

    update_id: int
    kind: str
    outcome: str = "waiting"
    status: int | None = None
    attempts: int = 0
    queued_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None


def kind_of(update: JsonObject) -> str:
    """The update's type, which is the name of its only other field."""
    return next((name for name in update if name != "update_id"), "empty")


def queue_of(update: JsonObject) -> Hashable:
    """The subject whose updates go strictly one after another."""
    kind = kind_of(update)
    subject = update.get(kind)
    subject = subject if isinstance(subject, dict) else {}
    if kind in _BY_USER:
        user = subject.get("from") or subject.get("user") or {}
        return kind, user.get("id")
    # Messages and their edits share a queue; my_chat_member has one of its own per chat.
    return "message" if kind in _MESSAGES else kind, (subject.get("chat") or {}).get("id")


class UpdateStore:
    """All updates not yet delivered, in queues by subject."""

    def __init__(self, random: Random, *, time_factor: float) -> None:
        self._next_id = 800_000_000 + random.randrange(100_000_000)
        self._time_factor = time_factor
        self._poll: asyncio.Future[None] | None = None
        self.pending: dict[int, QueuedUpdate] = {}
        self.queues: dict[Hashable, deque[QueuedUpdate]] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.allowed: frozenset[str] | None = None
        self.on_added: Callable[[QueuedUpdate], None] = lambda _: None
        self.on_settled: Callable[[], None] = lambda: None

    def offer(self, kind: str, subject: JsonObject) -> int | None:
        """Queue an update unless the bot did not ask for its type; returns its number."""
        wanted = kind not in _NOT_BY_DEFAULT if self.allowed is None else kind in self.allowed
        return self.add({kind: subject}) if wanted else None

    def add(self, update: JsonObject) -> int:
        """Queue any update; one without a number gets the next."""
        update_id = update.get("update_id")
        if not isinstance(update_id, int):
            update_id = self._next_id
        self._next_id = max(self._next_id, update_id + 1)
        update = {"update_id": update_id} | update
        kind = kind_of(update)
        lifetime_s = _LIFETIMES_S.get(kind, DAY_S) * self._time_factor
        queued = QueuedUpdate(
            update_id=update_id,
            update=update,
            body=msgspec.json.encode(update),
            queue=queue_of(update),
            expires_at=time.monotonic() + lifetime_s,
        )
        self.pending[update_id] = queued
        self.queues.setdefault(queued.queue, deque()).append(queued)
        self.deliveries[update_id] = Delivery(update_id, kind)
        self.on_added(queued)
        self._wake_poll()
        return update_id

    def settle(self, queued: QueuedUpdate, outcome: str) -> None:
        """Take an update off its queue for good."""
        self.pending.pop(queued.update_id, None)
        queue = self.queues.get(queued.queue)
        if queue is not None and queued in queue:
            queue.remove(queued)
            if not queue:
                del self.queues[queued.queue]
        delivery = self.deliveries[queued.update_id]
        delivery.outcome = outcome
        delivery.answered_at = time.monotonic()
        self.on_settled()

    def drop_all(self) -> None:
        """Forget everything that waits: drop_pending_updates."""
        for queued in tuple(self.pending.values()):
            self.settle(queued, "dropped")

    async def poll(self, *, offset: int, limit: int, timeout_s: int) -> list[JsonObject]:
        """One getUpdates: confirm what is below the offset, then wait for what is above it."""
        self.end_poll(
            "terminated by other getUpdates request; make sure that only one bot "
            "instance is running"
        )
        self._confirm(offset)
        deadline = time.monotonic() + min(max(timeout_s, 0), MAX_POLL_S)
        while not (batch := self._batch(limit)):
            rest_s = deadline - time.monotonic()
            if rest_s <= 0:
                return []
            await self._wait(rest_s)
        return batch

    def end_poll(self, reason: str) -> None:
        """End the poll that waits, if one does, by a 409."""
        if self._poll and not self._poll.done():
            self._poll.set_exception(conflict(reason))
        self._poll = None

    async def _wait(self, rest_s: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poll = future
        try:
            async with asyncio.timeout(rest_s):
                await future
        except TimeoutError:
            pass
        finally:
            if self._poll is future:
                self._poll = None

    def _wake_poll(self) -> None:
        if self._poll and not self._poll.done():
            self._poll.set_result(None)

    def _confirm(self, offset: int) -> None:
        ids = sorted(self.pending)
        confirmed = [each for each in ids if each < offset] if offset >= 0 else ids[:offset]
        for update_id in confirmed:
            self.settle(self.pending[update_id], "confirmed")

    def _batch(self, limit: int) -> list[JsonObject]:
        now = time.monotonic()
        for queued in tuple(self.pending.values()):
            if queued.expires_at <= now:
                self.settle(queued, "expired")
        ids = sorted(self.pending)[: min(max(limit, 1), MAX_BATCH)]
        for update_id in ids:
            self.deliveries[update_id].attempts += 1
        return [self.pending[update_id].update for update_id in ids]
