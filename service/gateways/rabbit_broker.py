"""Dramatiq's RabbitMQ broker with our queues, and with an end to waiting for RabbitMQ."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from dramatiq import Consumer
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer
from dramatiq.common import xq_name
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware

from service.gateways.rabbit import HEARTBEAT_S, dead_queue_arguments, queue_arguments

#: A RabbitMQ that hangs must not keep a worker from ending: there are six consumers.
CLOSE_LIMIT_S = 1.0


class QuorumBroker(RabbitmqBroker):
    """Declares queues exactly as `RabbitBells` does: RabbitMQ refuses two opinions."""

    def __init__(self, url: str, *, middleware: list[Middleware]) -> None:
        super().__init__(url=url, middleware=middleware, confirm_delivery=True)
        # One address makes one object, whatever dramatiq's hint says.
        parameters: Any = self.parameters
        # A connection that died without a word is noticed as soon as the web notices its own.
        parameters.heartbeat = HEARTBEAT_S

    @property
    def consumer_class(self) -> type[Consumer]:
        """Give the kind of consumer that `consume` makes."""
        return _BoundedConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Start to consume a queue; `ConnectionClosed` when RabbitMQ is away."""
        consumer = super().consume(queue_name, prefetch, timeout)
        # Declaring the queue took a connection of its own, whose heart nobody would make beat.
        del self.connection
        return consumer

    def close(self) -> None:
        """Close what is open, within a time limit."""
        _in_time(super().close)

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return queue_arguments(queue_name)

    def _declare_xq_queue(self, queue_name: str) -> Any:
        return self.channel.queue_declare(
            queue=xq_name(queue_name), durable=True, arguments=dead_queue_arguments()
        )


class _BoundedConsumer(_RabbitmqConsumer):
    def close(self) -> None:
        _in_time(super().close)


def _in_time(close: Callable[[], None]) -> None:
    """Close politely; what RabbitMQ does not answer in time ends with the process."""

    def work() -> None:
        try:
            close()
        except ConnectionClosed:
            return  # Closed is what it should be.

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(CLOSE_LIMIT_S)
