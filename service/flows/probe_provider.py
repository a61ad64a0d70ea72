"""While KIE is away one process asks every ten seconds whether it is back."""

import structlog

from service.bells import SubmitTasks
from service.errors import KartinaError
from service.flows.deps import Deps
from service.store import provider

log = structlog.get_logger(__name__)

#: The pause between two probes.
PROBE_S = 10.0


async def probe_provider(deps: Deps) -> None:
    """Ask KIE for our credit while it counts as away. Safe to call at any time."""
    claimed = await provider.claim_probe(deps.pool, now=deps.now(), next_at=deps.after(PROBE_S))
    if claimed and await read_credits(deps):
        log.info("provider_back")
        deps.bells.ring_soon(SubmitTasks())


async def read_credits(deps: Deps) -> bool:
    """Read and keep the credit that is left; False: KIE gave no answer."""
    try:
        left = await deps.kie.read_credits()
    except KartinaError as error:
        log.warning("provider_silent", error=type(error).__name__)
        return False
    await provider.note_success(deps.pool)
    await provider.keep_credits(deps.pool, left, now=deps.now())
    return True
