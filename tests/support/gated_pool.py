"""A pool that a test can hold, or break, at any statement of a flow."""

from collections.abc import Callable
from typing import Any

from tests.support.scripted import Gate

_STATEMENTS = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})


class GatedPool:
    """Holds whoever takes the n-th connection, or the first that is taken for a transaction."""

    def __init__(self, pool, gate: Gate, *, hold_at: int | None = None) -> None:
        self._pool = pool
        self._gate = gate
        self._hold_at = hold_at
        self._taken = 0
        self._is_held = False

    def acquire(self) -> "_Taking":
        return _Taking(self)

    async def take(self, *, for_transaction: bool) -> Any:
        self._taken += 1
        is_place = for_transaction if self._hold_at is None else self._taken == self._hold_at
        if is_place and not self._is_held:
            self._is_held = True
            await self._gate.hold()
        return await self._pool.acquire()

    async def release(self, connection) -> None:
        await self._pool.release(connection)


class FaultyPool:
    """Calls `after_statement` after each statement, which may raise."""

    def __init__(self, pool, after_statement: Callable[[], None]) -> None:
        self._pool = pool
        self.after_statement = after_statement

    def acquire(self) -> "_Taking":
        return _Taking(self)

    async def take(self, *, for_transaction: bool) -> Any:
        return _Watched(await self._pool.acquire(), self.after_statement)

    async def release(self, watched) -> None:
        await self._pool.release(watched.connection)


class _Taking:
    """What `pool.acquire()` gives: to be awaited, or entered."""

    def __init__(self, pool) -> None:
        self._pool = pool
        self._connection: Any = None

    def __await__(self):
        return self._pool.take(for_transaction=False).__await__()

    async def __aenter__(self) -> Any:
        self._connection = await self._pool.take(for_transaction=True)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._pool.release(self._connection)


class _Watched:
    """A connection whose statements are followed by something of the test's."""

    def __init__(self, connection, after_statement: Callable[[], None]) -> None:
        self.connection = connection
        self._after_statement = after_statement

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self.connection, name)
        if name not in _STATEMENTS:
            return inner

        async def watched(*arguments: Any, **options: Any) -> Any:
            result = await inner(*arguments, **options)
            self._after_statement()
            return result

        return watched
