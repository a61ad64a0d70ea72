"""Answers the bell SettleTasks."""

import dramatiq

from actors.each import each
from actors.runtime import Runtime
from service.bells import SettleTasks
from service.flows.settle_task import settle_task

TIME_LIMIT_MS = 600_000


def declare(broker: dramatiq.Broker, runtime: Runtime) -> None:
    """Declare the actor on a broker."""

    @dramatiq.actor(broker=broker, queue_name=SettleTasks.queue, time_limit=TIME_LIMIT_MS)
    async def settle_tasks(task_ids: list[int]) -> None:
        """Look at each task, and settle those that have ended."""
        deps = runtime.deps
        await runtime.work(each(task_ids, lambda task_id: settle_task(deps, task_id)))
