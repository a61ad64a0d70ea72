"""The product as `start_rig` runs it, with its bells in the test's hands."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from actors.worker import in_process_worker
from service.app import serve_web
from service.bells import Bells
from service.settings import Settings
from service.store.pool import open_pool
from service.stubs.kie_server import KieStub, KieStubOptions
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from tests.support.databases import Database
from tests.support.rig import BOT_TOKEN, KIE_KEY, TIME_FACTOR, Rig, make_settings, until_ready


@dataclass
class WiredRig(Rig):
    """A rig whose bells a test may ring. One at a time: dramatiq's loop is the process's."""

    bells: Bells | None = None


@asynccontextmanager
async def start_wired(
    database: Database,
    folder: Path,
    *,
    through: Callable[[Bells], Bells] | None = None,
    kie_options: KieStubOptions | None = None,
    **environ: str,
) -> AsyncIterator[WiredRig]:
    """Start everything; `through` gives the bells that web and worker ring, made of the real."""
    telegram_options = TelegramStubOptions(bot_token=BOT_TOKEN, time_factor=TIME_FACTOR)
    options = kie_options or KieStubOptions(
        api_key=KIE_KEY, time_factor=TIME_FACTOR, creates_per_10s=10_000, reads_per_s=10_000
    )
    async with TelegramStub(telegram_options) as telegram, KieStub(options) as kie:
        settings = make_settings(
            database, folder, telegram, kie, time_factor=TIME_FACTOR, environ=environ
        )
        async with (
            _running(settings, through) as (bells, serving),
            aiohttp.ClientSession() as http,
        ):
            url = f"http://127.0.0.1:{settings.port}"
            await until_ready(http, url, serving)
            pool = await open_pool(database.app_url, size=5, name="test rig")
            try:
                yield WiredRig(settings, database, telegram, kie, pool, http, url, bells=bells)
            finally:
                await pool.close()


@asynccontextmanager
async def _running(
    settings: Settings, through: Callable[[Bells], Bells] | None
) -> AsyncIterator[tuple[Bells, asyncio.Task[None]]]:
    worker, bells = in_process_worker(settings)
    rung = through(bells) if through else bells
    # The runtime rings what it was given when it was made; nothing was opened yet.
    worker.runtime._bells = rung
    stop = asyncio.Event()
    await asyncio.to_thread(worker.start)
    try:
        serving = asyncio.create_task(serve_web(settings, bells=rung, stop=stop))
        try:
            yield bells, serving
        finally:
            stop.set()
            await serving
    finally:
        await asyncio.to_thread(worker.stop)
