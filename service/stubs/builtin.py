"""`KIE_STUB=1`: starts the KIE stub in this process and points the settings to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import structlog

from service.settings import Settings

log = structlog.get_logger(__name__)

#: Known to everybody: it opens nothing but a stub.
STUB_KEY = "kie-stub-key"
_LOOK_LIMIT_S = 1.0


@asynccontextmanager
async def with_kie_stub(settings: Settings) -> AsyncIterator[Settings]:
    """Give settings that point to the stub; one that answers there already is used."""
    if not settings.kie_stub:
        yield settings
        return
    port = settings.kie_stub_port
    pointed = replace(
        settings,
        kie_api_url=f"http://127.0.0.1:{port}",
        kie_upload_url=f"http://127.0.0.1:{port}",
        kie_api_key=STUB_KEY,
        kie_result_hosts=(f"127.0.0.1:{port}",),
    )
    if await _answers(port):
        log.info("kie_stub_found", port=port)
        yield pointed
        return
    # A worker of real users need not hold the stub's drawing and its models in memory.
    from service.stubs.kie_server import KieStub, KieStubOptions  # noqa: PLC0415

    options = KieStubOptions(
        port=port,
        api_key=STUB_KEY,
        hmac_key=settings.kie_webhook_hmac_key[0] if settings.kie_webhook_hmac_key else None,
        time_factor=float(settings.time_factor),
        creates_per_10s=settings.kie_creates_per_10s,
        reads_per_s=settings.kie_reads_per_s,
    )
    async with KieStub(options):
        log.info("kie_stub_started", port=port)
        yield pointed


async def _answers(port: int) -> bool:
    """Tell whether a KIE stub listens there."""
    limit = aiohttp.ClientTimeout(total=_LOOK_LIMIT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(f"http://127.0.0.1:{port}/stub") as answer,
        ):
            return bool((await answer.json()).get("stub") == "kie")
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
