"""What all actors share: the ports and the pool, opened on the loop that actors run on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from service.bells import Bells
from service.bot.commands import publish_commands
from service.bot.speech import BotSpeech
from service.domain.catalogue import load_catalogue
from service.domain.money import rub
from service.domain.pricing import Rates
from service.errors import KartinaError
from service.flows.deps import Deps
from service.gateways.clock import SystemClock
from service.gateways.kie import KieClient
from service.gateways.media import MediaFolder
from service.gateways.rabbit import RabbitBells
from service.gateways.telegram import TelegramClient
from service.metrics import observe_call
from service.settings import Settings
from service.store import provider, rates
from service.store.database import Database
from service.store.provider import Budget, CallKind

log = structlog.get_logger(__name__)

#: A window of KIE's, and a little more: two of our calls may come nearer to each other there.
CREATES_WINDOW_S = 10.5
READS_WINDOW_S = 1.1
#: Most actors wait for the outside, not for PostgreSQL.
POOL_SIZE_MAX = 16
#: What was broken off, and what the pool waits for, has so long to end.
CLOSE_LIMIT_S = 2.0


class GivenUpError(KartinaError):
    """The worker is to stop before it could start."""


class Runtime:
    """Opened before the first message is taken, closed after the last was answered.

    It may be opened anew after that, on another loop: a worker that stood by works again.
    """

    def __init__(self, settings: Settings, *, bells: Bells | None) -> None:
        self._settings = settings
        self._given_bells = bells
        self._own_bells: RabbitBells | None = None
        self._database: Database | None = None
        self._deps: Deps | None = None
        self._speech: BotSpeech | None = None
        self._opening: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def deps(self) -> Deps:
        """Give the dependencies; they are there before the first message."""
        assert self._deps is not None
        return self._deps

    @property
    def speech(self) -> BotSpeech:
        """Give the bot's mind and mouth."""
        assert self._speech is not None
        return self._speech

    @property
    def queue_is_up(self) -> bool:
        """Tell whether bells can be rung."""
        return bool(getattr(self._given_bells or self._own_bells, "is_up", True))

    async def open(self) -> None:
        """Open everything; `MigrationError` when nobody migrates the database.

        Waits for a PostgreSQL that is away; `GivenUpError` when nobody wants to wait any more.
        """
        self._opening = asyncio.create_task(self._open())
        await asyncio.wait([self._opening])
        if self._opening.cancelled():
            raise GivenUpError("the worker was stopped while it waited for PostgreSQL")
        self._opening.result()

    def give_up_opening(self) -> None:
        """Let an opening that waits end; from any thread."""
        opening = self._opening
        if opening is not None and not opening.done():
            opening.get_loop().call_soon_threadsafe(opening.cancel)

    async def _open(self) -> None:
        settings = self._settings
        size = min(settings.worker_threads, POOL_SIZE_MAX)
        self._database = Database(settings.database_url or "", size=size, name="worker")
        await self._database.open()
        self._deps = self._wire(self._database, await self._open_bells())
        self._speech = BotSpeech(self._deps, token=settings.telegram_bot_token)
        await rates.add_first(self._deps.pool, self._first_rates(), now=self._deps.now())
        for budget in (self._deps.creates, self._deps.reads):
            await provider.make_slots(self._deps.pool, budget)
        # Off the start path: a Telegram that is away must not keep a worker from starting.
        self._start(publish_commands(self._telegram))

    async def work(self, work: Coroutine[Any, Any, None]) -> None:
        """Do an actor's work; it is broken off when it still runs at the end."""
        await self._start(work)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _open_bells(self) -> Bells:
        if self._given_bells is not None:
            return self._given_bells
        self._own_bells = RabbitBells(self._settings.rabbitmq_url or "")
        await self._own_bells.open()
        return self._own_bells

    async def close(self) -> None:
        """Break off what still runs, then close everything; rows under way are due again."""
        await self._break_off()
        if self._deps is not None:
            await self._telegram.close()
            await self._kie.close()
            await self._media.close()
        if self._own_bells is not None:
            await self._own_bells.close()
        if self._database is not None:
            await self._database.close(limit_s=CLOSE_LIMIT_S)
        self._deps = self._speech = self._own_bells = self._database = None

    async def _break_off(self) -> None:
        """Cancel actors that did not end in time, so that each gives its chat back."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            log.warning("actors_broken_off", count=len(running))
            await asyncio.wait(running, timeout=CLOSE_LIMIT_S)

    def _wire(self, database: Database, bells: Bells) -> Deps:
        settings = self._settings
        self._telegram = TelegramClient(
            settings.telegram_api_url, settings.telegram_bot_token, dry_run=settings.dry_run,
            observe=observe_call,
        )  # fmt: skip
        self._kie = KieClient(
            settings.kie_api_url, settings.kie_api_key or "", dry_run=settings.dry_run,
            observe=observe_call,
        )  # fmt: skip
        self._media = MediaFolder(
            settings.data_dir / "media", allowed_hosts=settings.kie_result_hosts,
            observe=observe_call,
        )  # fmt: skip
        factor = float(settings.time_factor)
        creates, reads = settings.kie_creates_per_10s, settings.kie_reads_per_s
        return Deps(
            pool=database.pool, kie=self._kie, messenger=self._telegram, media=self._media,
            bells=bells, clock=SystemClock(), catalogue=load_catalogue(),
            creates=Budget(CallKind.CREATE, creates, CREATES_WINDOW_S * factor),
            reads=Budget(CallKind.READ, reads, READS_WINDOW_S * factor),
            public_url=settings.public_url, welcome_kopecks=rub(settings.welcome_balance_rub),
            admin_ids=settings.admin_ids, time_factor=factor,
        )  # fmt: skip

    def _first_rates(self) -> Rates:
        settings = self._settings
        return Rates(
            rub_per_usd=settings.rub_per_usd, markup=settings.price_markup,
            rub_per_star=settings.rub_per_star, usd_per_star=settings.usd_per_star,
        )  # fmt: skip
