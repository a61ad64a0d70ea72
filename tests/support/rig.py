"""The whole product between both stubs: real PostgreSQL, real HTTP, one process."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg

from actors.machine import run_machine
from service.domain.money import rub
from service.flows.audit_ledger import audit_ledger
from service.settings import Settings
from service.store import ledger, users
from service.store.ledger import MovementKind
from service.store.pool import Pool, open_pool
from service.stubs.kie_server import KieStub, KieStubOptions
from service.stubs.telegram_person import Person
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from tests.support.databases import Database

BOT_TOKEN = "7000000001:stub-token"
KIE_KEY = "kie-stub-key"
SECRET = "rig-secret"
#: Every wait, latency and deadline of ours and of the stubs is this much shorter.
TIME_FACTOR = 0.02
START_LIMIT_S = 60
#: What a test waits for at most; reached only when it fails.
PATIENCE_S = 30


@dataclass
class Rig:
    """The running product, seen from outside: people, KIE, the database."""

    settings: Settings
    database: Database
    telegram: TelegramStub
    kie: KieStub
    pool: Pool
    http: aiohttp.ClientSession
    url: str
    people: int = 0

    def person(self, *, language: str = "en", first_name: str = "Ann") -> Person:
        """Give somebody new."""
        self.people += 1
        user_id = 500_000_000 + self.people
        return self.telegram.person(user_id, first_name=first_name, language_code=language)

    async def give(self, person: Person, rubles: int) -> None:
        """Put money of their own on a person's account; they must have written before."""
        await give(self.pool, person.user_id, rubles)

    async def post_update(self, update: dict) -> int:
        """Post Telegram's own JSON to the webhook; gives the HTTP status."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with self.http.post(
            f"{self.url}/telegram/webhook", json=update, headers=headers
        ) as answer:
            return answer.status

    async def fetchval(self, query: str, *values: object) -> object:
        """Look into the database."""
        return await self.pool.fetchval(query, *values)

    async def until(self, query: str, *values: object, limit_s: float = PATIENCE_S) -> None:
        """Wait until a query gives true."""
        async with asyncio.timeout(limit_s):
            while not await self.pool.fetchval(query, *values):
                await asyncio.sleep(0.02)

    async def audit(self) -> list:
        """Check the whole ledger; empty: it adds up."""
        return await audit_ledger(self.database.owner_url)


async def give(pool: Pool, user_id: int, rubles: int) -> None:
    """Put money of their own on a user's account."""
    async with pool.acquire() as db, db.transaction():
        await users.lock(db, user_id)
        await ledger.credit(
            db,
            kind=MovementKind.ADJUSTMENT,
            user_id=user_id,
            amount_kopecks=rub(rubles),
            key=f"test:{secrets.token_hex(8)}",
        )


@asynccontextmanager
async def start_rig(
    database: Database,
    folder: Path,
    *,
    time_factor: float = TIME_FACTOR,
    kie_options: KieStubOptions | None = None,
    **environ: str,
) -> AsyncIterator[Rig]:
    """Start everything on a database; `environ` adds to or changes the variables."""
    telegram_options = TelegramStubOptions(bot_token=BOT_TOKEN, time_factor=time_factor)
    options = kie_options or KieStubOptions(
        api_key=KIE_KEY, time_factor=time_factor, creates_per_10s=10_000, reads_per_s=10_000
    )
    async with TelegramStub(telegram_options) as telegram, KieStub(options) as kie:
        settings = make_settings(
            database, folder, telegram, kie, time_factor=time_factor, environ=environ
        )
        stop = asyncio.Event()
        running = asyncio.create_task(run_machine(settings, stop=stop))
        try:
            async with aiohttp.ClientSession() as http:
                url = f"http://127.0.0.1:{settings.port}"
                await until_ready(http, url, running)
                pool = await open_pool(database.app_url, size=5, name="test rig")
                try:
                    yield Rig(settings, database, telegram, kie, pool, http, url)
                finally:
                    await pool.close()
        finally:
            stop.set()
            await running


def make_settings(
    database: Database,
    folder: Path,
    telegram: TelegramStub,
    kie: KieStub,
    *,
    time_factor: float,
    environ: dict[str, str],
) -> Settings:
    """Give the settings of a process between the stubs."""
    port = free_port()
    values = {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "KIE_API_KEY": KIE_KEY,
        "KIE_API_URL": kie.url,
        "KIE_RESULT_HOSTS": kie.url.removeprefix("http://"),
        "KIE_CREATES_PER_10S": "10000",
        "KIE_READS_PER_S": "10000",
        "DATABASE_URL": database.app_url,
        "MIGRATE_DATABASE_URL": database.owner_url,
        "DATA_DIR": str(folder),
        "WELCOME_BALANCE_RUB": "200",
        "TIME_FACTOR": str(time_factor),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    return Settings.load({k: v for k, v in (values | environ).items() if v})


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def until_ready(
    http: aiohttp.ClientSession, url: str, running: asyncio.Future | None = None
) -> None:
    """Wait until a process says that it is ready."""
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            if running is not None and running.done():
                running.result()
                raise AssertionError("the process ended before it was ready")
            with contextlib.suppress(aiohttp.ClientError, asyncpg.PostgresError):
                async with http.get(f"{url}/health/ready") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.05)
