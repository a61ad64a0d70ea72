"""What every flow is given: the database, the ports, and the rules of pace."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from service.bells import Bell, Bells
from service.domain.catalogue import Catalogue
from service.domain.money import Kopecks
from service.ports import Clock, Kie, Media, Messenger
from service.store.deliveries import Delivery
from service.store.outbox import Message
from service.store.pool import Db, Pool, Reader
from service.store.provider import Budget
from service.store.updates import ClaimedUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Built once in each process, in `app.py` or `actors/worker.py`."""

    pool: Pool
    kie: Kie
    messenger: Messenger
    media: Media
    bells: Bells
    clock: Clock
    catalogue: Catalogue
    creates: Budget
    reads: Budget
    public_url: str | None
    welcome_kopecks: Kopecks
    admin_ids: frozenset[int]
    time_factor: float = 1.0

    def now(self) -> datetime:
        """Give the present moment."""
        return self.clock.now()

    def span(self, seconds: float) -> timedelta:
        """Give a length of time, scaled as all of ours are."""
        return timedelta(seconds=seconds * self.time_factor)

    def after(self, seconds: float) -> datetime:
        """Give the moment that many (scaled) seconds from now."""
        return self.clock.now() + self.span(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the Bot API; `fallback` is made when Telegram refuses it for good."""

    method: str
    parameters: dict[str, Any]
    fallback: "Call | None" = None
    #: The generation whose status message this call sends or edits.
    status_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done once an update's transaction is committed, in this order."""

    answer: Call | None = None  # of a callback query: first, before anything slow
    redraws: tuple[Call, ...] = ()  # may be lost
    bells: tuple[Bell, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How results are shown: caption (HTML) and keyboard; `closing` goes under an album."""

    caption: str
    keyboard: dict[str, Any] | None
    closing: str
    links: str  # introduces files that are too big to be sent


class Speech(Protocol):
    """The bot's mind and mouth: decides on updates, finds the words for facts."""

    async def decide(self, db: Db, update: ClaimedUpdate) -> Decision:
        """Change rows for an update within its transaction; say what follows."""

    async def say(self, reader: Reader, message: Message) -> Call | None:
        """Put a message of the outbox into words; None: it need not be said any more."""

    async def present(self, reader: Reader, delivery: Delivery) -> Presentation:
        """Find the words that go with results."""
