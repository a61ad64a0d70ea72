"""One chat's turn: its updates in order, each once, and all that must be said to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from traceback import extract_tb
from uuid import UUID, uuid4

import structlog

from service.bells import HandleChats
from service.errors import PermanentError, TransientError
from service.flows.deps import Call, Decision, Deps, Speech
from service.flows.say_message import make_call, say_next
from service.metrics import update_replied
from service.store import chats, outbox, updates
from service.store.database import is_passing
from service.store.pool import Reader
from service.store.updates import ClaimedUpdate

log = structlog.get_logger(__name__)

#: A turn that hangs longer gives the chat up to others.
LEASE_S = 30.0
#: After so many tries an update is parked with its error.
ATTEMPTS_MAX = 5
#: A turn ends after so many updates, so that one flooded chat does not keep a thread for ever.
STEPS_MAX = 200
#: The first retry of a failed update comes after this, each next after twice as long.
RETRY_S = 1.0
#: A claimed update whose process was killed is due again after this.
CLAIM_S = 35.0
#: So many places of a traceback are logged; the error's words may hold what a user wrote.
_PLACES_LOGGED = 4


class LeaseLostError(TransientError):
    """Somebody else has the chat now; whatever this turn wanted to change was not changed."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A chat held by a lease, and what works on it."""

    deps: Deps
    speech: Speech
    chat_id: int
    token: UUID = field(default_factory=uuid4)

    async def keep(self, db: Reader) -> None:
        """Prolong the lease; LeaseLostError when somebody else has the chat."""
        if not await chats.keep(db, self.chat_id, token=self.token, lease_s=LEASE_S):
            raise LeaseLostError(f"the lease of chat {self.chat_id} was lost")


async def take_turn(deps: Deps, speech: Speech, chat_id: int) -> None:
    """Work on a chat until nothing is due. Safe to call at any time, from anywhere, at once.

    After the lease is given back the chat is looked at once more: an update that came while we
    held it rang a bell that found the chat taken.
    """
    while True:
        turn = _Turn(deps, speech, chat_id)
        if not await chats.claim(deps.pool, chat_id, token=turn.token, lease_s=LEASE_S):
            return
        is_done = True
        try:
            is_done = await _work(turn)
        except LeaseLostError:
            log.warning("lease_lost", chat_id=chat_id)
        finally:
            await chats.release(deps.pool, chat_id, token=turn.token)
        if not is_done:
            # Other chats wait for this thread: a flooded one goes to the end of the queue.
            deps.bells.ring_soon(HandleChats((chat_id,)))
            return
        if not await updates.has_due_work(deps.pool, chat_id, now=deps.now()):
            return


async def _work(turn: _Turn) -> bool:
    """Say and handle what is due; False: the turn was long enough, and there may be more."""
    deps = turn.deps
    await _say_all(turn)
    for _ in range(STEPS_MAX):
        update = await updates.claim_next(
            deps.pool, turn.chat_id, now=deps.now(), retry_s=CLAIM_S * deps.time_factor
        )
        if update is None:
            return True
        with structlog.contextvars.bound_contextvars(
            update_id=update.update_id, chat_id=update.chat_id
        ):
            await _handle(turn, update)
    return False


async def _say_all(turn: _Turn) -> None:
    while await say_next(turn.deps, turn.speech, turn.chat_id):
        await turn.keep(turn.deps.pool)


async def _handle(turn: _Turn, update: ClaimedUpdate) -> None:
    if update.attempts > ATTEMPTS_MAX:
        await _park(turn, update, error=None)
        return
    try:
        decision = await _decide(turn, update)
    except LeaseLostError as error:
        await _give_back(turn, update, error, after_s=0)
        raise
    except Exception as error:  # noqa: BLE001 - whatever a handler raises stands on its row
        await _note_failure(turn, update, error)
        return
    await _follow(turn, decision)
    update_replied(seconds=(turn.deps.now() - update.received_at).total_seconds())


async def _decide(turn: _Turn, update: ClaimedUpdate) -> Decision:
    async with turn.deps.pool.acquire() as db, db.transaction():
        await turn.keep(db)
        decision = await turn.speech.decide(db, update)
        if not await updates.finish(db, update.update_id, now=turn.deps.now()):
            raise LeaseLostError(f"update {update.update_id} was handled by somebody else")
    return decision


async def _follow(turn: _Turn, decision: Decision) -> None:
    """Do what an update led to: stop the button's spinner, ring, speak, redraw."""
    for bell in decision.bells:
        turn.deps.bells.ring_soon(bell)
    if decision.answer:
        await _try_calls(turn.deps, [decision.answer])
    await _say_all(turn)
    await _try_calls(turn.deps, decision.redraws)


async def _try_calls(deps: Deps, calls: Sequence[Call]) -> None:
    """Make calls that may be lost: a redrawn menu is drawn again at the next press."""
    for call in calls:
        try:
            await make_call(deps, call)
        except (TransientError, PermanentError) as error:
            log.info("redraw_lost", method=call.method, error=type(error).__name__)


async def _note_failure(turn: _Turn, update: ClaimedUpdate, error: Exception) -> None:
    places = [f"{at.name}:{at.lineno}" for at in extract_tb(error.__traceback__)]
    log.error(
        "update_failed", attempts=update.attempts, error=type(error).__name__,
        places=places[-_PLACES_LOGGED:],
    )  # fmt: skip
    if isinstance(error, TransientError) or is_passing(error):
        await _give_back(turn, update, error, after_s=RETRY_S)
    elif update.attempts >= ATTEMPTS_MAX:
        await _park(turn, update, error=_describe(error))
    else:
        due_at = turn.deps.after(RETRY_S * 2 ** (update.attempts - 1))
        await updates.retry(
            turn.deps.pool, update.update_id, due_at=due_at, error=_describe(error)
        )  # fmt: skip


async def _give_back(
    turn: _Turn, update: ClaimedUpdate, error: Exception, *, after_s: float
) -> None:
    """Undo the claim: what went wrong is not the update's fault, so the try does not count."""
    await updates.give_back(
        turn.deps.pool, update, due_at=turn.deps.after(after_s), error=_describe(error)
    )


async def _park(turn: _Turn, update: ClaimedUpdate, *, error: str | None) -> None:
    """Put the update aside, and tell the user that we know."""
    deps = turn.deps
    async with deps.pool.acquire() as db, db.transaction():
        await turn.keep(db)
        is_parked = await updates.park(db, update.update_id, now=deps.now(), error=error)
        if is_parked and update.chat_id > 0:
            content = {"update_id": update.update_id}
            await outbox.add(
                db, chat_id=update.chat_id, kind="sorry", content=content, now=deps.now()
            )
    log.error("update_parked", update_id=update.update_id, attempts=update.attempts)
    await _say_all(turn)


def _describe(error: Exception) -> str:
    """Put an error into the words that stand on its row; the row alone, never a log."""
    return f"{type(error).__name__}: {error}"
