"""Says the next message of a chat's outbox; what can't be said now is said later."""

from typing import Any

import structlog

from service.errors import TransientError
from service.flows.deps import Call, Deps, Speech
from service.ports import MessengerRefusedError, UnreachableError
from service.store import generations, outbox, users
from service.store.database import is_passing
from service.store.outbox import Message, MessageState

log = structlog.get_logger(__name__)

#: Tries that killed the process or had no words for it, before the message is parked.
ATTEMPTS_MAX = 5
#: A claimed message whose process was killed is due again after this.
CLAIM_S = 35.0
#: Where Telegram names no time, the next try comes after this.
RETRY_S = 3.0
#: An edit that changes nothing has done what it should.
_NOT_MODIFIED = "message is not modified"


async def say_next(deps: Deps, speech: Speech, chat_id: int) -> bool:
    """Say the chat's oldest message; True: it is over, and the next may follow."""
    message = await outbox.claim_next(
        deps.pool, chat_id, now=deps.now(), retry_s=CLAIM_S * deps.time_factor
    )
    if message is None:
        return False
    if message.attempts > ATTEMPTS_MAX:
        return await _park(deps, message, "saying it killed the process")
    try:
        call = await speech.say(deps.pool, message)
        result = await make_call(deps, call) if call else None
    except TransientError as error:
        return await _retry(deps, message, error)
    except UnreachableError:
        return await _give_up(deps, message)
    except MessengerRefusedError as error:
        return await _park(deps, message, error.description)
    except Exception as error:  # noqa: BLE001 - whatever a view raises stands on its row
        return await _note_failure(deps, message, error)
    await _note_said(deps, message, call, result)
    return True


async def make_call(deps: Deps, call: Call) -> Any:
    """Make a call, or its fallback where Telegram refuses it."""
    try:
        return await deps.messenger.call(call.method, call.parameters)
    except MessengerRefusedError as error:
        if _NOT_MODIFIED in error.description:
            return None
        if call.fallback is None:
            raise
        log.info("call_refused", method=call.method, fallback=call.fallback.method)
        return await make_call(deps, call.fallback)


async def _note_said(deps: Deps, message: Message, call: Call | None, result: Any) -> None:
    message_id = result.get("message_id") if isinstance(result, dict) else None
    if call and call.status_of and message_id:
        # First, so that a message that is said twice edits itself instead of coming twice.
        await generations.keep_status_message(deps.pool, call.status_of, message_id)
    await outbox.end(
        deps.pool,
        message.outbox_id,
        state=MessageState.SENT,
        now=deps.now(),
        message_id=message_id,
    )


async def _retry(deps: Deps, message: Message, error: TransientError) -> bool:
    """Leave the message for later. What Telegram can't do now is no failed try of ours."""
    due_at = deps.now() + error.retry_after if error.retry_after else deps.after(RETRY_S)
    await outbox.retry(deps.pool, message.outbox_id, due_at=due_at, attempts=0, error=str(error))
    log.warning("message_delayed", outbox_id=message.outbox_id, chat_id=message.chat_id)
    return False


async def _note_failure(deps: Deps, message: Message, error: Exception) -> bool:
    """Count a try for which there were no words, unless it was the database's fault."""
    words = f"{type(error).__name__}: {error}"
    attempts = message.attempts - 1 if is_passing(error) else message.attempts
    if attempts >= ATTEMPTS_MAX:
        return await _park(deps, message, words)
    due_at = deps.after(RETRY_S * 2**attempts)
    await outbox.retry(
        deps.pool, message.outbox_id, due_at=due_at, attempts=attempts, error=words
    )  # fmt: skip
    log.error("message_failed", outbox_id=message.outbox_id, error=type(error).__name__)
    return False


async def _give_up(deps: Deps, message: Message) -> bool:
    now = deps.now()
    await users.mark_unreachable(deps.pool, message.chat_id, now=now)
    dropped = await outbox.drop_unreachable(deps.pool, message.chat_id, now=now)
    log.info("user_unreachable", chat_id=message.chat_id, dropped=dropped)
    return False


async def _park(deps: Deps, message: Message, error: str) -> bool:
    await outbox.end(
        deps.pool, message.outbox_id, state=MessageState.PARKED, now=deps.now(), error=error
    )
    log.error("message_parked", outbox_id=message.outbox_id, kind=message.kind)
    return True
