"""Connections to PostgreSQL: one pool a process, with time limits on everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from typing import TypeAlias

    #: A connection, or the pool's stand-in for one: what functions that write take.
    Db: TypeAlias = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    #: What functions that only read take: a connection, or the pool itself.
    Reader: TypeAlias = Db | asyncpg.Pool[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Db = Reader = Pool = Any

#: A statement that takes longer is broken off; nothing of ours comes near it.
COMMAND_TIMEOUT_S = 20.0
#: A transaction left open by a frozen process gives its locks back after this.
IDLE_IN_TRANSACTION_MS = 30_000
#: Waiting longer for a row means that something is wrong with whoever holds it.
LOCK_TIMEOUT_MS = 10_000


async def open_pool(url: str, *, size: int, name: str) -> Pool:
    """Open a pool; `name` shows in pg_stat_activity. Raises what asyncpg raises."""
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=5,
        command_timeout=COMMAND_TIMEOUT_S,
        max_inactive_connection_lifetime=300,
        init=_prepare,
        server_settings={
            "application_name": f"kartina {name}",
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "timezone": "UTC",
        },
    )
    assert pool is not None
    return pool


async def _prepare(connection: Db) -> None:
    """Let jsonb columns be Python values."""
    await connection.set_type_codec(
        "jsonb", encoder=_encode, decoder=json.loads, schema="pg_catalog"
    )


def _encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
