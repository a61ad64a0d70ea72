"""Results and their way to the user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.domain.generation import DeliveryKind, DeliveryState
from service.ports import MediaFile
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("deliveries")


@dataclass(frozen=True, slots=True)
class Result:
    """One file KIE made; the fields of our copy are None until it was fetched."""

    result_id: int
    task_id: int
    url: str
    medium: str
    media_key: str | None
    media_type: str | None
    size_bytes: int | None
    width: int | None
    height: int | None
    photo_file_id: str | None
    document_file_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to be brought to a user; `attempts` counts this try, `sent_ids` earlier ones'."""

    delivery_id: int
    kind: str
    generation_id: int
    task_id: int | None
    chat_id: int
    attempts: int
    sent_ids: Sequence[int]
    created_at: datetime
    expires_at: datetime


async def add_result(
    db: Db, *, task_id: int, generation_id: int, ordinal: int, url: str, now: datetime,
    medium: str = "image",
) -> None:  # fmt: skip
    """Write down where KIE keeps a file, once."""
    await _sql.add_result(
        db, task_id=task_id, generation_id=generation_id, ordinal=ordinal, url=url,
        medium=medium, now=now,
    )  # fmt: skip


async def list_results(
    reader: Reader, generation_id: int, *, task_id: int | None = None
) -> list[Result]:
    """List the files of a generation, or of one of its tasks."""
    rows = _sql.list_results(reader, generation_id=generation_id, task_id=task_id)
    return [Result(**row) async for row in rows]


async def keep_fetched(db: Reader, result_id: int, file: MediaFile, *, now: datetime) -> None:
    """Note that we have our own copy."""
    await _sql.keep_fetched(
        db, result_id=result_id, media_key=file.key, media_type=file.media_type,
        size_bytes=file.size_bytes, width=file.width, height=file.height, sha256=file.sha256,
        now=now,
    )  # fmt: skip


async def keep_file_ids(
    db: Reader, result_id: int, *, photo: str | None = None, document: str | None = None
) -> None:
    """Note under which ids Telegram keeps the file."""
    await _sql.keep_file_ids(
        db, result_id=result_id, photo_file_id=photo, document_file_id=document
    )


async def forget_file_ids(db: Reader, result_id: int) -> None:
    """Note that Telegram knows the file no more: it must be uploaded again."""
    await _sql.forget_file_ids(db, result_id=result_id)


async def add(
    db: Db, *, kind: DeliveryKind, generation_id: int, chat_id: int, expires_at: datetime,
    now: datetime, task_id: int | None = None, update_id: int | None = None,
) -> int | None:  # fmt: skip
    """Ask for a delivery; None: it was asked for before."""
    delivery_id: int | None = await _sql.add_delivery(
        db, kind=kind, generation_id=generation_id, task_id=task_id, update_id=update_id,
        chat_id=chat_id, expires_at=expires_at, now=now,
    )  # fmt: skip
    return delivery_id


async def claim(db: Reader, delivery_id: int, *, now: datetime, lease_s: float) -> Delivery | None:
    """Take a delivery; None: not due, or ended."""
    row = await _sql.claim_delivery(db, delivery_id=delivery_id, now=now, lease_s=lease_s)
    return Delivery(**row) if row else None


async def keep_claim(
    db: Reader, delivery_id: int, *, due_at: datetime, sent_ids: Sequence[int] = ()
) -> None:
    """Note files that were sent just now, and keep the delivery from others until `due_at`."""
    await _sql.keep_claim(db, delivery_id=delivery_id, sent_ids=sent_ids, due_at=due_at)


async def retry(
    db: Reader, delivery_id: int, *, due_at: datetime, attempts: int, error: str
) -> None:
    """Bring it later."""
    await _sql.retry_delivery(
        db, delivery_id=delivery_id, due_at=due_at, attempts=attempts, error=error
    )


async def end(
    db: Reader, delivery_id: int, *, state: DeliveryState, now: datetime, error: str | None = None
) -> bool:
    """End a delivery; False: it had ended."""
    ended = await _sql.end_delivery(db, delivery_id=delivery_id, state=state, error=error, now=now)
    return ended is not None


async def wake(db: Reader, chat_id: int, *, now: datetime) -> list[int]:
    """Make due what waited for a user who is back; gives the deliveries."""
    rows = _sql.wake_deliveries(db, chat_id=chat_id, now=now)
    return [row["delivery_id"] async for row in rows]


async def was_delayed(reader: Reader, generation_id: int) -> bool:
    """Tell whether bringing the results failed at least once and they are still due."""
    delayed: bool = await _sql.was_delayed(reader, generation_id=generation_id)
    return delayed
