"""Leases: whoever holds a chat's lease is the only one who works on it."""

from uuid import UUID

from service.store.pool import Reader
from service.store.sql import queries

_sql = queries("chats")


async def claim(db: Reader, chat_id: int, *, token: UUID, lease_s: float) -> bool:
    """Take the chat; False: somebody has it, and will look once more before they go."""
    return await _sql.claim_lease(db, chat_id=chat_id, token=token, lease_s=lease_s) is not None


async def keep(db: Reader, chat_id: int, *, token: UUID, lease_s: float) -> bool:
    """Prolong the lease within a transaction; False: it was lost, change nothing."""
    return await _sql.keep_lease(db, chat_id=chat_id, token=token, lease_s=lease_s) is not None


async def release(db: Reader, chat_id: int, *, token: UUID) -> None:
    """Give the chat back."""
    await _sql.release_lease(db, chat_id=chat_id, token=token)
