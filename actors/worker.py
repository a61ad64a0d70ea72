"""The worker: Dramatiq's threads with one event loop, and the small server of its health."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from typing import Any

import dramatiq
import structlog
import uvicorn
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO, Middleware, MiddlewareError, TimeLimit
from litestar import Litestar

from actors import deliver_results, handle_chats, probe_provider, settle_tasks, submit_tasks
from actors.runtime import GivenUpError, Runtime
from service.bells import Bells
from service.errors import KartinaError
from service.gateways.clock import SystemClock
from service.gateways.inprocess import InProcessBells
from service.gateways.rabbit_broker import QuorumBroker
from service.settings import Settings
from service.web.status import Mode, ProcessFacts
from service.web.worker_app import create_worker_app

log = structlog.get_logger(__name__)

#: Running actors get so long to end; what they leave is rung again.
DRAIN_MS = 15_000
#: How often a thread without work looks whether it should end.
IDLE_POLL_MS = 200
#: How often a start that is not wanted any more is told so.
GIVE_UP_AGAIN_S = 0.2


class Worker:
    """Takes messages from `start` to `stop`, as often as wanted; rows under way are rung again."""

    def __init__(self, settings: Settings, broker: dramatiq.Broker, bells: Bells | None) -> None:
        self._settings = settings
        self._broker = broker
        self.runtime = Runtime(settings, bells=bells)
        self.is_taking = False
        self.is_stopping = False
        for module in (
            deliver_results, handle_chats, probe_provider, settle_tasks, submit_tasks,
        ):  # fmt: skip
            module.declare(broker, self.runtime)
        broker.add_middleware(_Resources(self.runtime))
        self._middleware = list(broker.middleware)
        self._worker: dramatiq.Worker | None = None

    def start(self) -> None:
        """Open what actors need, then take messages. Raises what the opening raised."""
        self.is_stopping = False
        self._worker = dramatiq.Worker(
            self._broker, worker_threads=self._settings.worker_threads,
            worker_timeout=IDLE_POLL_MS,
        )  # fmt: skip
        try:
            self._worker.start()
        except _NotOpenedError as error:
            self.stop()
            raise error.cause from None
        self.is_taking = True
        log.info("worker_started", threads=self._settings.worker_threads)

    def stop(self) -> None:
        """Take nothing new, let running actors end, close."""
        self.is_taking = False
        self.is_stopping = True
        if self._worker is not None:
            self._worker.stop(timeout=DRAIN_MS)
            self._worker = None
            self._broker.close()
            # Dramatiq adds one for each of its workers, and never takes it back.
            self._broker.middleware[:] = self._middleware
            log.info("worker_stopped")


class _NotOpenedError(MiddlewareError):
    """Dramatiq lets only this kind of error end a start; any other it merely logs."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Resources(Middleware):
    """Opens the runtime on the actors' loop before any message, closes it after the last."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - dramatiq's hook
        try:
            _run(self._runtime.open())
        except Exception as error:
            raise _NotOpenedError(error) from error

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - dramatiq's hook
        _run(self._runtime.close())


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    thread = get_event_loop_thread()
    assert thread is not None, "AsyncIO comes before this middleware"
    thread.run_coroutine(coroutine)


def rabbit_worker(settings: Settings) -> Worker:
    """Make a worker that takes its messages from RabbitMQ."""
    settings.require("DATABASE_URL", "RABBITMQ_URL")
    broker = QuorumBroker(settings.rabbitmq_url or "", middleware=_middleware())
    return Worker(settings, broker, None)


def in_process_worker(settings: Settings) -> tuple[Worker, InProcessBells]:
    """Make a worker whose bells are rung in this process; rows are the truth here too."""
    broker = StubBroker(middleware=_middleware())
    bells = InProcessBells(broker)
    return Worker(settings, broker, bells), bells


def _middleware() -> list[Middleware]:
    # Without Retries a message that fails is not tried again: retries are rows here.
    return [AsyncIO(), TimeLimit()]


async def serve_worker(settings: Settings) -> None:
    """Work until SIGTERM, with health and metrics on HOST:WORKER_PORT; then drain and return.

    Raises KartinaError when the port is taken, MigrationError when nobody migrates the database.
    """
    worker = rabbit_worker(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with _listening(settings) as listener:
        server = _Server(uvicorn.Config(
            _status_app(settings, worker), http="httptools", ws="none", log_config=None,
            access_log=False, server_header=False,
        ))  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await _work_until(stopped, worker)
        finally:
            server.should_exit = True
            await serving


async def _work_until(stopped: asyncio.Event, worker: Worker) -> None:
    """Start, wait, stop; who is stopped while the start waits for PostgreSQL does not start."""
    starting = asyncio.create_task(asyncio.to_thread(worker.start))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    while not starting.done():
        # Again and again: the start may not have come to the opening yet.
        worker.runtime.give_up_opening()
        await asyncio.wait({starting}, timeout=GIVE_UP_AGAIN_S)
    try:
        await starting
        await stopping
    except GivenUpError:
        log.info("worker_given_up")
    finally:
        stopping.cancel()
        await asyncio.to_thread(worker.stop)


def _status_app(settings: Settings, worker: Worker) -> Litestar:
    facts = ProcessFacts(
        role="worker", instance_mode=settings.instance_mode,
        mode=lambda: Mode.ACTIVE if worker.is_taking else Mode.PASSIVE,
        is_stopping=lambda: worker.is_stopping,
        queue_ok=lambda: worker.runtime.queue_is_up,
    )  # fmt: skip
    return create_worker_app(
        database_url=settings.database_url or "", clock=SystemClock(), facts=facts
    )


def _listening(settings: Settings) -> socket.socket:
    """Take the port first, so that a port that is taken is told in one line."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.worker_port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise KartinaError(
            f"can't listen on {settings.host}:{settings.worker_port} ({reason}): "
            f"set HOST and WORKER_PORT to an address that is free"
        ) from error


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: `serve_worker` listens for signals."""
        yield
