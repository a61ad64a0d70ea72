"""The whole product as processes between both stubs, on real PostgreSQL and RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from service.store.pool import Pool, open_pool
from service.stubs.kie_server import KieStub, KieStubOptions
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from tests.load.forwarder import Forwarder
from tests.support.databases import Database
from tests.support.processes import KartinaProcess, all_ready, kartina, run_kartina
from tests.support.rig import BOT_TOKEN, KIE_KEY, SECRET, free_port

#: Every wait, latency and deadline is ten times shorter: a minute is six seconds.
TIME_FACTOR = 0.1
WELCOME_RUB = 200
#: Enough for any burst, so that only the product's own pace counts.
CALLS_MAX = 10_000


@dataclass
class Town:
    """Everything that runs, seen from outside."""

    database: Database
    telegram: TelegramStub
    kie: KieStub
    webs: list[KartinaProcess]
    workers: list[KartinaProcess]
    pool: Pool
    http: aiohttp.ClientSession

    @property
    def processes(self) -> list[KartinaProcess]:
        """Give all processes."""
        return [*self.webs, *self.workers]

    async def until(self, query: str, *values: object, limit_s: float) -> None:
        """Wait until a query gives true."""
        async with asyncio.timeout(limit_s):
            while not await self.pool.fetchval(query, *values):
                await asyncio.sleep(0.2)

    async def is_queue_up(self) -> bool:
        """Tell whether the first web reaches RabbitMQ, by what /health says."""
        async with self.http.get(f"{self.webs[0].url}/health") as answer:
            return bool((await answer.json())["queue"]["ok"])

    async def updates_taken(self, web: KartinaProcess) -> int:
        """Tell how many updates a web acknowledged."""
        async with self.http.get(f"{web.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        name = "kartina_webhook_seconds_count"
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))


@asynccontextmanager
async def run_town(
    database: Database, folder: Path, *, rabbit_url: str, instances: int = 1
) -> AsyncIterator[Town]:
    """Migrate an empty database and start so many webs and workers on it."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        telegram = await enter(
            TelegramStub(TelegramStubOptions(bot_token=BOT_TOKEN, time_factor=TIME_FACTOR))
        )
        kie = await enter(
            KieStub(
                KieStubOptions(
                    api_key=KIE_KEY, time_factor=TIME_FACTOR, creates_per_10s=CALLS_MAX,
                    reads_per_s=CALLS_MAX,
                )
            )
        )  # fmt: skip
        ports = [free_port() for _ in range(instances)]
        front = await enter(Forwarder(ports))
        environ = _environ(database, folder, telegram, kie) | {
            "PUBLIC_URL": front.url,
            "RABBITMQ_URL": rabbit_url,
            "INSTANCE_MODE": "multi" if instances > 1 else "single",
        }
        await run_kartina("migrate", environ=environ)
        http = await enter(aiohttp.ClientSession())
        planned = [_process("web", "PORT", port, folder, environ) for port in ports]
        planned += [_process("worker", "WORKER_PORT", free_port(), folder, environ) for _ in ports]
        started = await enter(all_ready(planned, http))
        pool = await enter(_pool(database))
        yield Town(database, telegram, kie, started[:instances], started[instances:], pool, http)


def _environ(
    database: Database, folder: Path, telegram: TelegramStub, kie: KieStub
) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "KIE_API_KEY": KIE_KEY,
        "KIE_API_URL": kie.url,
        "KIE_RESULT_HOSTS": kie.url.removeprefix("http://"),
        "KIE_CREATES_PER_10S": str(CALLS_MAX),
        "KIE_READS_PER_S": str(CALLS_MAX),
        "DATABASE_URL": database.app_url,
        "MIGRATE_DATABASE_URL": database.owner_url,
        "DATA_DIR": str(folder / "data"),
        "WELCOME_BALANCE_RUB": str(WELCOME_RUB),
        "TIME_FACTOR": str(TIME_FACTOR),
        "HOST": "127.0.0.1",
    }


def _process(
    command: str, variable: str, port: int, folder: Path, environ: dict[str, str]
) -> AbstractAsyncContextManager[KartinaProcess]:
    return kartina(
        command, name=f"{command}-{port}", url=f"http://127.0.0.1:{port}", folder=folder,
        environ=environ | {variable: str(port)},
    )  # fmt: skip


@asynccontextmanager
async def _pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, size=2, name="load test")
    try:
        yield pool
    finally:
        await pool.close()
