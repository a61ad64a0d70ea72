"""Applies the numbered SQL files, each once, whoever else starts at the same moment."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog

from service.errors import KartinaError
from service.resources import MIGRATIONS
from service.store.pool import Db, Reader

log = structlog.get_logger(__name__)

#: Any number, as long as it is ours alone: "kartina" on a telephone's keys.
_LOCK_KEY = 5_278_462
_LOCK_POLL_S = 0.25
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
#: A file with this first line runs outside a transaction (CREATE INDEX CONCURRENTLY).
_NO_TRANSACTION = "-- no-transaction"

_BOOK = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
)
"""


class MigrationError(KartinaError):
    """The files and the database disagree; the message names the file."""


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One numbered file of SQL."""

    version: int
    name: str
    text: str
    sha256: str

    @property
    def in_transaction(self) -> bool:
        """Tell whether the file is applied in one transaction with its record."""
        return not self.text.startswith(_NO_TRANSACTION)


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the book: a file that was started here, and perhaps finished."""

    version: int
    name: str
    sha256: str
    finished: bool


def read_files(folder: Path = MIGRATIONS) -> list[MigrationFile]:
    """Read all files in order; `MigrationError` on a bad name, a duplicate or a gap."""
    files = [_read_file(path) for path in sorted(folder.glob("[0-9]*.sql"))]
    if not files:
        raise MigrationError(f"no migrations in {folder}: the installation is incomplete")
    for expected, file in enumerate(files, start=1):
        if file.version < expected:
            raise MigrationError(f"{file.name}: number {file.version:04} is used twice; renumber")
        if file.version > expected:
            raise MigrationError(f"{file.name}: number {expected:04} before it is missing")
    return files


async def migrate(
    url: str, *, folder: Path = MIGRATIONS, wait_s: float = 60, login: str | None = None
) -> list[str]:
    """Bring the database up to the files; give the names applied now (none: it was there).

    `login` is the program's own login where it is not the owner: it gets its rights.
    """
    files = read_files(folder)
    connection = await asyncpg.connect(
        url, timeout=10, server_settings={"application_name": "kartina migrate"}
    )
    try:
        async with _only_one(connection, wait_s):
            await connection.execute(_BOOK)
            pending = plan(files, await _applied(connection))
            for file in pending:
                await _apply(connection, file)
            if login:
                await _grant(connection, folder, login)
    finally:
        await connection.close(timeout=5)
    return [file.name for file in pending]


async def migrate_for(owner_url: str, app_url: str) -> list[str]:
    """Migrate as the owner, and give the program's own login its rights where it has one."""
    owner, login = urlsplit(owner_url).username, urlsplit(app_url).username
    return await migrate(owner_url, login=login if login != owner else None)


async def missing(reader: Reader, folder: Path = MIGRATIONS) -> list[str]:
    """List the files this database has not finished; a database ahead of the code is fine."""
    files = read_files(folder)
    if await reader.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return [file.name for file in files]
    return [file.name for file in plan(files, await _applied(reader))]


async def wait_until_migrated(reader: Reader, *, wait_s: float = 60) -> None:
    """Wait for a migration that runs elsewhere; `MigrationError` when none comes."""
    for _ in range(max(1, int(wait_s / _LOCK_POLL_S))):
        names = await missing(reader)
        if not names:
            return
        await asyncio.sleep(_LOCK_POLL_S)
    raise MigrationError(f"the database lacks {names[0]}: run `kartina migrate`")


def plan(files: Sequence[MigrationFile], applied: Sequence[Applied]) -> list[MigrationFile]:
    """Tell which files are still to be applied, or why they can't be."""
    known = {file.version: file for file in files}
    for row in applied:
        file = known.get(row.version)
        if not row.finished:
            raise MigrationError(
                f"{row.name} was applied by half: mend the database by hand, then delete or "
                f"finish its row in schema_migrations"
            )
        if file is None and row.version < files[-1].version:
            raise MigrationError(f"{row.name} was applied here but its file is missing")
        if file is not None and file.name != row.name:
            raise MigrationError(f"{file.name} has the number of {row.name}, applied here before")
        if file is not None and file.sha256 != row.sha256:
            raise MigrationError(f"{file.name} was edited after it was applied: add a new file")
    done = {row.version for row in applied}
    return [file for file in files if file.version not in done]


def _read_file(path: Path) -> MigrationFile:
    match = _FILE_NAME.fullmatch(path.name)
    if not match:
        raise MigrationError(f"{path.name}: a migration is named 0001_verb_subject.sql")
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return MigrationFile(int(match[1]), path.name, text, digest)


async def _applied(reader: Reader) -> list[Applied]:
    rows = await reader.fetch(
        "SELECT version, name, sha256, finished_at IS NOT NULL AS finished"
        " FROM schema_migrations ORDER BY version"
    )
    return [Applied(**row) for row in rows]


@asynccontextmanager
async def _only_one(connection: Db, wait_s: float) -> AsyncIterator[None]:
    """Hold the migration lock. Polled: a waiting query would pin old rows of everybody."""
    for _ in range(max(1, int(wait_s / _LOCK_POLL_S))):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            break
        await asyncio.sleep(_LOCK_POLL_S)
    else:
        raise MigrationError(f"another `kartina migrate` has been running for {wait_s:.0f} s")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


async def _apply(connection: Db, file: MigrationFile) -> None:
    try:
        if file.in_transaction:
            async with connection.transaction():
                # Running code must not wait long behind a migration.
                await connection.execute(
                    "SET LOCAL lock_timeout = '4s'; SET LOCAL statement_timeout = '60s'"
                )
                await connection.execute(file.text)
                await _record(connection, file, finished=True)
        else:
            await _record(connection, file, finished=False)
            await connection.execute(file.text)
            await connection.execute(
                "UPDATE schema_migrations SET finished_at = clock_timestamp() WHERE version = $1",
                file.version,
            )
    except asyncpg.PostgresError as error:
        left = "was rolled back" if file.in_transaction else "is applied by half"
        raise MigrationError(f"{file.name} failed and {left}: {error}") from error
    log.info("migration_applied", file=file.name)


async def _record(connection: Db, file: MigrationFile, *, finished: bool) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (version, name, sha256, finished_at)"
        " VALUES ($1, $2, $3, CASE WHEN $4 THEN clock_timestamp() END)",
        file.version,
        file.name,
        file.sha256,
        finished,
    )


async def _grant(connection: Db, folder: Path, login: str) -> None:
    """Give the program's login its rights anew; the file decides, the name is bound."""
    await connection.execute("SELECT set_config('kartina.login', $1, false)", login)
    await connection.execute((folder / "grants.sql").read_text(encoding="utf-8"))
