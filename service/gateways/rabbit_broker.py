"""Dramatiq's RabbitMQ broker with our queues: quorum, a delivery limit, confirmed publishing."""

from typing import Any

from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.common import xq_name
from dramatiq.middleware import Middleware

from service.gateways.rabbit import dead_queue_arguments, queue_arguments


class QuorumBroker(RabbitmqBroker):
    """Declares queues exactly as `RabbitBells` does: RabbitMQ refuses two opinions."""

    def __init__(self, url: str, *, middleware: list[Middleware]) -> None:
        super().__init__(url=url, middleware=middleware, confirm_delivery=True)

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return queue_arguments(queue_name)

    def _declare_xq_queue(self, queue_name: str) -> Any:
        return self.channel.queue_declare(
            queue=xq_name(queue_name), durable=True, arguments=dead_queue_arguments()
        )
