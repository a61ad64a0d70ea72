"""`kartina run`: web and worker in one process, for one machine with or without servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from actors.worker import Worker, in_process_worker, rabbit_worker
from service.app import serve_web
from service.bells import Bells
from service.local.postgres import PrivatePostgres
from service.settings import Settings
from service.store.migrations import migrate_for
from service.stubs.builtin import with_kie_stub

log = structlog.get_logger(__name__)


async def run_machine(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Run everything until SIGTERM (or `stop`); starts the servers that are not given."""
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(_with_database(settings))
        settings = await stack.enter_async_context(with_kie_stub(settings))
        app_url = settings.database_url or ""
        await migrate_for(settings.migrate_database_url or app_url, app_url)
        worker, bells = _worker(settings)
        await asyncio.to_thread(worker.start)
        stack.push_async_callback(asyncio.to_thread, worker.stop)
        await serve_web(settings, bells=bells, stop=stop)


def _worker(settings: Settings) -> tuple[Worker, Bells | None]:
    if settings.rabbitmq_url:
        return rabbit_worker(settings), None
    return in_process_worker(settings)


@asynccontextmanager
async def _with_database(settings: Settings) -> AsyncIterator[Settings]:
    """Start an embedded PostgreSQL where no address is given."""
    if settings.database_url:
        yield settings
        return
    server = PrivatePostgres(settings.data_dir / "postgres")
    await asyncio.to_thread(server.start)
    log.info("embedded_database_started", port=server.port)
    try:
        yield replace(settings, database_url=server.url)
    finally:
        await asyncio.to_thread(server.stop)
