"""Rings bells into a broker of the same process: for one machine without RabbitMQ."""

import structlog
from dramatiq import Broker, DramatiqError

from service.bells import Bell
from service.gateways.rabbit import make_message
from service.metrics import BELLS as BELLS_COUNTED

log = structlog.get_logger(__name__)


class InProcessBells:
    """Puts bells into a StubBroker's queues; a worker of this process answers them."""

    is_up = True

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def ring_soon(self, bell: Bell) -> None:
        """Ring without waiting, and without raising: the sweeper rings what gets lost."""
        try:
            self._broker.enqueue(make_message(bell))
        except DramatiqError as error:
            log.warning("bell_lost", queue=bell.queue, error=type(error).__name__)
            BELLS_COUNTED.labels("dropped").inc()
        else:
            BELLS_COUNTED.labels("rung").inc()
