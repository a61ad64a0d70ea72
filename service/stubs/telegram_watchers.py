"""Waiting for a condition and listening to changes, without polling."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Watchers:
    """Checks waiting conditions each time something has changed."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], bool]] = []

    def changed(self) -> None:
        """Say that something changed: every waiting condition is looked at again."""
        if self._waiting:
            self._waiting = [look for look in self._waiting if not look()]

    async def next_change(self) -> None:
        """Return at the next change."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look() -> bool:
            if not future.done():
                future.set_result(None)
            return True

        self._waiting.append(look)
        await future

    async def until(self, find: Callable[[], T | None], *, timeout_s: float, what: str) -> T:
        """The first value of `find` that is neither None nor False."""
        if found := find():
            return found
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def look() -> bool:
            if not future.done() and (now_found := find()):
                future.set_result(now_found)
            return future.done()

        self._waiting.append(look)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError as error:
            raise TimeoutError(f"{what} did not come within {timeout_s} s") from error
        finally:
            if look in self._waiting:
                self._waiting.remove(look)


class EventStream(Generic[T]):
    """Changes from the moment of its making on; iterate over it with `async for`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue()

    def put(self, event: T) -> None:
        """Add a change."""
        self._queue.put_nowait(event)

    async def next(self) -> T:
        """The next change, waited for."""
        return await self._queue.get()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await self._queue.get()


class Broadcast(Generic[T]):
    """Gives each change to every stream somebody still holds."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[EventStream[T]] = weakref.WeakSet()

    def open(self) -> EventStream[T]:
        """A new stream of the changes from now on."""
        stream: EventStream[T] = EventStream()
        self._streams.add(stream)
        return stream

    def put(self, event: T) -> None:
        """Tell every stream."""
        for stream in tuple(self._streams):
            stream.put(event)
