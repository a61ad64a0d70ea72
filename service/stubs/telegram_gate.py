"""The connections to the webhook: how many may be open at once."""

import asyncio
import time
from collections import deque

DEFAULT_CONNECTIONS = 40
MAX_CONNECTIONS = 100
_PATIENCE_S = 10.0
_SLOW_STEP_S = 2.0


class ConnectionGate:
    """Lets `max_connections` deliveries through; one by one after 10 s without a success."""

    def __init__(self, *, time_factor: float) -> None:
        self.max_connections = DEFAULT_CONNECTIONS
        self._time_factor = time_factor
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._failing_since: float | None = None
        self._next_slow_at = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether only one connection is allowed for now."""
        return (
            self._failing_since is not None
            and time.monotonic() - self._failing_since > _PATIENCE_S * self._time_factor
        )

    def note(self, *, success: bool) -> None:
        """Remember how a delivery went."""
        if success:
            self._failing_since = None
            self._wake()
        elif self._failing_since is None:
            self._failing_since = time.monotonic()

    async def __aenter__(self) -> None:
        while self._open >= self._limit():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            except asyncio.CancelledError:
                self._wake()
                raise
        self._open += 1
        if self.is_slow:
            await self._wait_for_turn()

    async def __aexit__(self, *_: object) -> None:
        self._open -= 1
        self._wake()

    def _limit(self) -> int:
        return 1 if self.is_slow else self.max_connections

    async def _wait_for_turn(self) -> None:
        now = time.monotonic()
        turn_at = max(now, self._next_slow_at)
        self._next_slow_at = turn_at + _SLOW_STEP_S * self._time_factor
        try:
            await asyncio.sleep(turn_at - now)
        except asyncio.CancelledError:
            await self.__aexit__()
            raise

    def _wake(self) -> None:
        free = self._limit() - self._open
        while self._waiting and free > 0:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                free -= 1
