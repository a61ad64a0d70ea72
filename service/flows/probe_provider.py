"""Asks KIE for our credit: each minute, and every ten seconds while it is away."""

import structlog

from service.bells import SubmitTasks
from service.errors import KartinaError
from service.flows.deps import Deps
from service.store import provider

log = structlog.get_logger(__name__)

#: The pause between two probes while KIE is away.
PROBE_S = 10.0
#: Our credit is read again after this.
CREDITS_S = 60.0


async def probe_provider(deps: Deps) -> None:
    """Ask KIE for our credit where that is due. Safe to call at any time, from anywhere."""
    claimed = await provider.claim_probe(
        deps.pool,
        now=deps.now(),
        stale_at=deps.now() - deps.span(CREDITS_S),
        next_at=deps.after(PROBE_S),
    )
    if not claimed:
        return
    was_away = (await provider.get(deps.pool)).away_since is not None
    if await read_credits(deps) and was_away:
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
