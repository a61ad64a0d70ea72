"""Delivery to the webhook: one queue per subject, strict order inside, parallel across."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp
from aiohttp import hdrs

from service.stubs.telegram_errors import BotApiError
from service.stubs.telegram_gate import ConnectionGate
from service.stubs.telegram_parameters import (
    Parameters,
    as_text,
    decode_form_body,
    decode_json_body,
)
from service.stubs.telegram_updates import QueuedUpdate, UpdateStore
from service.stubs.telegram_watchers import Watchers

JsonObject = dict[str, Any]
Execute = Callable[[str, Parameters], Awaitable[Any]]

_IDLE_LIMIT_S = 60.0
_LEAST_IDLE_LIMIT_S = 2.0
_CONNECT_LIMIT_S = 10.0
_MAX_RETRY_AFTER_S = 3600
_GONE_S = 23 * 3600.0
_NEVER_EXECUTED = frozenset({"setwebhook", "deletewebhook", "close", "logout"})
_OK, _REDIRECT, _GONE = 200, 300, 410


@dataclass(frozen=True, slots=True)
class Hook:
    """Where updates go, and the secret sent with them."""

    url: str
    secret: str = ""


@dataclass(slots=True)
class _Tried:
    """How one POST went."""

    status: int | None = None
    error: str = ""
    retry_after_s: float | None = None
    body: bytes = b""
    content_type: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and _OK <= self.status < _REDIRECT


class WebhookSender:
    """Sends what the update store holds, as Telegram's own server does."""

    def __init__(self, updates: UpdateStore, random: Random, *, time_factor: float) -> None:
        self.hook: Hook | None = None
        self.gate = ConnectionGate(time_factor=time_factor)
        self.execute: Execute | None = None
        self.last_error: tuple[int, str] | None = None
        self.watchers = Watchers()
        self._updates = updates
        self._random = random
        self._time_factor = time_factor
        self._session: aiohttp.ClientSession | None = None
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._held: set[str] = set()
        self._repeats = 0
        self._doubles = 0
        self._gone_since: float | None = None
        updates.on_added = lambda queued: self._start(queued.queue)
        updates.on_settled = self.watchers.changed

    async def point_at(self, hook: Hook | None) -> None:
        """Send to this webhook from now on; None stops sending and keeps what waits."""
        self.hook = None
        await self._stop_tasks()
        self.hook = hook
        self.last_error = None
        self._gone_since = None
        self._start_all()

    async def close(self) -> None:
        """Stop sending and close the connections."""
        self.hook = None
        await self._stop_tasks()
        if self._session is not None:
            await self._session.close()

    def repeat_next(self, count: int = 1) -> None:
        """Deliver each of the next updates a second time after its 2xx."""
        self._repeats += count

    def double_next(self, count: int = 1) -> None:
        """Deliver each of the next updates twice at once."""
        self._doubles += count

    def hold(self, *kinds: str) -> None:
        """Keep updates of these kinds (all when none is named) back until `release`."""
        self._held.update(kinds or ("*",))

    async def release(self, order: str = "arrival") -> None:
        """Let the held queues go by `arrival`, `reversed` or `shuffled`.

        The head of one queue is answered before the next queue begins, so the order is certain.
        """
        self._held.clear()
        queues = [queue for queue in self._updates.queues if queue not in self._tasks]
        if order == "reversed":
            queues.reverse()
        elif order == "shuffled":
            self._random.shuffle(queues)
        for queue in queues:
            if heads := self._updates.queues.get(queue):
                delivery = self._updates.deliveries[heads[0].update_id]
                before = delivery.attempts
                self._start(queue)
                while delivery.attempts == before and queue in self._tasks:
                    await self.watchers.next_change()

    async def wait_idle(self, *, timeout_s: float = 30.0) -> None:
        """Return when every update was delivered or dropped."""
        await self.watchers.until(
            lambda: not self._updates.pending, timeout_s=timeout_s, what="an empty queue"
        )

    def _is_held(self, queue: Hashable) -> bool:
        if not self._held:
            return False
        queued = self._updates.queues[queue][0]
        kind = self._updates.deliveries[queued.update_id].kind
        return not self._held.isdisjoint({"*", kind})

    def _start_all(self) -> None:
        for queue in tuple(self._updates.queues):
            self._start(queue)

    def _start(self, queue: Hashable) -> None:
        if self.hook is None or queue in self._tasks or self._is_held(queue):
            return
        task = asyncio.get_running_loop().create_task(self._drain(queue, self.hook))
        self._tasks[queue] = task

    async def _stop_tasks(self) -> None:
        own = asyncio.current_task()
        tasks = [task for task in self._tasks.values() if task is not own]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, queue: Hashable, hook: Hook) -> None:
        try:
            while self.hook is hook and (waiting := self._updates.queues.get(queue)):
                if self._is_held(queue):
                    return
                await self._deliver(waiting[0], hook)
        finally:
            if self._tasks.get(queue) is asyncio.current_task():
                del self._tasks[queue]
            self.watchers.changed()

    async def _deliver(self, queued: QueuedUpdate, hook: Hook) -> None:
        """Try until a 2xx, or until the next try would come too late."""
        failures = 0
        while self.hook is hook and queued.update_id in self._updates.pending:
            if queued.expires_at <= time.monotonic():
                self._updates.settle(queued, "expired")
                return
            tried = await self._try(queued, hook)
            if tried.is_success:
                self._updates.settle(queued, "delivered")
                await self._carry_out(tried)
                return
            failures += 1
            pause_s = self._pause_s(failures, tried.retry_after_s)
            if time.monotonic() + pause_s >= queued.expires_at:
                self._updates.settle(queued, "expired")
                return
            self._note_gone(tried, hook)
            await asyncio.sleep(pause_s)

    async def _try(self, queued: QueuedUpdate, hook: Hook) -> _Tried:
        """One turn at the gate: usually one POST, two when doubles or repeats were asked for."""
        async with self.gate:
            if self._doubles:
                self._doubles -= 1
                both = await asyncio.gather(self._post(queued, hook), self._post(queued, hook))
                tried = next((each for each in both if each.is_success), both[0])
            else:
                tried = await self._post(queued, hook)
            if tried.is_success and self._repeats:
                self._repeats -= 1
                await self._post(queued, hook)
        self.gate.note(success=tried.is_success)
        if tried.error:
            self.last_error = (int(time.time()), tried.error)
        return tried

    async def _post(self, queued: QueuedUpdate, hook: Hook) -> _Tried:
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.ACCEPT_ENCODING: "gzip, deflate",
        }
        if hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
        try:
            async with self._open_session().post(
                hook.url, data=queued.body, headers=headers, allow_redirects=False
            ) as response:
                tried = _Tried(
                    status=response.status,
                    body=await response.read(),
                    content_type=response.content_type,
                )
                if not tried.is_success:
                    reason = f"{response.status} {response.reason}"
                    tried.error = f"Wrong response from the webhook: {reason}"
                    tried.retry_after_s = _read_retry_after(response.headers)
        except TimeoutError:
            tried = _Tried(error="Read timeout expired")
        except aiohttp.ClientConnectorError:
            tried = _Tried(error="Connection refused")
        except aiohttp.ClientError:
            tried = _Tried(error="Webhook connection closed")
        delivery = self._updates.deliveries[queued.update_id]
        delivery.attempts += 1
        delivery.status = tried.status
        self.watchers.changed()
        return tried

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            idle_s = max(_LEAST_IDLE_LIMIT_S, _IDLE_LIMIT_S * self._time_factor)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=idle_s, connect=_CONNECT_LIMIT_S),
            )
        return self._session

    def _pause_s(self, failures: int, retry_after_s: float | None) -> float:
        """The time to the next try: 0, then 2, 4, 8... up to 60-120 s, or what was asked for."""
        if retry_after_s is not None:
            return retry_after_s * self._time_factor
        if failures == 1:
            return 0.0
        longest_s = self._random.uniform(60.0, 120.0)
        return min(2.0 ** min(failures - 1, 10), longest_s) * self._time_factor

    def _note_gone(self, tried: _Tried, hook: Hook) -> None:
        """A webhook that says 410 for 23 hours is closed."""
        if tried.status != _GONE or self._gone_since is None:
            self._gone_since = time.monotonic() if tried.status == _GONE else None
        elif time.monotonic() - self._gone_since > _GONE_S * self._time_factor:
            self.hook = None if self.hook is hook else self.hook

    async def _carry_out(self, tried: _Tried) -> None:
        """Execute the method in the answer's body, if there is one; nobody hears how it went."""
        self._gone_since = None
        if not tried.body.strip() or self.execute is None:
            return
        try:
            is_form = tried.content_type == "application/x-www-form-urlencoded"
            decode = decode_form_body if is_form else decode_json_body
            values: JsonObject = dict(decode(tried.body))
            method = as_text(values.pop("method", None))
            is_barred = method.lower() in _NEVER_EXECUTED or method.lower().startswith("get")
            if method and not is_barred:
                await self.execute(method, Parameters(values))
        except BotApiError:
            return


def _read_retry_after(headers: Any) -> float | None:
    try:
        return min(max(0, int(headers.get(hdrs.RETRY_AFTER, ""))), _MAX_RETRY_AFTER_S)
    except ValueError:
        return None
