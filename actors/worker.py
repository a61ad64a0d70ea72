"""The worker: Dramatiq's threads with one event loop, and the small server of its health."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from typing import Any

import dramatiq
import structlog
import uvicorn
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO, Middleware, TimeLimit

from actors import deliver_results, handle_chats, probe_provider, settle_tasks, submit_tasks
from actors.runtime import Runtime
from service.bells import Bells
from service.gateways.clock import SystemClock
from service.gateways.inprocess import InProcessBells
from service.gateways.rabbit_broker import QuorumBroker
from service.settings import Settings
from service.web.status import Mode, ProcessFacts
from service.web.worker_app import create_worker_app

log = structlog.get_logger(__name__)

#: Running actors get so long to end; what they leave is rung again.
DRAIN_MS = 20_000
#: How often a thread without work looks whether it should end.
IDLE_POLL_MS = 200


class Worker:
    """Takes messages from `start` to `stop`; rows that were under way are rung again."""

    def __init__(self, settings: Settings, broker: dramatiq.Broker, bells: Bells | None) -> None:
        self._settings = settings
        self._broker = broker
        self.runtime = Runtime(settings, bells=bells)
        self.is_stopping = False
        for module in (
            deliver_results, handle_chats, probe_provider, settle_tasks, submit_tasks,
        ):  # fmt: skip
            module.declare(broker, self.runtime)
        broker.add_middleware(_Resources(self.runtime))
        self._worker: dramatiq.Worker | None = None

    def start(self) -> None:
        """Open what actors need, then take messages. Raises what the opening raised."""
        self._worker = dramatiq.Worker(
            self._broker, worker_threads=self._settings.worker_threads,
            worker_timeout=IDLE_POLL_MS,
        )  # fmt: skip
        self._worker.start()
        if self.runtime.failure is not None:
            self.stop()
            raise self.runtime.failure
        log.info("worker_started", threads=self._settings.worker_threads)

    def stop(self) -> None:
        """Take nothing new, let running actors end, close."""
        self.is_stopping = True
        if self._worker is not None:
            self._worker.stop(timeout=DRAIN_MS)
            self._worker = None
            self._broker.close()
            log.info("worker_stopped")


class _Resources(Middleware):
    """Opens the runtime on the actors' loop before any message, closes it after the last."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - dramatiq's hook
        try:
            _run(self._runtime.open())
        except Exception as error:  # noqa: BLE001 - dramatiq would only log it; `start` raises it
            self._runtime.failure = error

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
    """Work until SIGTERM, with health and metrics on HOST:WORKER_PORT; then drain and return."""
    worker = rabbit_worker(settings)
    facts = ProcessFacts(
        role="worker", instance_mode=settings.instance_mode,
        mode=lambda: Mode.PASSIVE if worker.is_stopping else Mode.ACTIVE,
        is_stopping=lambda: worker.is_stopping,
        queue_ok=lambda: worker.runtime.queue_is_up,
    )  # fmt: skip
    app = create_worker_app(
        database_url=settings.database_url or "", clock=SystemClock(), facts=facts
    )
    server = _Server(
        uvicorn.Config(
            app, host=settings.host, port=settings.worker_port, http="httptools", ws="none",
            log_config=None, access_log=False, server_header=False,
        )
    )  # fmt: skip
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.to_thread(worker.start)
        await stopped.wait()
    finally:
        await asyncio.to_thread(worker.stop)
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: `serve_worker` listens for signals."""
        yield
