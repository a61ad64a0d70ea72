"""Sets the stage: embedded PostgreSQL, simulated Telegram and KIE, and the real bot between."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import click

from service.errors import KartinaError
from service.logging import set_up_logging
from service.settings import Settings
from service.stubs.kie_server import KieStub, KieStubOptions
from service.stubs.telegram_person import Person
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions

#: What the visitor has to spend.
WELCOME_RUB = 200
#: Pictures take a tenth of the time they take at KIE.
KIE_TIME_FACTOR = 0.1
#: As long as a first start of everything may take on a slow machine.
START_LIMIT_S = 90.0
#: Every visit is somebody new, who gets the welcome money.
_IDS = range(100_000_000, 1_000_000_000)
BOT_TOKEN = "7000000001:stub-token"  # noqa: S105 - the stub's own, known to everybody
KIE_KEY = "kie-stub-key"


class RunMachine(Protocol):
    """`actors.machine.run_machine`, passed in: `service` does not import `actors`."""

    def __call__(self, settings: Settings, *, stop: asyncio.Event) -> Awaitable[None]:
        """Run web and worker until `stop`."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The running bot, seen from the visitor's chair."""

    settings: Settings
    telegram: TelegramStub
    kie: KieStub
    visitor: Person
    url: str  # of the bot's own web process


async def play_demo(run: RunMachine, *, script: bool, data_dir: Path | None) -> None:
    """Start everything, let the visitor talk, stop everything."""
    folder = (data_dir or Path(".run") / "demo").absolute()
    click.echo("Starting PostgreSQL, the bot, a simulated Telegram and KIE…", err=True)
    async with set_stage(run, folder) as stage:
        if script:
            from service.demo.script import play_script  # noqa: PLC0415 - one of two plays

            await play_script(stage)
        else:
            from service.demo.chat import play_chat  # noqa: PLC0415 - Textual is big

            await play_chat(stage)


@asynccontextmanager
async def set_stage(run: RunMachine, folder: Path) -> AsyncIterator[Stage]:
    """Start both stubs and the bot, and wait until it is ready; stop them in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    # The folder outlives a visit: a simulated Telegram that counts anew would repeat itself.
    telegram_options = TelegramStubOptions(bot_token=BOT_TOKEN, seed=secrets.randbits(32))
    kie_options = KieStubOptions(api_key=KIE_KEY, time_factor=KIE_TIME_FACTOR)
    async with TelegramStub(telegram_options) as telegram, KieStub(kie_options) as kie:
        settings = _settings(telegram, kie, folder)
        set_up_logging(settings, stream=(folder / "log.txt").open("a", encoding="utf-8"))
        stop = asyncio.Event()
        running = asyncio.ensure_future(run(settings, stop=stop))
        try:
            url = f"http://127.0.0.1:{settings.port}"
            await _until_ready(url, running)
            visitor = telegram.person(secrets.choice(_IDS), first_name="Гость", language_code="ru")
            yield Stage(settings, telegram, kie, visitor, url)
        finally:
            stop.set()
            await running


def _settings(telegram: TelegramStub, kie: KieStub, folder: Path) -> Settings:
    port = _free_port()
    environ = {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_WEBHOOK_SECRET": secrets.token_urlsafe(16),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "KIE_API_KEY": KIE_KEY,
        "KIE_API_URL": kie.url,
        "KIE_UPLOAD_URL": kie.url,
        "KIE_RESULT_HOSTS": kie.url.removeprefix("http://"),
        "DATA_DIR": str(folder),
        "WELCOME_BALANCE_RUB": str(WELCOME_RUB),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
    }
    return Settings.load(environ)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def _until_ready(url: str, running: asyncio.Future[None]) -> None:
    """Wait until the bot says that it is ready; whatever ended it before is raised."""
    limit = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=limit) as session, asyncio.timeout(START_LIMIT_S):
        while True:
            if running.done():
                running.result()
                raise KartinaError("the bot ended before it was ready; see log.txt of the demo")
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
