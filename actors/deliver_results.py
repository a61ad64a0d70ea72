"""Answers the bell DeliverResults."""

import dramatiq

from actors.each import each
from actors.runtime import Runtime
from service.bells import DeliverResults
from service.flows.deliver_results import deliver_results as deliver

TIME_LIMIT_MS = 1_200_000


def declare(broker: dramatiq.Broker, runtime: Runtime) -> None:
    """Declare the actor on a broker."""

    @dramatiq.actor(broker=broker, queue_name=DeliverResults.queue, time_limit=TIME_LIMIT_MS)
    async def deliver_results(delivery_ids: list[int]) -> None:
        """Bring each delivery to its user."""
        deps, speech = runtime.deps, runtime.speech
        await runtime.work(each(delivery_ids, lambda row_id: deliver(deps, speech, row_id)))
