"""Answers the bell SubmitTasks."""

import dramatiq

from actors.runtime import Runtime
from service.bells import SubmitTasks
from service.flows.submit_tasks import submit_tasks as submit

TIME_LIMIT_MS = 900_000


def declare(broker: dramatiq.Broker, runtime: Runtime) -> None:
    """Declare the actor on a broker."""

    @dramatiq.actor(broker=broker, queue_name=SubmitTasks.queue, time_limit=TIME_LIMIT_MS)
    async def submit_tasks() -> None:
        """Submit what waits, in fair order."""
        await runtime.work(submit(runtime.deps))
