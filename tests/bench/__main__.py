"""Runs all measurements, prints one table, writes JSON and a plot below `.run/bench`."""

import asyncio
import json
import logging
import secrets
import shutil
from pathlib import Path

import asyncpg
import structlog

from service.local.postgres import PrivatePostgres
from service.local.rabbitmq import PrivateRabbit
from service.store.migrations import migrate
from service.stubs.kie_server import KieStub, KieStubOptions
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from tests.bench.ack import measure_ack
from tests.bench.baseline import SECRET
from tests.bench.conversation import measure_conversation
from tests.bench.figures import Row, draw, print_table, rows_of_ack, rows_of_conversation
from tests.bench.memory import measure_memory
from tests.bench.processes import KARTINA, free_port, ready, rss_mb, running
from tests.support.rig import BOT_TOKEN, KIE_KEY

FOLDER = Path(".run") / "bench"
WEBHOOK_LIMIT_S = 20


async def main() -> None:
    """Measure on servers of our own; each part on a database of its own."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    postgres, rabbit = PrivatePostgres(FOLDER / "postgres"), PrivateRabbit(FOLDER / "rabbitmq")
    try:
        await asyncio.gather(asyncio.to_thread(postgres.start), asyncio.to_thread(rabbit.start))
        rows = await measure(postgres.url, rabbit.url)
    finally:
        await asyncio.to_thread(rabbit.erase)
        await asyncio.to_thread(postgres.erase)
    print_table(rows)
    results = FOLDER / "results.json"
    results.write_text(json.dumps([row.as_json() for row in rows], indent=1))
    print(f"results: {results}\nplot: {draw(rows, FOLDER / 'results.png')}")


async def measure(postgres_url: str, rabbit_url: str) -> list[Row]:
    """Run both parts, each with a Telegram of its own; the stubs stand in for the outside."""
    kie_options = KieStubOptions(api_key=KIE_KEY, time_factor=0.05)
    async with KieStub(kie_options) as kie:
        common = _common(kie, rabbit_url)
        async with TelegramStub(TelegramStubOptions(bot_token=BOT_TOKEN)) as telegram:
            environ = common | {"TELEGRAM_API_URL": telegram.url}
            ack = await measure_ack(
                environ | {"DATABASE_URL": await _database(postgres_url)}, FOLDER
            )
        async with TelegramStub(TelegramStubOptions(bot_token=BOT_TOKEN)) as telegram:
            environ = common | {"TELEGRAM_API_URL": telegram.url}
            talk = await _talk(
                environ | {"DATABASE_URL": await _database(postgres_url)}, telegram, kie
            )
    return [*rows_of_ack(ack), *rows_of_conversation(*talk)]


def _common(kie: KieStub, rabbit_url: str) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "KIE_API_KEY": KIE_KEY,
        "KIE_API_URL": kie.url,
        "KIE_RESULT_HOSTS": kie.url.removeprefix("http://"),
        "RABBITMQ_URL": rabbit_url,
        "WELCOME_BALANCE_RUB": "200",
        "DATA_DIR": str(FOLDER.absolute()),
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }


async def _talk(environ: dict[str, str], telegram: TelegramStub, kie: KieStub) -> tuple:
    """Measure what people feel, with one web and one worker."""
    port, worker_port = free_port(), free_port()
    values = environ | {
        "PORT": str(port),
        "WORKER_PORT": str(worker_port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    async with (
        running([str(KARTINA), "web"], values, FOLDER / "web.log") as web,
        running([str(KARTINA), "worker"], values, FOLDER / "worker.log") as worker,
    ):
        await ready(web, f"http://127.0.0.1:{port}")
        await ready(worker, f"http://127.0.0.1:{worker_port}")
        async with asyncio.timeout(WEBHOOK_LIMIT_S):
            while telegram.world.webhook.hook is None:
                await asyncio.sleep(0.05)
        before = rss_mb(web), rss_mb(worker)
        latencies = await measure_conversation(telegram, kie)
        url, database_url = f"http://127.0.0.1:{port}", values["DATABASE_URL"]
        return latencies, before, await measure_memory(url, database_url, web, worker)


async def _database(server_url: str) -> str:
    """Make a migrated database."""
    name = f"bench_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = f"{server_url.rpartition('/')[0]}/{name}"
    await migrate(url)
    return url


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(main())
