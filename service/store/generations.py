"""Quotes and generations: what was promised, what was bought, what became of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.generation import GenerationState
from service.domain.money import Kopecks
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("generations")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuote:
    """A price to be promised."""

    user_id: int
    model_id: str
    prompt: str
    parameters: dict[str, Any]
    style: str
    pictures: int
    picture_kopecks: Kopecks
    price_kopecks: Kopecks
    cost_usd_micros: int
    rates: dict[str, str]


@dataclass(frozen=True, slots=True)
class Quote:
    """A promised price: what the card shows is what is charged."""

    quote_id: int
    user_id: int
    model_id: str
    prompt: str
    parameters: dict[str, Any]
    style: str
    pictures: int
    picture_kopecks: Kopecks
    price_kopecks: Kopecks
    expires_at: datetime
    is_used: bool


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation with what it was bought as, and how its tasks stand."""

    generation_id: int
    user_id: int
    model_id: str
    state: str
    reason: str | None
    price_kopecks: Kopecks
    status_message_id: int | None
    created_at: datetime
    finished_at: datetime | None
    prompt: str
    parameters: dict[str, Any]
    style: str
    pictures: int
    tasks: int
    tasks_settled: int
    pictures_made: int
    delivery_state: str | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A generation with pictures that can be sent again."""

    generation_id: int
    model_id: str
    created_at: datetime
    prompt: str
    pictures: int


async def make_quote(db: Db, quote: NewQuote, *, now: datetime, expires_at: datetime) -> int:
    """Promise a price; gives the quote's id."""
    quote_id: int = await _sql.make_quote(db, **asdict(quote), now=now, expires_at=expires_at)
    return quote_id


async def get_quote(reader: Reader, quote_id: int, *, user_id: int) -> Quote | None:
    """Give the user's own quote; None for another's, or none at all."""
    row = await _sql.get_quote(reader, quote_id=quote_id, user_id=user_id)
    return Quote(**row) if row else None


async def start(
    db: Db, quote: Quote, *, status_message_id: int | None, deadline_at: datetime, now: datetime
) -> int | None:
    """Buy what a quote promises; None: it was bought before."""
    generation_id: int | None = await _sql.start_generation(
        db,
        quote_id=quote.quote_id,
        user_id=quote.user_id,
        model_id=quote.model_id,
        price_kopecks=quote.price_kopecks,
        status_message_id=status_message_id,
        deadline_at=deadline_at,
        now=now,
    )
    return generation_id


async def get(reader: Reader, generation_id: int) -> Generation | None:
    """Give a generation as it stands."""
    row = await _sql.get_generation(reader, generation_id=generation_id)
    return Generation(**row) if row else None


async def list_history(
    reader: Reader, *, user_id: int, before_id: int | None, page_size: int
) -> list[HistoryEntry]:
    """Give a page of what the user made, newest first."""
    rows = _sql.list_history(reader, user_id=user_id, before_id=before_id, page_size=page_size)
    return [HistoryEntry(**row) async for row in rows]


async def mark_processing(db: Db, generation_id: int) -> bool:
    """Note that KIE has taken the first task; False: it had before."""
    return await _sql.mark_processing(db, generation_id=generation_id) is not None


async def finish(db: Db, generation_id: int, *, now: datetime) -> GenerationState | None:
    """End the generation once its last task is settled; None: tasks run, or it has ended."""
    row = await _sql.finish_generation(db, generation_id=generation_id, now=now)
    return GenerationState(row["state"]) if row else None


async def keep_status_message(db: Reader, generation_id: int, message_id: int) -> None:
    """Remember which message is edited through the states."""
    await _sql.keep_status_message(db, generation_id=generation_id, message_id=message_id)


async def list_model_seconds(reader: Reader, model_id: str, *, sample: int = 50) -> list[float]:
    """Tell how long the model's last tasks took."""
    rows = _sql.list_model_seconds(reader, model_id=model_id, sample=sample)
    return [row["seconds"] async for row in rows]


async def list_switched_off(reader: Reader) -> frozenset[str]:
    """List the models that were taken off sale at run time."""
    return frozenset([row["model_id"] async for row in _sql.list_switched_off(reader)])


async def count_running(reader: Reader, user_id: int) -> int:
    """Tell how many generations of the user are under way."""
    running: int = await _sql.count_running(reader, user_id=user_id)
    return running
