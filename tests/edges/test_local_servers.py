"""Private servers: what they keep over a restart, a crash and an outage."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from aio_pika.exceptions import AMQPConnectionError, QueueEmpty

from service.local.errors import LocalServerError
from service.local.postgres import PrivatePostgres
from service.local.rabbitmq import PrivateRabbit

CONNECT_S = 10
CLOSED = (OSError, asyncpg.PostgresError)


@pytest.fixture
async def postgres(tmp_path):
    server = PrivatePostgres(tmp_path / "postgres")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.erase)


@pytest.fixture
async def rabbit(tmp_path):
    server = PrivateRabbit(tmp_path / "rabbitmq")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.erase)


async def query(url, sql):
    connection = await asyncpg.connect(url, timeout=CONNECT_S)
    try:
        return await connection.fetchval(sql, timeout=CONNECT_S)
    finally:
        await connection.close()


async def publish(url, text):
    connection = await aio_pika.connect(url, timeout=CONNECT_S)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue("letters", durable=True)
        message = aio_pika.Message(text.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "letters", timeout=CONNECT_S)


async def take(url):
    connection = await aio_pika.connect(url, timeout=CONNECT_S)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("letters", durable=True)
        try:
            message = await queue.get(timeout=CONNECT_S)
        except QueueEmpty:
            return None
        await message.ack()
        return message.body.decode()


async def test_a_restart_finds_the_same_data_at_the_same_address(postgres):
    # Given a server with a row
    await query(postgres.url, "CREATE TABLE kept AS SELECT 7 AS figure")
    url = postgres.url

    # When it is stopped and started again
    await asyncio.to_thread(postgres.stop)
    with pytest.raises(CLOSED):
        await query(url, "SELECT 1")
    await asyncio.to_thread(postgres.start)

    # Then address and data are the same, and the database can be trusted with money
    assert postgres.url == url
    assert await query(url, "SELECT figure FROM kept") == 7
    assert await query(url, "SHOW fsync") == "on"
    assert await query(url, "SHOW server_encoding") == "UTF8"
    assert int(await query(url, "SHOW server_version_num")) >= 150000


async def test_a_killed_server_recovers_what_was_committed(postgres):
    # Given a committed row
    await query(postgres.url, "CREATE TABLE kept AS SELECT 7 AS figure")

    # When the server is killed, and its mark names by now a process of somebody else
    await asyncio.to_thread(postgres.kill)
    mark = postgres.log.parent / "data" / "postmaster.pid"
    lines = mark.read_text().splitlines()
    mark.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    await asyncio.to_thread(postgres.start)

    # Then the row is there, served by a new process
    assert await query(postgres.url, "SELECT figure FROM kept") == 7
    assert postgres.pid != os.getpid()


async def test_only_its_owner_stops_a_server_that_two_programs_use(postgres, tmp_path):
    # Given a second user of the same folder
    second = PrivatePostgres(tmp_path / "postgres")
    await asyncio.to_thread(second.start)
    assert second.url == postgres.url

    # When the second one is done
    await asyncio.to_thread(second.stop)

    # Then the server still answers
    assert await query(postgres.url, "SELECT 1") == 1


async def test_a_first_start_that_was_cut_off_is_done_again(tmp_path):
    # Given what a start leaves that was killed while it made the data folder
    server = PrivatePostgres(tmp_path / "postgres")
    half_made = server.log.parent / "data.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("15\n")

    # When the server is started
    await asyncio.to_thread(server.start)

    # Then it serves, and nothing half-made is left
    try:
        assert await query(server.url, "SELECT current_database()") == "kartina"
        assert not half_made.exists()
    finally:
        await asyncio.to_thread(server.erase)


async def test_strangers_cannot_read_the_password_or_reach_the_server(postgres):
    # Given the folder of a running server
    folder = postgres.log.parent

    # When its address is tried without the password
    without_password = postgres.url.replace(postgres.url.split(":")[2].split("@")[0], "guess")

    # Then it is refused, and the file with the password is private
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(without_password, "SELECT 1")
    assert stat.S_IMODE((folder / "address.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_start_that_fails_shows_the_end_of_the_log(postgres):
    # Given a stopped server whose configuration is broken
    await asyncio.to_thread(postgres.stop)
    configuration = postgres.log.parent / "data" / "postgresql.conf"
    configuration.write_text("no_such_setting = 1\n")

    # When it is started
    with pytest.raises(LocalServerError) as failure:
        await asyncio.to_thread(postgres.start)

    # Then the error names the log and what is in it
    assert "no_such_setting" in str(failure.value)
    assert "server.log" in str(failure.value)


async def test_a_broker_goes_away_and_comes_back_with_its_messages(rabbit):
    # Given a durable message
    url = rabbit.url
    await publish(url, "first")

    # When clients are refused for a while
    await asyncio.to_thread(rabbit.pause)
    with pytest.raises((AMQPConnectionError, OSError)):
        await publish(url, "refused")
    await asyncio.to_thread(rabbit.resume)

    # Then the message is still there, and survives a crash as well
    assert await take(url) == "first"
    await publish(url, "second")
    await asyncio.to_thread(rabbit.kill)
    await asyncio.to_thread(rabbit.start)
    assert rabbit.url == url
    assert await take(url) == "second"

    # And a wiped broker has the same address and no messages
    await publish(url, "third")
    await asyncio.to_thread(rabbit.wipe)
    assert rabbit.url == url
    assert await take(url) is None


async def servers_program(action, folder):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.local.servers", action, "--folder", str(folder)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, progress = await asyncio.wait_for(process.communicate(), timeout=90)
    assert process.returncode == 0, progress.decode()
    return said.decode().splitlines()


async def test_make_servers_leaves_both_running_until_they_are_stopped(tmp_path):
    # Given servers which a program started before it ended
    addresses = await servers_program("start", tmp_path)
    try:
        # When they are asked for again
        again = await servers_program("start", tmp_path)

        # Then the same two answer
        assert again == addresses
        database, broker = addresses
        assert await query(database, "SELECT 1") == 1
        await publish(broker, "hello")
        assert await take(broker) == "hello"

        # And whoever finds them later can use them in full
        found = PrivateRabbit(tmp_path / "rabbitmq")
        await asyncio.to_thread(found.start)
        await asyncio.to_thread(found.pause)
        await asyncio.to_thread(found.resume)
        assert found.url == broker
        found.leave_running()

        # And neither answers once they were stopped
        await servers_program("stop", tmp_path)
        with pytest.raises(CLOSED):
            await query(database, "SELECT 1")
        with pytest.raises((AMQPConnectionError, OSError)):
            await take(broker)
    finally:
        await servers_program("erase", tmp_path)
