"""A fresh, migrated database for each test, cloned from one that is migrated once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.store.migrations import migrate
from service.store.pool import _prepare

CONNECT_S = 10
#: Settings that let a test wait for its own mistakes for seconds instead of minutes.
PATIENCE = {"lock_timeout": "10s", "timezone": "UTC"}


@dataclass(frozen=True)
class Database:
    """One database, as its owner and as the program's own login see it."""

    name: str
    owner_url: str
    app_url: str


class Databases:
    """Makes databases on one server: empty ones, or copies of the migrated template."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._token = token_hex(4)
        self._password = token_hex(16)
        self._made = 0
        self.login = f"kartina_app_{self._token}"
        self.template = f"kartina_template_{self._token}"

    def of(self, name: str) -> Database:
        """Give the addresses of a database."""
        owner = urlsplit(self._server_url)
        host = owner.netloc.rpartition("@")[2]
        app = owner._replace(netloc=f"{self.login}:{self._password}@{host}", path=f"/{name}")
        return Database(name, urlunsplit(owner._replace(path=f"/{name}")), urlunsplit(app))

    async def make_template(self) -> None:
        """Make the program's login and the database that others are copied from."""
        await self.run(f"CREATE ROLE {self.login} LOGIN PASSWORD '{self._password}'")
        await self.run(f"CREATE DATABASE {self.template}")
        await migrate(self.of(self.template).owner_url, login=self.login)

    async def drop_template(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        await self.run(f"DROP DATABASE {self.template} WITH (FORCE)")
        await self.run(f"DROP ROLE {self.login}")

    @asynccontextmanager
    async def clone(self, template: str | None = None) -> AsyncIterator[Database]:
        """Copy the template, or another database nobody is connected to; drop the copy after."""
        self._made += 1
        name = f"kartina_{self._token}_{self._made}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template or self.template}")
        try:
            yield self.of(name)
        finally:
            await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def run(self, statement: str) -> None:
        """Run one statement as the server's owner, outside the databases of the tests."""
        connection = await asyncpg.connect(self._server_url, timeout=CONNECT_S)
        try:
            await connection.execute(statement)
        finally:
            await connection.close(timeout=CONNECT_S)


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """Open one connection, with jsonb as the program's pool has it."""
    connection = await asyncpg.connect(
        url, timeout=CONNECT_S, server_settings={**PATIENCE, **settings}
    )
    try:
        await _prepare(connection)
        yield connection
    finally:
        await connection.close(timeout=CONNECT_S)
