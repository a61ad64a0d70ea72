"""One chat's turn: its updates in order, each once, and all that must be said to it."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import structlog

from service.errors import PermanentError, TransientError
from service.flows.deps import Call, Decision, Deps, Speech
from service.flows.say_message import make_call, say_next
from service.store import chats, outbox, updates
from service.store.updates import ClaimedUpdate

log = structlog.get_logger(__name__)

#: A turn that hangs longer gives the chat up to others.
LEASE_S = 30.0
#: After so many tries an update is parked with its error.
ATTEMPTS_MAX = 5
#: A turn ends after so many steps, so that one flooded chat does not keep a thread for ever.
STEPS_MAX = 200
#: The first retry of a failed update comes after this, each next after twice as long.
RETRY_S = 1.0
#: A claimed update whose process was killed is due again after this.
CLAIM_S = 35.0


class LeaseLostError(TransientError):
    """Somebody else has the chat now; whatever this turn wanted to change was not changed."""


async def take_turn(deps: Deps, speech: Speech, chat_id: int) -> None:
    """Work on a chat until nothing is due. Safe to call at any time, from anywhere, at once.

    After the lease is given back the chat is looked at once more: an update that came while we
    held it rang a bell that found the chat taken.
    """
    while True:
        token = uuid4()
        if not await chats.claim(deps.pool, chat_id, token=token, lease_s=LEASE_S):
            return
        try:
            await _work(deps, speech, chat_id, token)
        except LeaseLostError:
            log.warning("lease_lost", chat_id=chat_id)
        finally:
            await chats.release(deps.pool, chat_id, token=token)
        if not await updates.has_due_work(deps.pool, chat_id, now=deps.now()):
            return


async def _work(deps: Deps, speech: Speech, chat_id: int, token: UUID) -> None:
    for _ in range(STEPS_MAX):
        while await say_next(deps, speech, chat_id):
            await _keep_lease(deps, chat_id, token)
        update = await updates.claim_next(
            deps.pool, chat_id, now=deps.now(), retry_s=CLAIM_S * deps.time_factor
        )
        if update is None:
            return
        await _handle(deps, speech, update, token)


async def _keep_lease(deps: Deps, chat_id: int, token: UUID) -> None:
    if not await chats.keep(deps.pool, chat_id, token=token, lease_s=LEASE_S):
        raise LeaseLostError(f"the lease of chat {chat_id} was lost")


async def _handle(deps: Deps, speech: Speech, update: ClaimedUpdate, token: UUID) -> None:
    if update.attempts > ATTEMPTS_MAX:
        await _park(deps, update, error=None)
        return
    with structlog.contextvars.bound_contextvars(
        update_id=update.update_id, chat_id=update.chat_id
    ):
        try:
            decision = await _decide(deps, speech, update, token)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises stands on its row
            await _note_failure(deps, update, error)
            return
        await _follow(deps, speech, update.chat_id, decision)


async def _decide(deps: Deps, speech: Speech, update: ClaimedUpdate, token: UUID) -> Decision:
    async with deps.pool.acquire() as db, db.transaction():
        if not await chats.keep(db, update.chat_id, token=token, lease_s=LEASE_S):
            raise LeaseLostError(f"the lease of chat {update.chat_id} was lost")
        decision = await speech.decide(db, update)
        if not await updates.finish(db, update.update_id, now=deps.now()):
            raise LeaseLostError(f"update {update.update_id} was handled by somebody else")
    return decision


async def _follow(deps: Deps, speech: Speech, chat_id: int, decision: Decision) -> None:
    """Do what an update led to: stop the button's spinner, ring, speak, redraw."""
    for bell in decision.bells:
        deps.bells.ring_soon(bell)
    if decision.answer:
        await _try_calls(deps, [decision.answer])
    while await say_next(deps, speech, chat_id):
        pass
    await _try_calls(deps, decision.redraws)


async def _try_calls(deps: Deps, calls: Sequence[Call]) -> None:
    """Make calls that may be lost: a redrawn menu is drawn again at the next press."""
    for call in calls:
        try:
            await make_call(deps, call)
        except (TransientError, PermanentError) as error:
            log.info("redraw_lost", method=call.method, error=type(error).__name__)


async def _note_failure(deps: Deps, update: ClaimedUpdate, error: Exception) -> None:
    log.error("update_failed", attempts=update.attempts, exc_info=error)
    text = f"{type(error).__name__}: {error}"[:500]
    if update.attempts >= ATTEMPTS_MAX:
        await _park(deps, update, error=text)
        return
    due_at = deps.after(RETRY_S * 2 ** (update.attempts - 1))
    await updates.retry(deps.pool, update.update_id, due_at=due_at, error=text)


async def _park(deps: Deps, update: ClaimedUpdate, *, error: str | None) -> None:
    """Put the update aside, and tell the user that we know."""
    async with deps.pool.acquire() as db, db.transaction():
        await updates.park(db, update.update_id, now=deps.now(), error=error)
        if update.chat_id > 0:
            content = {"update_id": update.update_id}
            await outbox.add(
                db, chat_id=update.chat_id, kind="sorry", content=content, now=deps.now()
            )
    log.error("update_parked", update_id=update.update_id, attempts=update.attempts)
