"""The web process: the only place where it is wired, opened, served and closed."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from time import monotonic

import structlog
import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from service.bells import Bells
from service.errors import KartinaError
from service.flows.accept_callback import CallbackDesk
from service.flows.accept_update import Inbox
from service.flows.poll_updates import Poller
from service.flows.register_webhook import Registration
from service.flows.sweep import Sweeper
from service.flows.web_deps import WebDeps
from service.gateways.clock import SystemClock
from service.gateways.rabbit import RabbitBells
from service.gateways.telegram import TelegramClient
from service.metrics import observe_call
from service.ports import Messenger
from service.settings import Settings
from service.store.database import Database
from service.store.migrations import MigrationError
from service.web.express import express
from service.web.health import health_routes
from service.web.intake import Traffic
from service.web.kie_callback import kie_callback_route
from service.web.metrics import metrics_route
from service.web.status import Mode, ProcessFacts, StatusReader
from service.web.tasks import Supervisor
from service.web.telegram_webhook import telegram_webhook_route

log = structlog.get_logger(__name__)

#: Two lanes of updates, a few callbacks and pre-checkouts; more connections gain nothing.
POOL_SIZE = 8
#: The sweeper and /health must find a connection whatever the traffic.
STATUS_POOL_SIZE = 2
BACKLOG = 2048
#: A stopping process stores what still comes, until nothing came for a while.
QUIET_S = 2.0
DRAIN_LIMIT_S = 8.0
OPEN_REQUESTS_LIMIT_S = 5
CLOSE_LIMIT_S = 2.0


class Web:
    """Everything the web process holds, from its start to its end."""

    def __init__(
        self, settings: Settings, *, bells: Bells | None, messenger: Messenger | None
    ) -> None:
        settings.require("DATABASE_URL", *([] if bells else ["RABBITMQ_URL"]))
        url = settings.database_url or ""
        self._settings = settings
        self._database = Database(url, size=POOL_SIZE, name="web")
        self._side_database = Database(url, size=STATUS_POOL_SIZE, name="web status")
        self._own_bells = None if bells else RabbitBells(settings.rabbitmq_url or "")
        self._bells = bells or self._own_bells
        self._own_messenger = None if messenger else _telegram_client(settings)
        self._messenger = messenger or self._own_messenger
        assert self._bells is not None
        assert self._messenger is not None
        self.deps = self._deps(self._database)
        self.inbox = Inbox(self.deps)
        self.traffic = Traffic()
        self.is_stopping = False
        self.migration_failed = asyncio.Event()
        self.failure: MigrationError | None = None
        self.webhook = telegram_webhook_route(
            self.deps, self.inbox, self.traffic, secrets=settings.telegram_webhook_secret
        )
        self._source = self._update_source()
        self._supervisor = Supervisor()
        self.reader = StatusReader(self._side_database, self.deps.clock, self._facts())

    def _deps(self, database: Database) -> WebDeps:
        assert self._bells is not None
        assert self._messenger is not None
        return WebDeps(
            database=database,
            messenger=self._messenger,
            bells=self._bells,
            clock=SystemClock(),
            time_factor=float(self._settings.time_factor),
        )

    def _facts(self) -> ProcessFacts:
        return ProcessFacts(
            role="web",
            instance_mode=self._settings.instance_mode,
            mode=self._mode,
            is_stopping=lambda: self.is_stopping,
            queue_ok=lambda: bool(getattr(self._bells, "is_up", True)),
            warnings=self._warnings,
        )

    def _mode(self) -> Mode:
        # Not ACTIVE before it could store a single update; afterwards PostgreSQL may go away.
        is_warm = self._database.migrated.is_set()
        return Mode.ACTIVE if is_warm and not self.is_stopping else Mode.PASSIVE

    def _update_source(self) -> Registration | Poller:
        if self._settings.public_url is None:
            return Poller(self.deps, self.inbox)
        return Registration(
            self.deps,
            public_url=self._settings.public_url,
            secret=self._settings.telegram_webhook_secret[0],
        )

    def _warnings(self) -> Sequence[str]:
        # A dry run registers nothing, so nothing is amiss.
        if self._source.is_sound is not False or self._settings.dry_run:
            return ()
        return ("webhook",) if isinstance(self._source, Registration) else ("polling",)

    def routes(self) -> list[object]:
        """Give all routes of the process."""
        desk = CallbackDesk(self.deps, keys=self._settings.kie_webhook_hmac_key)
        return [
            self.webhook,
            kie_callback_route(desk, self.traffic),
            *health_routes(self.reader),
            metrics_route(self.reader),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Open what the process needs without waiting for it; close all of it in order."""
        if self._own_bells is not None:
            await self._own_bells.open()
        self._supervisor.keep_running("database", self._open_database)
        self._supervisor.keep_running("side_database", self._open_side_database)
        self._supervisor.keep_running("sweeper", Sweeper(self._deps(self._side_database)).run)
        self._supervisor.keep_running("update_source", self._source.run)
        try:
            yield
        finally:
            await self._close()

    async def _open_database(self) -> None:
        try:
            await self._database.open()
        except MigrationError as error:
            self.failure = error
            self.migration_failed.set()

    async def _open_side_database(self) -> None:
        # The other opening reports what is missing; this one goes on answering /health.
        with contextlib.suppress(MigrationError):
            await self._side_database.open()

    async def _close(self) -> None:
        self.is_stopping = True
        await self._supervisor.stop()
        await self.inbox.close()
        if self._own_bells is not None:
            await self._own_bells.close()
        if self._own_messenger is not None:
            await self._own_messenger.close()
        await self.reader.close()
        await asyncio.gather(
            self._database.close(limit_s=CLOSE_LIMIT_S),
            self._side_database.close(limit_s=CLOSE_LIMIT_S),
        )
        log.info("web_stopped")

    async def drain(self) -> None:
        """Stand by, and go on storing until nothing came for a while."""
        self.is_stopping = True
        log.info("web_draining")
        quiet_s = QUIET_S * self.deps.time_factor
        self.traffic.last_at = monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await self.traffic.become_quiet(quiet_s)


def create_app(
    settings: Settings, *, bells: Bells | None = None, messenger: Messenger | None = None
) -> Litestar:
    """Wire the web process; what is passed in is neither opened nor closed here."""
    web = Web(settings, bells=bells, messenger=messenger)
    app = Litestar(
        route_handlers=web.routes(),  # type: ignore[arg-type]  # handlers of two kinds
        lifespan=[web.lifespan],
        openapi_config=None,
        logging_config=None,
    )
    app.state.web = web
    return app


async def serve_web(
    settings: Settings, *, bells: Bells | None = None, stop: asyncio.Event | None = None
) -> None:
    """Serve on HOST:PORT until SIGTERM (or `stop`), then drain and return.

    Raises KartinaError when the port is taken, MigrationError when nobody migrates the database.
    """
    with _listening(settings) as listener:
        app = create_app(settings, bells=bells)
        web: Web = app.state.web
        server = _Server(_uvicorn_config(express(app, web.webhook)))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopped = stop or _stop_on_signals()
        await _first_of(serving, stopped, web.migration_failed)
        if not serving.done() and web.failure is None:
            await web.drain()
        server.should_exit = True
        await serving
        if web.failure is not None:
            raise web.failure


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way would end the process by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=OPEN_REQUESTS_LIMIT_S,
        h11_max_incomplete_event_size=64 * 1024,
    )


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the port first, so that whoever asks is answered as soon as we can."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        raise KartinaError(
            f"can't listen on {settings.host}:{settings.port} ({os.strerror(error.errno or 0)}): "
            f"set HOST and PORT to an address that is free"
        ) from error
    with listener:
        yield listener


def _stop_on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def _first_of(serving: asyncio.Task[None], *events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait({serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _telegram_client(settings: Settings) -> TelegramClient:
    return TelegramClient(
        settings.telegram_api_url,
        settings.telegram_bot_token,
        dry_run=settings.dry_run,
        observe=observe_call,
    )
