"""Sets the stage: embedded PostgreSQL, simulated Telegram and KIE, and the real bot between."""

import asyncio
import fcntl
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
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
#: Pictures take a tenth of the time they take at KIE; nobody watches the script.
KIE_TIME_FACTOR = 0.1
SCRIPT_TIME_FACTOR = 0.02
#: As long as a first start of everything may take on a slow machine.
START_LIMIT_S = 90.0
#: Events of every part: nothing may be written over the chat.
LOG_NAME = "log.txt"
#: Every visit is somebody new, who gets the welcome money.
_IDS = range(100_000_000, 1_000_000_000)
BOT_TOKEN = "7000000001:stub-token"  # noqa: S105 - the stub's own, known to everybody
KIE_KEY = "kie-stub-key"
_STDOUT_FD, _STDERR_FD = 1, 2


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
    running: asyncio.Future[None]  # ends when the bot does


Play = Callable[[Stage], Awaitable[object]]


async def play_demo(run: RunMachine, *, script: bool, data_dir: Path | None) -> None:
    """Start everything, let the visitor talk, stop everything."""
    play = _find_script() if script else _find_chat()
    folder = (data_dir or Path(".run") / "demo").absolute()
    with _kept_by_us(folder):
        click.echo("Starting PostgreSQL, the bot, a simulated Telegram and KIE…", err=True)
        factor = SCRIPT_TIME_FACTOR if script else KIE_TIME_FACTOR
        async with set_stage(run, folder, kie_time_factor=factor) as stage:
            await _play(play, stage)


def _find_script() -> Play:
    from service.demo.script import play_script  # noqa: PLC0415 - one of two plays

    return play_script


def _find_chat() -> Play:
    try:
        from service.demo.chat import play_chat  # noqa: PLC0415 - Textual is big
    except ModuleNotFoundError as error:
        raise KartinaError(
            f"the chat needs {error.name}: pip install 'kartina[local]', or add --script"
        ) from error
    return play_chat


@contextmanager
def _kept_by_us(folder: Path) -> Iterator[None]:
    """Keep a second demo out of the folder: whoever quits first would stop the other's database."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise KartinaError(
            f"can't write to {folder} ({error.strerror}): choose another with --data-dir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise KartinaError(
                f"another demo runs in {folder}: quit it, or choose another with --data-dir"
            ) from error
        yield


async def _play(play: Play, stage: Stage) -> None:
    """Let the visitor talk until they leave or the bot ends; why it ended is raised later."""
    playing = asyncio.ensure_future(play(stage))
    stage.running.add_done_callback(lambda _: playing.cancel())
    try:
        await playing
    except asyncio.CancelledError:
        if not stage.running.done():
            raise


@asynccontextmanager
async def set_stage(
    run: RunMachine, folder: Path, *, kie_time_factor: float
) -> AsyncIterator[Stage]:
    """Start both stubs and the bot, and wait until it is ready; stop them in the end."""
    # The folder outlives a visit: a simulated Telegram that counts anew would repeat itself.
    telegram_options = TelegramStubOptions(bot_token=BOT_TOKEN, seed=secrets.randbits(32))
    kie_options = KieStubOptions(api_key=KIE_KEY, time_factor=kie_time_factor)
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log_file:
        async with TelegramStub(telegram_options) as telegram, KieStub(kie_options) as kie:
            settings = _settings(telegram, kie, folder)
            set_up_logging(settings, stream=log_file)
            stop = _stop_on_signals()
            running = asyncio.ensure_future(run(settings, stop=stop))
            try:
                url = f"http://127.0.0.1:{settings.port}"
                await _until_ready(url, running, log_path=folder / LOG_NAME)
                visitor = telegram.person(
                    secrets.choice(_IDS), first_name="Гость", language_code="ru"
                )
                yield Stage(settings, telegram, kie, visitor, url, running)
            finally:
                stop.set()
                await running


def _stop_on_signals() -> asyncio.Event:
    """Leave in order also when the terminal is closed: the database would stay behind."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang_up(*_: object) -> None:
        # Textual would wait forever for a terminal that is gone; here it may write on.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDOUT_FD)
        os.dup2(nowhere, _STDERR_FD)
        # It comes with the hang-up, and Textual would take it for a return to the terminal.
        signal.signal(signal.SIGCONT, signal.SIG_IGN)
        loop.call_soon_threadsafe(stopped.set)

    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    # Not by the loop: it must be done before the signal that comes with it is dealt with.
    signal.signal(signal.SIGHUP, hang_up)
    return stopped


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


async def _until_ready(url: str, running: asyncio.Future[None], *, log_path: Path) -> None:
    """Wait until the bot says that it is ready; whatever ended it before is raised."""
    limit = aiohttp.ClientTimeout(total=2)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session, asyncio.timeout(START_LIMIT_S):
            while not await _is_ready(session, url):
                if running.done():
                    running.result()
                    raise KartinaError(f"the bot ended before it was ready; see {log_path}")
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise KartinaError(
            f"the bot was not ready within {START_LIMIT_S:.0f} s; see {log_path}"
        ) from error


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False
