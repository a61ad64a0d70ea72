"""Servers for the whole run, a fresh database for each test."""

import asyncio
import os

import pytest
import structlog

from service.local.postgres import PrivatePostgres
from service.local.rabbitmq import PrivateRabbit
from service.store.pool import open_pool
from tests.support.databases import Databases, connected
from tests.support.rig import start_rig


@pytest.fixture(scope="session", autouse=True)
def quiet_log():
    """Let events vanish; a test that cares uses structlog.testing.capture_logs."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture(scope="session")
async def postgres_url(tmp_path_factory):
    """The owner's address of a real PostgreSQL: the given one, else a private one."""
    given = os.environ.get("TEST_DATABASE_URL")  # noqa: TID251 - a setting of the tests alone
    if given:
        yield given
        return
    server = PrivatePostgres(tmp_path_factory.mktemp("postgres"))
    await asyncio.to_thread(server.start)
    yield server.url
    await asyncio.to_thread(server.erase)


@pytest.fixture(scope="session")
async def rabbit_url(tmp_path_factory):
    """The address of a real RabbitMQ; started by the first test that asks."""
    given = os.environ.get("TEST_RABBITMQ_URL")  # noqa: TID251 - a setting of the tests alone
    if given:
        yield given
        return
    server = PrivateRabbit(tmp_path_factory.mktemp("rabbitmq"))
    await asyncio.to_thread(server.start)
    yield server.url
    await asyncio.to_thread(server.erase)


@pytest.fixture(scope="session")
async def databases(postgres_url):
    """The maker of databases, with its template migrated."""
    made = Databases(postgres_url)
    await made.make_template()
    yield made
    await made.drop_template()


@pytest.fixture
async def database(databases):
    """A migrated database of the test's own."""
    async with databases.clone() as cloned:
        yield cloned


@pytest.fixture
async def pool(database):
    """The program's pool: its own login, without rights to touch the ledger."""
    opened = await open_pool(database.app_url, size=10, name="test")
    yield opened
    await opened.close()


@pytest.fixture
async def app(database):
    """One connection of the program's login."""
    async with connected(database.app_url) as connection:
        yield connection


@pytest.fixture
async def owner(database):
    """One connection of the database's owner, who may plant what the program can't."""
    async with connected(database.owner_url) as connection:
        yield connection


@pytest.fixture
async def rig(database, tmp_path):
    """The whole product between both stubs, bells in process."""
    async with start_rig(database, tmp_path) as started:
        yield started
