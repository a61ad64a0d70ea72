"""Answers whether an order may be paid, at once and from the process that heard the question."""

import asyncio

import structlog

from service.errors import PermanentError, TransientError
from service.flows.read_update import PreCheckoutQuery
from service.flows.web_deps import WebDeps
from service.store import updates, users
from service.store.database import DATABASE_ERRORS, VALUE_ERRORS, DatabaseAwayError
from service.store.updates import ReceivedUpdate
from service.texts import locale_of, text

log = structlog.get_logger(__name__)

#: Telegram cancels the sale after 10 s; what takes longer than this is asked again.
ANSWER_LIMIT_S = 2.0


async def answer_pre_checkout(deps: WebDeps, query: PreCheckoutQuery) -> None:
    """Refuse the order in the user's language: nothing is sold for Stars yet.

    Raises TransientError when Telegram or PostgreSQL did not answer: the question comes again.
    """
    locale = await _locale_of(deps, query)
    parameters = {
        "pre_checkout_query_id": query.id,
        "ok": False,
        "error_message": text("pre-checkout-not-open", locale),
    }
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await deps.messenger.call("answerPreCheckoutQuery", parameters)
    except TimeoutError as error:
        raise TransientError("Telegram did not take the answer to a pre-checkout") from error
    except PermanentError as error:
        # Too old, or answered before we were asked again: there is nothing left to answer.
        log.warning("pre_checkout_answer_refused", error=type(error).__name__)


async def accept_pre_checkout(
    deps: WebDeps, query: PreCheckoutQuery, update: ReceivedUpdate
) -> None:
    """Answer, then keep the update as handled; raises TransientError when it may work later."""
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S * 2):
            await answer_pre_checkout(deps, query)
            await updates.keep_handled(deps.pool, update, now=deps.now())
    except VALUE_ERRORS as error:
        log.warning("update_unstorable", error=type(error).__name__)
    except DATABASE_ERRORS as error:
        raise DatabaseAwayError("PostgreSQL did not keep a pre-checkout") from error


async def _locale_of(deps: WebDeps, query: PreCheckoutQuery) -> str:
    user = await users.get(deps.pool, query.sender.id)
    if user is not None:
        return user.language
    return locale_of(query.sender.language_code)
