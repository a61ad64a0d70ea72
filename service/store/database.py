"""A pool that opens in the background, so that a process answers before PostgreSQL does."""

import asyncio

import asyncpg
import structlog

from service.errors import TransientError
from service.store import migrations
from service.store.pool import Pool, open_pool

log = structlog.get_logger(__name__)

#: What asyncpg raises when the database is away, or was lost in the middle of a statement.
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
#: The value itself can't be stored, however often it is tried; ValueError is the driver's own.
VALUE_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
#: The database's trouble or a clash of two transactions: the same may well work when tried again.
_PASSING_ERRORS = (
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
    OSError,
)
#: What takes too long once may do so for ever, so it is the statement's fault.
_LASTING_ERRORS = (asyncpg.QueryCanceledError, TimeoutError)
_RETRY_S = 0.5


class DatabaseAwayError(TransientError):
    """PostgreSQL does not answer (yet)."""


def is_passing(error: BaseException) -> bool:
    """Tell whether a failure was the database's own, so that whoever met it is not to blame."""
    return isinstance(error, _PASSING_ERRORS) and not isinstance(error, _LASTING_ERRORS)


class Database:
    """The pool of a process, once there is one."""

    def __init__(self, url: str, *, size: int, name: str) -> None:
        self._url = url
        self._size = size
        self._name = name
        self._pool: Pool | None = None
        self.migrated = asyncio.Event()

    @property
    def pool(self) -> Pool:
        """Give the pool; `DatabaseAwayError` before it could be opened."""
        if self._pool is None:
            raise DatabaseAwayError("PostgreSQL was not reached yet; check DATABASE_URL")
        return self._pool

    async def open(self, *, migration_wait_s: float = 60) -> None:
        """Open the pool, however long that takes, then wait for the migrations.

        `MigrationError` when the database answers and nobody migrates it.
        """
        while self._pool is None:
            try:
                self._pool = await open_pool(self._url, size=self._size, name=self._name)
            except DATABASE_ERRORS as error:
                log.warning("database_not_reached", error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)
        while not self.migrated.is_set():
            try:
                await migrations.wait_until_migrated(self._pool, wait_s=migration_wait_s)
                self.migrated.set()
            except DATABASE_ERRORS as error:
                log.warning("migrations_not_read", error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)

    async def close(self, *, limit_s: float = 5) -> None:
        """Close the pool; what still runs after the limit is broken off."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(limit_s):
                await pool.close()
        except DATABASE_ERRORS:
            pool.terminate()
