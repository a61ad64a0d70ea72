"""What all actors share: the ports and the pool, opened on the loop that actors run on."""

import asyncio

from service.bells import Bells
from service.bot.commands import publish_commands
from service.bot.speech import BotSpeech
from service.domain.catalogue import load_catalogue
from service.domain.money import rub
from service.domain.pricing import Rates
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

#: A window of KIE's, and a little more: two of our calls may come nearer to each other there.
CREATES_WINDOW_S = 10.5
READS_WINDOW_S = 1.1
#: Most actors wait for the outside, not for PostgreSQL.
POOL_SIZE_MAX = 16


class Runtime:
    """Opened before the first message is taken, closed after the last was answered."""

    def __init__(self, settings: Settings, *, bells: Bells | None) -> None:
        self._settings = settings
        self._own_bells = None if bells else RabbitBells(settings.rabbitmq_url or "")
        bells = bells or self._own_bells
        assert bells is not None
        self._bells = bells
        size = min(settings.worker_threads, POOL_SIZE_MAX)
        self._database = Database(settings.database_url or "", size=size, name="worker")
        self._deps: Deps | None = None
        self._speech: BotSpeech | None = None
        self._publishing: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

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
        return bool(getattr(self._bells, "is_up", True))

    async def open(self) -> None:
        """Open everything; `MigrationError` when nobody migrates the database."""
        await self._database.open()
        if self._own_bells is not None:
            await self._own_bells.open()
        self._deps = self._wire()
        self._speech = BotSpeech(self._deps, token=self._settings.telegram_bot_token)
        await rates.add_first(self._deps.pool, self._first_rates(), now=self._deps.now())
        for budget in (self._deps.creates, self._deps.reads):
            await provider.make_slots(self._deps.pool, budget)
        # Off the start path: a Telegram that is away must not keep a worker from starting.
        self._publishing = asyncio.create_task(publish_commands(self._telegram))

    async def close(self) -> None:
        """Close everything, in the opposite order."""
        if self._publishing is not None:
            self._publishing.cancel()
        if self._deps is not None:
            await self._telegram.close()
            await self._kie.close()
            await self._media.close()
        if self._own_bells is not None:
            await self._own_bells.close()
        await self._database.close()

    def _wire(self) -> Deps:
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
            pool=self._database.pool, kie=self._kie, messenger=self._telegram, media=self._media,
            bells=self._bells, clock=SystemClock(), catalogue=load_catalogue(),
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
