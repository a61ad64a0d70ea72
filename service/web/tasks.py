"""Background tasks of a process: they survive their errors, and end when the process does."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

RESTART_S = 1.0


class Supervisor:
    """Holds the tasks of a process, so that none is forgotten and none dies unnoticed."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns; when it raises, say so and run it again."""
        self._tasks.append(asyncio.create_task(_keep_running(name, work), name=name))

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


async def _keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            # Wiring: a task that ends by a bug would be missed only days later.
            log.exception("background_task_failed", task=name)
            await asyncio.sleep(RESTART_S)
        else:
            return
