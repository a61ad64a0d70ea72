"""People and where their conversation stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("users")


@dataclass(frozen=True, slots=True)
class User:
    """A person who wrote; `is_new` on the very first update, `is_back` after being away."""

    user_id: int
    first_name: str
    language: str
    language_chosen: bool
    start_payload: str | None
    banned_at: datetime | None
    is_new: bool
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the next plain text answers (None: it is a prompt), and the picture being composed."""

    waiting_for: str | None
    draft: dict[str, Any]


async def meet(
    db: Db, *, user_id: int, username: str | None, first_name: str, language: str, now: datetime,
    is_language_told: bool = True,
) -> User:  # fmt: skip
    """Keep who wrote and give the person as we know them.

    Where Telegram did not tell the language, it is a guess, and the last one known stays.
    """
    row = await _sql.meet_user(
        db, user_id=user_id, username=username, first_name=first_name, language=language,
        is_told=is_language_told, now=now,
    )  # fmt: skip
    return User(**row)


async def get(reader: Reader, user_id: int) -> User | None:
    """Give a person; None: they never wrote."""
    row = await _sql.get_user(reader, user_id=user_id)
    return User(**row) if row else None


async def lock(db: Db, user_id: int) -> None:
    """Lock the user's money for this transaction; the first lock of every transaction on it."""
    await _sql.lock_user(db, user_id=user_id)


async def keep_start_payload(db: Db, user_id: int, payload: str) -> bool:
    """Keep the payload of the first /start; False: there was one."""
    return await _sql.keep_start_payload(db, user_id=user_id, payload=payload) is not None


async def choose_language(db: Db, user_id: int, language: str) -> None:
    """Make the language the user's own choice."""
    await _sql.choose_language(db, user_id=user_id, language=language)


async def mark_unreachable(db: Reader, user_id: int, *, now: datetime) -> bool:
    """Note that messages don't reach the user; False: that was known."""
    return await _sql.mark_unreachable(db, user_id=user_id, now=now) is not None


async def mark_reachable(db: Reader, user_id: int) -> bool:
    """Note that the user is back; False: they were never away."""
    return await _sql.mark_reachable(db, user_id=user_id) is not None


async def get_conversation(reader: Reader, user_id: int) -> Conversation:
    """Give where the conversation stands; an empty one for somebody new."""
    row = await _sql.get_conversation(reader, user_id=user_id)
    return Conversation(**row) if row else Conversation(waiting_for=None, draft={})


async def keep_conversation(
    db: Db, user_id: int, conversation: Conversation, *, now: datetime
) -> None:
    """Keep where the conversation stands, in the transaction of what was said."""
    await _sql.keep_conversation(
        db, user_id=user_id, waiting_for=conversation.waiting_for, draft=conversation.draft, now=now
    )
