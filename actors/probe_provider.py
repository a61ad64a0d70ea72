"""Answers the bell ProbeProvider."""

import dramatiq

from actors.runtime import Runtime
from service.bells import ProbeProvider
from service.flows.probe_provider import probe_provider as probe

TIME_LIMIT_MS = 60_000


def declare(broker: dramatiq.Broker, runtime: Runtime) -> None:
    """Declare the actor on a broker."""

    @dramatiq.actor(broker=broker, queue_name=ProbeProvider.queue, time_limit=TIME_LIMIT_MS)
    async def probe_provider() -> None:
        """Ask whether KIE answers again."""
        await runtime.work(probe(runtime.deps))
