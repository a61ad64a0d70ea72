"""Rings bells over RabbitMQ: coalesced, confirmed, never waited for, lost without harm."""

import asyncio
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError, PublishError
from dramatiq import Message
from dramatiq.common import dq_name, xq_name

from service.bells import BELLS, Bell
from service.metrics import BELLS as BELLS_COUNTED
from service.metrics import QUEUE_UP

log = structlog.get_logger(__name__)

QUEUES = tuple(sorted({bell.queue for bell in BELLS}))
#: A message whose actor kills its process is put aside after so many deliveries.
DELIVERY_LIMIT = 5
#: Dead messages are of interest to nobody after a week: rows are the truth.
DEAD_MESSAGE_TTL_MS = 7 * 24 * 3600 * 1000

IDS_PER_MESSAGE_MAX = 100
PUBLISH_LIMIT_S = 0.2
#: Bells that ring within this time of a publish share the next one; in a flood, when nobody is
#: answered at once anyway, they gather for longer: each publish is a disk write of RabbitMQ.
GATHER_S = 0.005
GATHER_PER_ID_S = 0.0002
GATHER_MAX_S = 0.1
CONNECT_LIMIT_S = 5.0
RECONNECT_S = 0.5
HEARTBEAT_S = 10

_RABBIT_ERRORS = (AMQPError, *CONNECTION_EXCEPTIONS, TimeoutError, RuntimeError)
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def queue_arguments(queue: str) -> dict[str, Any]:
    """Give the arguments of a queue and of its delayed twin."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": xq_name(queue),
    }


def dead_queue_arguments() -> dict[str, Any]:
    """Give the arguments of the queue for messages that were given up."""
    return {"x-queue-type": "quorum", "x-message-ttl": DEAD_MESSAGE_TTL_MS}


def declarations(queue: str) -> dict[str, dict[str, Any]]:
    """Give every queue that belongs to `queue`, with its arguments."""
    return {
        queue: queue_arguments(queue),
        dq_name(queue): queue_arguments(queue),
        xq_name(queue): dead_queue_arguments(),
    }


def actor_name(bell: type[Bell]) -> str:
    """Give the name of the actor that answers a bell."""
    return _CAPITAL.sub("_", bell.__name__).lower()


def make_message(bell: Bell) -> Message[Any]:
    """Put a bell into the message that its actor takes."""
    parameters = {item.name: list(getattr(bell, item.name)) for item in fields(bell)}
    return Message(
        queue_name=bell.queue,
        actor_name=actor_name(type(bell)),
        args=(),
        kwargs=parameters,
        options={},
    )


class PendingBells:
    """Bells that were rung and not published yet; the same bell twice is one."""

    def __init__(self) -> None:
        self._ids: dict[type[Bell], dict[int, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def add(self, bell: Bell) -> None:
        """Add a bell's ids to those of its kind."""
        ids = self._ids.setdefault(type(bell), {})
        for item in fields(bell):
            ids.update(dict.fromkeys(getattr(bell, item.name)))

    def take(self) -> list[Bell]:
        """Give all of them, at most 100 ids in each, and forget them."""
        taken, self._ids = self._ids, {}
        return [bell for kind, ids in taken.items() for bell in _split(kind, tuple(ids))]


def _split(kind: type[Any], ids: Sequence[int]) -> Iterator[Bell]:
    if not fields(kind):
        yield kind()
    for start in range(0, len(ids), IDS_PER_MESSAGE_MAX):
        yield kind(tuple(ids[start : start + IDS_PER_MESSAGE_MAX]))


class RabbitBells:
    """Keeps one connection with one confirming channel, and one task that publishes.

    A plain connection that is opened anew when it breaks, instead of aio-pika's robust one: there
    is nothing to restore on it, and whether it stands is known at any moment.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pending = PendingBells()
        self._rung = asyncio.Event()
        self._connected = asyncio.Event()
        self._broken = asyncio.Event()
        self._channel: AbstractChannel | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        """Tell whether bells are rung at present."""
        return self._connected.is_set()

    def ring_soon(self, bell: Bell) -> None:
        """Ring without waiting, and without raising; what can't be rung is left to the sweeper."""
        self._pending.add(bell)
        self._rung.set()

    async def open(self) -> None:
        """Start connecting and publishing; returns at once, RabbitMQ may be away."""
        self._tasks = [
            asyncio.create_task(self._stay_connected()),
            asyncio.create_task(self._publish_pending()),
        ]

    async def close(self, *, limit_s: float = 2) -> None:
        """Ring what is pending, then disconnect."""
        if self._pending and self.is_up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._publish(self._pending.take())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stay_connected(self) -> None:
        while True:
            # Made before it is tried: one that failed must be closed too, or whatever thread
            # collects it is the one that tries to.
            connection = aio_pika.Connection(
                make_url(self._url),
                heartbeat=HEARTBEAT_S,
                client_properties={"connection_name": "kartina bells"},
            )
            try:
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    await connection.connect()
                    await self._use(connection)
                await self._broken.wait()
                log.warning("rabbitmq_lost")
            except _RABBIT_ERRORS as error:
                log.warning("rabbitmq_not_reached", error=type(error).__name__)
            finally:
                self._connected.clear()
                QUEUE_UP.set(0)
                await _close(connection)
            await asyncio.sleep(RECONNECT_S)

    async def _use(self, connection: AbstractConnection) -> None:
        self._broken.clear()
        connection.close_callbacks.add(self._note_break)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        for queue in QUEUES:
            for name, arguments in declarations(queue).items():
                await channel.declare_queue(name, durable=True, arguments=arguments)
        channel.close_callbacks.add(self._note_break)
        self._channel = channel
        self._connected.set()
        QUEUE_UP.set(1)
        log.info("rabbitmq_connected")

    def _note_break(self, *_: object) -> None:
        self._connected.clear()
        self._broken.set()

    async def _publish_pending(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            bells = self._pending.take()
            await self._publish(bells)
            ids = sum(len(getattr(bell, item.name)) for bell in bells for item in fields(bell))
            await asyncio.sleep(min(GATHER_MAX_S, GATHER_S + ids * GATHER_PER_ID_S))

    async def _publish(self, bells: Sequence[Bell]) -> None:
        try:
            async with asyncio.timeout(PUBLISH_LIMIT_S):
                await self._connected.wait()
        except TimeoutError:
            BELLS_COUNTED.labels("dropped").inc(len(bells))
            return
        await asyncio.gather(*(self._publish_one(bell) for bell in bells))

    async def _publish_one(self, bell: Bell) -> None:
        message = aio_pika.Message(
            make_message(bell).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        assert self._channel is not None, "connected means that there is a channel"
        try:
            await self._channel.default_exchange.publish(
                message, routing_key=bell.queue, mandatory=True, timeout=PUBLISH_LIMIT_S
            )
        except PublishError:
            # The queue vanished: connecting anew declares it.
            self._note_break()
            BELLS_COUNTED.labels("dropped").inc()
        except _RABBIT_ERRORS:
            BELLS_COUNTED.labels("dropped").inc()
        else:
            BELLS_COUNTED.labels("rung").inc()


async def _close(connection: AbstractConnection) -> None:
    with contextlib.suppress(*_RABBIT_ERRORS):
        async with asyncio.timeout(PUBLISH_LIMIT_S * 5):
            await connection.close()
