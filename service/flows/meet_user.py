"""Somebody writes: they are known from now on, and new ones are welcomed with a gift, once."""

import structlog

from service.flows.deps import Deps
from service.store import deliveries, ledger, users
from service.store.ledger import MovementKind
from service.store.pool import Db
from service.store.users import User
from service.texts import locale_of

log = structlog.get_logger(__name__)


async def meet_user(
    db: Db, deps: Deps, *, user_id: int, username: str | None, first_name: str,
    language_code: str | None,
) -> User:  # fmt: skip
    """Keep who wrote: the new get the welcome balance, once; those who are back, what waited."""
    user = await users.meet(
        db, user_id=user_id, username=username, first_name=first_name,
        language=locale_of(language_code), is_language_told=bool(language_code), now=deps.now(),
    )  # fmt: skip
    if user.is_new:
        log.info("user_met", user_id=user_id)
        if deps.welcome_kopecks:
            await ledger.credit(
                db, kind=MovementKind.WELCOME, user_id=user_id,
                amount_kopecks=deps.welcome_kopecks, key=f"welcome:{user_id}",
            )  # fmt: skip
    if user.is_back:
        # Telegram says so by itself when somebody unblocks the bot, but that may get lost.
        await deliveries.wake(db, user_id, now=deps.now())
    return user
