"""Works on several rows of one bell at once; a row that fails does not disturb the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

#: At most so many rows of one bell at the same time: each needs a connection.
AT_ONCE = 8


async def each(ids: Iterable[int], work: Callable[[int], Awaitable[None]]) -> None:
    """Work on every row; raises the first failure once all are done. Rows keep their own state."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(row_id: int) -> None:
        async with room:
            await work(row_id)

    results = await asyncio.gather(*map(one, ids), return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            raise error
