"""Brings pictures to a user: fetched, kept, sent, and noted as sent."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from service.bells import HandleChats
from service.domain.generation import DeliveryKind, DeliveryState
from service.errors import TransientError
from service.flows.deps import Deps, Presentation, Speech
from service.flows.send_files import DOCUMENT_BYTES_MAX, Parcel, send_closing, send_parcel
from service.ports import BadMediaError, MessengerRefusedError, TooBigMediaError, UnreachableError
from service.store import deliveries, outbox, users
from service.store.deliveries import Delivery, Result
from service.store.pool import Db

log = structlog.get_logger(__name__)

#: A delivery whose process was killed is due again after this. Each step of one (to fetch its
#: files, to send an album) ends sooner, and prolongs the claim.
CLAIM_S = 300.0
#: Tries that ended with the process killed, before the delivery is parked.
ATTEMPTS_MAX = 5
#: The pause after a failure is a quarter of the delivery's age, within these limits.
RETRY_MIN_S = 5.0
RETRY_MAX_S = 4 * 3600.0


async def deliver_results(deps: Deps, speech: Speech, delivery_id: int) -> None:
    """Bring a delivery, at least once. Safe to repeat, from anywhere, at once."""
    delivery = await deliveries.claim(
        deps.pool, delivery_id, now=deps.now(), lease_s=CLAIM_S * deps.time_factor
    )
    if delivery is None:
        return
    with structlog.contextvars.bound_contextvars(
        delivery_id=delivery_id, generation_id=delivery.generation_id
    ):
        if deps.now() >= delivery.expires_at:
            await _end(deps, delivery, DeliveryState.EXPIRED, "it could not be brought in time")
        elif delivery.attempts > ATTEMPTS_MAX:
            await _end(deps, delivery, DeliveryState.PARKED, "bringing it killed the process")
        else:
            await _try(deps, speech, delivery)


async def _try(deps: Deps, speech: Speech, delivery: Delivery) -> None:
    presentation = await speech.present(deps.pool, delivery)
    try:
        await _bring(deps, delivery, presentation)
    except TransientError as error:
        await _retry(deps, delivery, str(error), after=error.retry_after)
    except UnreachableError:
        await users.mark_unreachable(deps.pool, delivery.chat_id, now=deps.now())
        await _retry(deps, delivery, "unreachable", after=deps.span(RETRY_MAX_S))
    except BadMediaError as error:
        await _retry(deps, delivery, str(error), after=None)
    except MessengerRefusedError as error:
        await _end(deps, delivery, DeliveryState.PARKED, error.description)
    else:
        await _end(deps, delivery, DeliveryState.SENT, None)


async def _bring(deps: Deps, delivery: Delivery, presentation: Presentation) -> None:
    """Fetch what is missing and send what is there; then raise what kept a file from coming."""
    found = await deliveries.list_results(
        deps.pool, delivery.generation_id, task_id=delivery.task_id
    )
    unsent = [result for result in found if result.result_id not in delivery.sent_ids]
    parcel = Parcel(
        delivery_id=delivery.delivery_id, chat_id=delivery.chat_id, claim=deps.span(CLAIM_S),
        results=unsent, as_files=delivery.kind == DeliveryKind.FILES,
        is_single=len(found) == 1, presentation=presentation,
    )  # fmt: skip
    fetched = await asyncio.gather(
        *(_fetched(deps, parcel, result) for result in unsent), return_exceptions=True
    )
    await deliveries.keep_claim(deps.pool, delivery.delivery_id, due_at=deps.now() + parcel.claim)
    ready = [outcome for outcome in fetched if isinstance(outcome, Result)]
    await send_parcel(deps, replace(parcel, results=ready))
    for outcome in fetched:
        if isinstance(outcome, BaseException):
            raise outcome
    if len(found) > 1:
        await send_closing(deps, parcel)


async def _fetched(deps: Deps, parcel: Parcel, result: Result) -> Result:
    """Give the result with our own copy, where one is needed to send it."""
    is_too_big = (result.size_bytes or 0) > DOCUMENT_BYTES_MAX
    if parcel.file_id_of(result) or is_too_big:
        return result
    if result.media_key and deps.media.path(result.media_key):
        return result
    key = f"{result.created_at:%Y/%m/%d}/{result.result_id}"
    try:
        file = await deps.media.fetch(result.url, key=key)
    except TooBigMediaError:
        return result
    await deliveries.keep_fetched(deps.pool, result.result_id, file, now=deps.now())
    return replace(
        result, media_key=file.key, media_type=file.media_type, size_bytes=file.size_bytes,
        width=file.width, height=file.height,
    )  # fmt: skip


async def _retry(deps: Deps, delivery: Delivery, error: str, *, after: timedelta | None) -> None:
    """Bring it later. The tries that count are those that killed the process."""
    age_s = (deps.now() - delivery.created_at).total_seconds() / deps.time_factor
    wait = after or deps.span(min(max(RETRY_MIN_S, age_s / 4), RETRY_MAX_S))
    async with deps.pool.acquire() as db, db.transaction():
        await deliveries.retry(
            db, delivery.delivery_id, due_at=deps.now() + wait, attempts=0, error=error[:500]
        )
        if delivery.kind == DeliveryKind.RESULTS and after is None:
            # The user sees that the picture is made and that we go on trying.
            await _tell_status(db, deps, delivery)
    log.warning("delivery_delayed", wait_s=wait.total_seconds())


async def _end(deps: Deps, delivery: Delivery, state: DeliveryState, error: str | None) -> None:
    """End the delivery, and let the status message of results say so."""
    async with deps.pool.acquire() as db, db.transaction():
        ended = await deliveries.end(
            db, delivery.delivery_id, state=state, now=deps.now(), error=error
        )
        if ended and delivery.kind == DeliveryKind.RESULTS:
            await _tell_status(db, deps, delivery)
    level = log.info if state is DeliveryState.SENT else log.error
    level("delivery_ended", state=state, kind=delivery.kind)
    deps.bells.ring_soon(HandleChats((delivery.chat_id,)))


async def _tell_status(db: Db, deps: Deps, delivery: Delivery) -> None:
    content = {"generation_id": delivery.generation_id}
    await outbox.add(
        db, chat_id=delivery.chat_id, kind="generation_status", content=content, now=deps.now()
    )
