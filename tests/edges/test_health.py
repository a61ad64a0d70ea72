"""GET /health, /health/live, /health/ready: the truth, within a second, whatever is away."""

import asyncio
import json
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta

import pytest

from service.gateways.clock import SystemClock
from service.settings import InstanceMode
from service.web.status import ProcessFacts
from service.web.worker_app import create_worker_app
from tests.factories import make_task, make_user
from tests.support.web_process import (
    PATIENCE_S,
    RecordedBells,
    ScriptedTelegram,
    dead_url,
    ready_web,
    serving,
    serving_app,
    until,
)

SHAPE = {
    "status", "reasons", "mode", "role", "version", "uptime_s", "lock", "db", "queue", "provider",
}  # fmt: skip
SOUND_WEBHOOK = {
    "url": "https://kartina.example/telegram/webhook",
    "allowed_updates": [
        "my_chat_member", "message", "edited_message", "callback_query", "pre_checkout_query",
    ],
}  # fmt: skip


def sound_telegram():
    return ScriptedTelegram(answers={"getWebhookInfo": [SOUND_WEBHOOK] * 1000})


@pytest.fixture
async def web(database):
    async with ready_web(database.app_url, telegram=sound_telegram()) as process:
        await until(lambda: process.telegram.named("getWebhookInfo"))
        yield process


async def fresh_health(web, wanted):
    """Ask until the answer is as wanted: looks are kept for a second."""

    async def is_so():
        _, body = await web.get("/health")
        return wanted(body)

    await until(is_so)
    return await web.get("/health")


async def test_a_sound_process_says_so_in_the_promised_shape(web):
    # When everything is there
    status, body = await fresh_health(web, lambda body: body["status"] == "ok")

    # Then each promised field says so
    assert status == 200
    assert set(body) == SHAPE
    assert body["mode"] == "ACTIVE"
    for role in ("web", "worker"):
        assert set(body["lock"][role]) == {"held", "epoch", "holder", "heartbeat_age_s"}
        assert body["lock"][role]["held"] is True
    assert body["db"]["ok"] is True
    assert body["db"]["latency_ms"] > 0
    assert body["db"]["migrations"]["missing"] == []
    assert body["db"]["migrations"]["applied"] >= 10
    assert body["db"]["ledger_guard"] == "roles and triggers"
    assert body["queue"] == {"ok": True, "depth": 0, "parked": 0, "oldest_s": 0.0}
    assert body["provider"] == {"ok": True, "credits": None, "callback_last_s": None}


async def test_one_login_for_everything_is_said(database):
    async with ready_web(database.owner_url, telegram=sound_telegram()) as web:
        _, body = await fresh_health(web, lambda body: body["db"]["ledger_guard"])
    assert body["db"]["ledger_guard"] == "triggers only"


async def test_due_and_parked_rows_are_counted(web, owner, app):
    # Given work of every kind that is due, and some that was parked
    past = datetime.now(UTC) - timedelta(seconds=500)
    await owner.execute(
        "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at, parked_at)"
        " VALUES (1, 7, '{}', $1, now(), $1, NULL), (2, 7, '{}', $1, now(), $1, now())",
        past,
    )
    await owner.execute(
        "INSERT INTO outbox (chat_id, kind, content, due_at, rung_at, created_at)"
        " VALUES (7, 'sorry', '{}', $1, now(), $1)",
        past,
    )
    await make_task(app, await make_user(app, available=1000), 760)

    # When the health is asked
    _, body = await fresh_health(web, lambda body: body["queue"]["depth"] == 3)

    # Then rows are counted, not messages, and their age makes it amber
    assert body["queue"]["parked"] == 1
    assert body["queue"]["oldest_s"] >= 500
    assert body["status"] == "degraded"
    assert "overdue" in body["reasons"]


async def test_a_provider_that_is_away_makes_it_amber(web, owner):
    # Given a KIE that is away, its last credits, and a callback
    await owner.execute("UPDATE provider SET away_since = now(), credits = 12.5")

    # When the health is asked, then it says so
    _, body = await fresh_health(web, lambda body: not body["provider"]["ok"])
    assert body["provider"]["credits"] == 12.5
    assert body["status"] == "degraded"
    assert "provider" in body["reasons"]


async def test_bells_that_can_not_be_rung_make_it_amber_and_nothing_worse(database):
    bells = RecordedBells(is_up=False)
    async with ready_web(database.app_url, bells=bells, telegram=sound_telegram()) as web:
        status, body = await fresh_health(web, lambda body: body["db"]["ok"])
        assert status == 200
        assert body["queue"]["ok"] is False
        assert body["reasons"] == ["queue"]
        assert await web.get("/health/ready") == (200, {"mode": "ACTIVE"})


async def test_m6_a_webhook_that_somebody_changed_makes_it_amber(database):
    # Given a webhook whose list of updates somebody cut down
    drifted = {**SOUND_WEBHOOK, "allowed_updates": ["message"]}
    telegram = ScriptedTelegram(answers={"getWebhookInfo": [drifted] * 1000})
    async with ready_web(database.app_url, telegram=telegram) as web:
        # When the health is asked, then it is amber
        _, body = await fresh_health(web, lambda body: "webhook" in body["reasons"])
        assert body["status"] == "degraded"

        # And exactly what the code handles was registered, with the first secret
        (registered, *_) = telegram.named("setWebhook")
        assert registered["url"] == SOUND_WEBHOOK["url"]
        assert registered["secret_token"] == "new-secret"
        assert registered["max_connections"] == 40
        assert set(registered["allowed_updates"]) == set(SOUND_WEBHOOK["allowed_updates"])
        assert "drop_pending_updates" not in registered


async def test_l9_a_sound_webhook_is_set_once_and_then_only_looked_at(database):
    # Given a process whose minutes are short
    async with ready_web(database.app_url, telegram=sound_telegram(), TIME_FACTOR="0.001") as web:
        # When it has looked several times
        await until(lambda: len(web.telegram.named("getWebhookInfo")) > 4)

        # Then it set it once: the secret may have been rotated before the start
        assert len(web.telegram.named("setWebhook")) == 1


async def test_l10_without_postgresql_the_health_still_answers():
    # Given a process that never reached its database
    async with serving(dead_url(), telegram=sound_telegram()) as web:
        # When it is asked, then it is down but says so, alive, and not ready: it never was
        async with asyncio.timeout(1):
            status, body = await web.get("/health")
        assert status == 503
        assert set(body) == SHAPE
        assert body["status"] == "down"
        assert body["db"]["ok"] is False
        assert body["reasons"][0] == "database"
        assert await web.get("/health/live") == (200, {"live": True})
        assert await web.get("/health/ready") == (503, {"mode": "PASSIVE"})


async def test_a_database_that_does_not_answer_keeps_nobody_waiting(database):
    # Given a line to PostgreSQL that goes dead without a word
    async with (
        MutableLine(database.app_url) as line,
        ready_web(line.url, telegram=sound_telegram()) as web,
    ):
        assert (await fresh_health(web, lambda body: body["status"] == "ok"))[0] == 200
        line.is_alive.clear()

        # When the health is asked while the database hangs
        async def is_down():
            async with asyncio.timeout(1):
                status, _ = await web.get("/health")
            return status == 503

        # Then it never takes a second, and soon says what is wrong
        await until(is_down)
        line.is_alive.set()
        await fresh_health(web, lambda body: body["db"]["ok"])


async def test_multi_is_ready_once_warm_and_not_while_stopping(database):
    async with ready_web(database.app_url, telegram=sound_telegram(), INSTANCE_MODE="multi") as web:
        await fresh_health(web, lambda body: body["db"]["ok"])
        assert await web.get("/health/ready") == (200, {"mode": "ACTIVE"})
        web.app.state.web.is_stopping = True
        assert await web.get("/health/ready") == (503, {"mode": "PASSIVE"})
    async with serving(dead_url(), telegram=sound_telegram(), INSTANCE_MODE="multi") as web:
        assert (await web.get("/health/ready"))[0] == 503


async def test_a_process_that_stops_stands_by_at_once_and_goes_on_storing(web, owner):
    # Given a process that was told to stop
    draining = asyncio.create_task(web.app.state.web.drain())
    await asyncio.sleep(0)

    # When an update still comes
    assert await web.get("/health/ready") == (503, {"mode": "PASSIVE"})
    status = await web.post_update({"update_id": 1})

    # Then it is kept
    assert status == 200
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1
    await draining


async def test_the_worker_serves_the_same_health(database):
    facts = ProcessFacts(role="worker", instance_mode=InstanceMode.SINGLE)
    app = create_worker_app(database_url=database.app_url, clock=SystemClock(), facts=facts)
    async with serving_app(app) as worker:
        _, body = await fresh_health(worker, lambda body: body["db"]["ok"])
        assert set(body) == SHAPE
        assert body["role"] == "worker"
        _, page = await worker.get("/metrics")
        assert 'kartina_leader{role="worker"} 1.0' in page


PROGRAM = """
import asyncio, sys
from service.app import serve_web
from service.errors import KartinaError
from service.settings import Settings
try:
    asyncio.run(serve_web(Settings.load()))
except KartinaError as error:
    sys.exit(str(error))
"""


async def a_process(database_url, port):
    variables = {
        "TELEGRAM_BOT_TOKEN": "123456789:AAbbCCddEEffGG",
        "TELEGRAM_API_URL": "http://127.0.0.1:9",
        "TELEGRAM_WEBHOOK_SECRET": "new-secret",
        "PUBLIC_URL": "http://127.0.0.1:9",
        "KIE_API_KEY": "kie-key",
        "DATABASE_URL": database_url,
        "RABBITMQ_URL": "amqp://127.0.0.1:9/",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TIME_FACTOR": "0.1",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, env=variables,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_sigterm_ends_the_process_with_status_0_after_what_was_acknowledged(database, owner):
    # Given a real process whose RabbitMQ and Telegram are away
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = await a_process(database.app_url, port)
    try:
        body = json.dumps({"update_id": 5, "message": {"chat": {"id": 7}}}).encode()
        await until(lambda: posted(port, body))

        # When it is told to end
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            _, errors = await process.communicate()

        # Then it does, with status 0, and the update is there
        assert process.returncode == 0, errors.decode()
        assert await owner.fetchval("SELECT count(*) FROM updates") == 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_a_port_that_is_taken_is_named(database):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = await a_process(database.app_url, listener.getsockname()[1])
        async with asyncio.timeout(PATIENCE_S):
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert "set HOST and PORT" in errors.decode()


async def posted(port, body):
    """Post over a plain socket: it tells the process from everything around it."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    head = (
        "POST /telegram/webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: new-secret\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.startswith(b"HTTP/1.1 200")


class MutableLine:
    """A TCP line to PostgreSQL that can go dead without closing."""

    def __init__(self, url):
        head, _, tail = url.rpartition("@")
        self._target, _, self._path = tail.partition("/")
        self._head = head
        self.is_alive = asyncio.Event()
        self.is_alive.set()
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{self._head}@127.0.0.1:{port}/{self._path}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        host, _, port = self._target.partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port or 5432))
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            far_writer.close()
            writer.close()

    async def _pump(self, reader, writer):
        while data := await reader.read(65_536):
            await self.is_alive.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
