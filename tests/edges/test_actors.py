"""Actors and their worker: every bell is answered, in process and over RabbitMQ, until SIGTERM."""

import asyncio
import inspect
import json
import socket
import subprocess
from contextlib import asynccontextmanager
from dataclasses import fields

import aiohttp
import pytest
from dramatiq.middleware import Retries

from actors.each import AT_ONCE, each
from actors.runtime import GivenUpError, Runtime
from actors.worker import DRAIN_MS, in_process_worker, rabbit_worker
from service.bells import BELLS, HandleChats
from service.gateways.rabbit import RabbitBells, actor_name
from service.settings import Settings
from service.store import updates
from service.store.updates import ReceivedUpdate
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from tests.support.processes import KARTINA, RUN_LIMIT_S, STOP_LIMIT_S, kartina
from tests.support.rig import free_port
from tests.support.scripted import Gate, HeardBells, MovableClock
from tests.support.web_process import dead_url, until

BOT_TOKEN = "7000000001:stub-token"
SECRET = "actors-secret"


@pytest.fixture
async def telegram():
    async with TelegramStub(TelegramStubOptions(bot_token=BOT_TOKEN, time_factor=0.02)) as stub:
        yield stub


def an_environ(telegram_url, folder, **changes):
    """Give the variables of a worker or a web between a stub and a database."""
    return {
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": telegram_url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "KIE_API_KEY": "kie-key",
        "DATA_DIR": str(folder),
        "HOST": "127.0.0.1",
        "WORKER_THREADS": "2",
        "LOG_FORMAT": "json",
        **changes,
    }


@pytest.fixture
def environ(telegram, database, tmp_path):
    return an_environ(telegram.url, tmp_path, DATABASE_URL=database.app_url)


async def keep_help(pool, update_id, chat_id):
    """Keep somebody's /help as the webhook does."""
    person = {"id": chat_id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    message = {
        "message_id": 1, "date": 1, "from": person, "chat": {"id": chat_id, "type": "private"},
        "text": "/help", "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
    }  # fmt: skip
    body = json.dumps({"update_id": update_id, "message": message})
    await updates.keep(pool, [ReceivedUpdate(update_id, chat_id, body)], now=MovableClock().now())


async def until_said(pool, count):
    """Wait until so many messages were said."""
    sent = "SELECT count(*) = $1 FROM outbox WHERE state = 'sent'"
    await until(lambda: pool.fetchval(sent, count))


@asynccontextmanager
async def started(worker):
    """Run a worker until the block ends."""
    await asyncio.to_thread(worker.start)
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.stop)


def test_each_bell_has_an_actor_with_its_name_queue_and_parameters(environ):
    # Given a worker's broker / When its actors are listed
    worker, _ = in_process_worker(Settings.load(environ))
    actors = worker._broker.actors

    # Then there is exactly one for each bell, and it takes what the bell carries
    assert set(actors) == {actor_name(bell) for bell in BELLS}
    for bell in BELLS:
        actor = actors[actor_name(bell)]
        assert actor.queue_name == bell.queue
        taken = list(inspect.signature(actor.fn).parameters)
        assert taken == [item.name for item in fields(bell)]
        assert actor.options["time_limit"] > 0
    # And a message that fails is not tried again by the broker: rows are
    assert not any(isinstance(item, Retries) for item in worker._broker.middleware)


async def test_a_row_that_fails_does_not_disturb_the_others():
    # Given 30 rows, one of which fails at once, and a count of those under way
    done, working, most = [], 0, 0

    async def work(row_id):
        nonlocal working, most
        if row_id == 0:
            raise ValueError("row 0")
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        working -= 1
        done.append(row_id)

    # When all are worked on, then the others are done, a few at a time, and the failure is told
    with pytest.raises(ValueError, match="row 0"):
        await each(range(30), work)
    assert sorted(done) == list(range(1, 30))
    assert most <= AT_ONCE


async def test_a_chat_that_fails_does_not_disturb_the_others(environ, pool, telegram):
    # Given an update that can't be read, between two that can
    people = [telegram.person(user_id) for user_id in (501, 502, 503)]
    await keep_help(pool, 1, 501)
    await updates.keep(pool, [ReceivedUpdate(2, 502, "no JSON")], now=MovableClock().now())
    await keep_help(pool, 3, 503)
    worker, bells = in_process_worker(Settings.load(environ))

    # When one bell rings for all three
    async with started(worker):
        bells.ring_soon(HandleChats((501, 502, 503)))
        await people[0].wait_for(lambda m: m.from_bot)
        await people[2].wait_for(lambda m: m.from_bot)
        await until_said(pool, 2)

        # Then the one that failed keeps its error
        failed = "SELECT error IS NOT NULL FROM updates WHERE update_id = 2"
        await until(lambda: pool.fetchval(failed))
    assert await pool.fetchval("SELECT count(*) FROM updates WHERE handled_at IS NULL") == 1


async def test_a_worker_starts_and_stops_twice_in_one_process(environ, pool, telegram):
    # Given a worker of this process
    telegram.person(501)
    worker, bells = in_process_worker(Settings.load(environ))
    middleware = list(worker._broker.middleware)
    for number in (1, 2):
        # When it is started, then it works
        async with started(worker):
            assert worker.is_taking
            assert not worker.is_stopping
            await keep_help(pool, number, 501)
            bells.ring_soon(HandleChats((501,)))
            await until_said(pool, number)
        # And when it was stopped, it takes nothing, and nothing of it is left
        assert worker._broker.middleware == middleware
        assert not worker.is_taking
        assert worker.is_stopping


async def test_a_worker_on_rabbitmq_handles_what_the_web_rings_and_stops_twice(
    environ, pool, telegram, rabbit_url
):
    # Given a worker on RabbitMQ, and the bells of a web process
    telegram.person(501)
    worker = rabbit_worker(Settings.load(environ | {"RABBITMQ_URL": rabbit_url}))
    bells = RabbitBells(rabbit_url)
    await bells.open()
    try:
        await until(lambda: bells.is_up)
        for number in (1, 2):
            async with started(worker):
                # When an update is kept and its bell rung
                await keep_help(pool, number, 501)
                bells.ring_soon(HandleChats((501,)))

                # Then it is handled and answered
                await until_said(pool, number)
                await until(lambda: worker.runtime.queue_is_up)
    finally:
        await bells.close()


async def test_what_still_runs_at_the_end_is_broken_off_and_gives_its_chat_back(environ, pool):
    # Given an open runtime with an actor that hangs
    runtime = Runtime(Settings.load(environ), bells=HeardBells())
    await runtime.open()
    gate = Gate()
    tidied = []

    async def hang():
        try:
            await gate.hold()
        finally:
            tidied.append("chat")

    working = asyncio.create_task(runtime.work(hang()))
    await gate.wait_until_reached()

    # When everything is closed, then it was broken off and could tidy up
    await runtime.close()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert tidied == ["chat"]
    # And the longest stop is well within the contract's limit
    assert DRAIN_MS / 1000 < STOP_LIMIT_S


async def test_a_worker_that_waits_for_postgresql_can_be_stopped(environ):
    # Given a worker whose PostgreSQL is away
    settings = Settings.load(environ | {"DATABASE_URL": dead_url()})
    worker, _ = in_process_worker(settings)
    starting = asyncio.create_task(asyncio.to_thread(worker.start))
    await until(lambda: worker.runtime._opening is not None)

    # When nobody wants it any more, then the start ends
    worker.runtime.give_up_opening()
    with pytest.raises(GivenUpError):
        await starting
    assert not worker.is_taking


async def read(http, url):
    async with http.get(url) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text())


async def test_web_and_worker_serve_their_health_and_end_at_sigterm(
    environ, pool, telegram, rabbit_url, tmp_path
):
    # Given both processes as an operator starts them, on one database and one RabbitMQ
    telegram.person(501)
    port, worker_port = free_port(), free_port()
    web_url, worker_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{worker_port}"
    variables = environ | {
        "RABBITMQ_URL": rabbit_url, "PUBLIC_URL": web_url, "PORT": str(port),
        "WORKER_PORT": str(worker_port),
    }  # fmt: skip
    async with (
        kartina("web", name="web", url=web_url, folder=tmp_path, environ=variables) as web,
        kartina(
            "worker", name="worker", url=worker_url, folder=tmp_path, environ=variables
        ) as worker,
        aiohttp.ClientSession() as http,
    ):
        await asyncio.gather(web.until_ready(http), worker.until_ready(http))

        # When an update is posted, then the worker answers it
        person = {"id": 501, "is_bot": False, "first_name": "Ann", "language_code": "en"}
        message = {"message_id": 1, "date": 1, "from": person, "text": "hello",
                   "chat": {"id": 501, "type": "private"}}  # fmt: skip
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        update = {"update_id": 1, "message": message}
        async with http.post(f"{web_url}/telegram/webhook", json=update, headers=headers) as answer:
            assert answer.status == 200
        await until_said(pool, 1)

        # And the worker has a health and metrics of its own
        status, body = await read(http, f"{worker_url}/health")
        assert (status, body["role"], body["mode"]) == (200, "worker", "ACTIVE")
        assert body["queue"]["ok"] is True
        assert await read(http, f"{worker_url}/health/live") == (200, {"live": True})
        status, metrics = await read(http, f"{worker_url}/metrics")
        assert status == 200
        assert "kartina_" in metrics

        # And both end by themselves soon after SIGTERM, with nothing amiss
        assert await asyncio.gather(web.stop(), worker.stop()) == [0, 0]
        assert web.troubles() == []
        assert worker.troubles() == []


async def test_a_worker_without_its_servers_ends_at_sigterm_too(environ, tmp_path):
    # Given a worker that never reached PostgreSQL nor RabbitMQ
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = environ | {
        "DATABASE_URL": dead_url(), "RABBITMQ_URL": "amqp://127.0.0.1:9/", "WORKER_PORT": str(port),
    }  # fmt: skip
    async with (
        kartina("worker", name="worker", url=url, folder=tmp_path, environ=variables) as worker,
        aiohttp.ClientSession() as http,
    ):
        # When its health is asked, then it is alive and not ready
        async def is_alive():
            try:
                return await read(http, f"{url}/health/live") == (200, {"live": True})
            except aiohttp.ClientConnectionError:
                return False

        await until(is_alive, limit_s=30)
        assert (await read(http, f"{url}/health/ready"))[0] == 503

        # And SIGTERM ends it in time
        assert await worker.stop() == 0


async def test_a_worker_without_rabbitmq_waits_for_it_and_ends_at_sigterm(environ, tmp_path):
    # Given a worker whose RabbitMQ is away
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = environ | {"RABBITMQ_URL": "amqp://127.0.0.1:9/", "WORKER_PORT": str(port)}
    async with (
        kartina("worker", name="worker", url=url, folder=tmp_path, environ=variables) as worker,
        aiohttp.ClientSession() as http,
    ):
        # When it runs, then it says that its queue is away
        await worker.until_ready(http)
        _, body = await read(http, f"{url}/health")
        assert body["queue"]["ok"] is False

        # And SIGTERM ends it in time
        assert await worker.stop() == 0


async def test_a_worker_whose_port_is_taken_says_so_in_one_line(environ, tmp_path):
    # Given a port that somebody listens on
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        variables = environ | {"RABBITMQ_URL": "amqp://127.0.0.1:9/", "WORKER_PORT": str(port)}

        # When a worker is to serve its health there
        done = await asyncio.to_thread(
            subprocess.run, [KARTINA, "worker"], env=variables, cwd=tmp_path,
            capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False,
        )  # fmt: skip

    # Then it ends at once, and names the variable to change
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith(f"can't listen on 127.0.0.1:{port} (Address already in use)")
    assert "WORKER_PORT" in line
