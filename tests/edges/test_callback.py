"""POST /kie/callback/{token}: kept before it is acknowledged, and believed in nothing."""

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import pytest

from service.bells import SettleTasks
from tests.factories import make_task, make_user, submit
from tests.support.web_process import dead_url, ready_web, serving, until

KEY = "callback-key"
OLD_KEY = "old-callback-key"


@dataclass
class RunningTask:
    """A task that KIE works on."""

    task_id: int
    token: str
    provider_task_id: str

    def body(self, **data):
        return {"code": 200, "data": {"taskId": self.provider_task_id, "state": "success", **data}}


@pytest.fixture
async def web(database):
    async with ready_web(database.app_url) as process:
        yield process


@pytest.fixture
async def keyed_web(database):
    async with ready_web(database.app_url, KIE_WEBHOOK_HMAC_KEY=f"{KEY},{OLD_KEY}") as process:
        yield process


@pytest.fixture
async def task(app):
    return await a_running_task(app)


async def a_running_task(app):
    task_id = await make_task(app, await make_user(app, available=1000))
    await submit(app, task_id)
    # Not due for long: the sweeper of the process must not ring for it.
    await app.execute("UPDATE tasks SET due_at = now() + interval '1 day'")
    row = await app.fetchrow("SELECT * FROM tasks WHERE task_id = $1", task_id)
    return RunningTask(task_id, row["callback_token"], row["provider_task_id"])


def signed(provider_task_id, *, key=KEY, age_s=0):
    """Write KIE's headers, as its documentation describes them."""
    stamp = str(int(datetime.now(UTC).timestamp()) - age_s)
    digest = hmac.new(key.encode(), f"{provider_task_id}.{stamp}".encode(), hashlib.sha256)
    signature = base64.b64encode(digest.digest()).decode()
    return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": signature}


async def test_an_acknowledged_callback_is_durable_and_its_task_is_due(web, owner, task):
    # When KIE says that the task has ended
    status = await web.post_callback(task.token, task.body())

    # Then the callback is kept, the task is due now, and its bell rang
    assert status == 200
    row = await owner.fetchrow("SELECT * FROM callbacks")
    assert (row["task_id"], row["provider_task_id"]) == (task.task_id, task.provider_task_id)
    assert row["matches"]
    due_at = await owner.fetchval("SELECT due_at FROM tasks")
    assert (datetime.now(UTC) - due_at).total_seconds() < 60
    assert web.bells.rung == [SettleTasks((task.task_id,))]


async def test_a_repeat_is_acknowledged(web, task):
    statuses = [await web.post_callback(task.token, task.body()) for _ in range(3)]
    assert statuses == [200, 200, 200]


async def test_an_unknown_token_is_refused(web, owner, task):
    for token in ("nobody", task.token + "x", "%00", "x" * 500):
        assert await web.post_callback(token, task.body()) == 403
    assert await owner.fetchval("SELECT count(*) FROM callbacks") == 0
    assert web.bells.rung == []


async def test_w11_a_task_id_that_is_not_the_tokens_is_kept_and_reported(web, owner, task):
    # When the token's task is said to be another one
    status = await web.post_callback(task.token, {"data": {"taskId": "another"}})

    # Then KIE need not repeat it, and nobody acts on it
    assert status == 200
    row = await owner.fetchrow("SELECT provider_task_id, matches FROM callbacks")
    assert (row["provider_task_id"], row["matches"]) == ("another", False)
    assert web.bells.rung == []
    _, page = await web.get("/metrics")
    assert 'kartina_callbacks_total{outcome="mismatched"}' in page


async def test_a_callback_before_our_own_answer_is_kept_as_a_hint(web, owner, app):
    # Given a task whose createTask has not been answered
    task_id = await make_task(app, await make_user(app, available=1000))
    await app.execute("UPDATE tasks SET due_at = now() + interval '1 day'")
    token = await app.fetchval("SELECT callback_token FROM tasks WHERE task_id = $1", task_id)

    # When KIE reports its end
    status = await web.post_callback(token, {"data": {"taskId": "kie-early"}})

    # Then the id is kept with it, and it counts as the task's
    assert status == 200
    row = await owner.fetchrow("SELECT provider_task_id, matches FROM callbacks")
    assert (row["provider_task_id"], row["matches"]) == ("kie-early", True)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"taskId": "here"}},
        {"data": {"task_id": "here"}},
        {"taskId": "here"},
        {"task_id": "here", "data": "text"},
        {"data": {"taskId": "here", "task_id": "there"}, "taskId": "elsewhere"},
    ],
)
async def test_the_task_id_is_found_in_any_of_four_places(web, owner, task, body):
    assert await web.post_callback(task.token, body) == 200
    assert await owner.fetchval("SELECT provider_task_id FROM callbacks") == "here"


@pytest.mark.parametrize(
    "body", [[], "text", {}, {"data": None}, {"data": {"taskId": 5}}, {"taskId": "a\x00b"}]
)
async def test_a_callback_that_names_no_task_is_kept_for_its_token(web, owner, task, body):
    assert await web.post_callback(task.token, body) == 200
    assert await owner.fetchval("SELECT provider_task_id IS NULL FROM callbacks")


@pytest.mark.parametrize("body", [b"", b"no json", b"{", b'{"a":"\xff"}', b'{"a":"\x00"}'])
async def test_what_is_not_json_is_refused(web, owner, task, body):
    assert await web.post_callback(task.token, body) == 400
    assert await owner.fetchval("SELECT count(*) FROM callbacks") == 0


async def test_a_body_over_one_mebibyte_is_refused(web, task):
    url = f"{web.base}/kie/callback/{task.token}"
    async with web.client.post(url, data=BytesIO(b" " * (1024 * 1024 + 1))) as answer:
        assert answer.status == 413


async def test_other_methods_are_named_as_wrong(web, task):
    async with web.client.get(f"{web.base}/kie/callback/{task.token}") as answer:
        assert answer.status == 405


async def test_without_postgresql_kie_is_asked_to_come_back():
    async with (
        serving(dead_url()) as web,
        web.client.post(f"{web.base}/kie/callback/token", json={}) as answer,
    ):
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
async def test_with_a_key_a_signed_callback_is_taken(keyed_web, task, key):
    headers = signed(task.provider_task_id, key=key)
    assert await keyed_web.post_callback(task.token, task.body(), **headers) == 200


@pytest.mark.parametrize("age_s", [290, -290])
async def test_clocks_may_differ_by_five_minutes(keyed_web, task, age_s):
    headers = signed(task.provider_task_id, age_s=age_s)
    assert await keyed_web.post_callback(task.token, task.body(), **headers) == 200


async def test_with_a_key_whatever_is_not_signed_right_is_refused(keyed_web, owner, task):
    right = signed(task.provider_task_id)
    wrong = [
        {},
        {"X-Webhook-Timestamp": right["X-Webhook-Timestamp"]},
        {"X-Webhook-Signature": right["X-Webhook-Signature"]},
        signed(task.provider_task_id, key="guessed"),
        signed("another"),
        signed(task.provider_task_id, age_s=320),
        signed(task.provider_task_id, age_s=-320),
        {**right, "X-Webhook-Timestamp": "soon"},
        {**right, "X-Webhook-Timestamp": "-5"},
        {**right, "X-Webhook-Timestamp": "9" * 400},
        {**right, "X-Webhook-Signature": "\u00e9"},
    ]
    for headers in wrong:
        assert await keyed_web.post_callback(task.token, task.body(), **headers) == 403, headers
    # A body without a task id can't be signed at all.
    assert await keyed_web.post_callback(task.token, {}, **signed(None)) == 403
    assert await owner.fetchval("SELECT count(*) FROM callbacks") == 0


async def test_w9_an_altered_body_under_a_right_signature_changes_nothing(keyed_web, owner, task):
    # Given a captured signature: it covers the task's id and the time, not the body
    headers = signed(task.provider_task_id)
    before = await owner.fetchrow("SELECT state, settled_at FROM tasks")

    # When somebody sends another result under it
    forged = task.body(resultJson='{"resultUrls":["https://evil.example/1.png"]}')
    status = await keyed_web.post_callback(task.token, forged, **headers)

    # Then it is a hint to look, and nothing else: state, results and money are as they were
    assert status == 200
    assert await owner.fetchrow("SELECT state, settled_at FROM tasks") == before
    assert await owner.fetchval("SELECT count(*) FROM results") == 0
    assert await owner.fetchval("SELECT count(*) FROM holds WHERE resolved_at IS NULL") == 1


async def test_w12_a_burst_of_callbacks_leaves_room_for_updates(web, owner, task):
    # Given 500 callbacks at once
    burst = [web.post_callback(task.token, task.body(n=number)) for number in range(500)]
    flood = asyncio.gather(*burst)

    # When a person writes in the middle of it
    message = {"update_id": 1, "message": {"chat": {"id": 7}, "text": "/start"}}
    status = await web.post_update(message)
    was_first = not flood.done()

    # Then the update is kept before the burst has been, and no callback is lost
    assert status == 200
    assert was_first
    statuses = await flood
    assert set(statuses) <= {200, 503}
    assert await owner.fetchval("SELECT count(*) FROM callbacks") == statuses.count(200)


async def test_w12_callbacks_that_wait_for_a_row_leave_connections_for_updates(web, owner, task):
    # Given a task whose row is held by a worker, and more callbacks for it than connections
    async with owner.transaction():
        await owner.execute("SELECT FROM tasks WHERE task_id = $1 FOR UPDATE", task.task_id)
        burst = asyncio.gather(*(web.post_callback(task.token, task.body()) for _ in range(50)))
        await until(lambda: count_waiting(owner))

        # When people write meanwhile, one after the other, then each update is kept at once
        for update_id in range(10):
            assert await web.post_update({"update_id": update_id}) == 200
        assert not burst.done()

    # And the callbacks are kept as soon as the worker is done
    assert set(await burst) == {200}


async def count_waiting(owner):
    """Count the web's connections that wait for a row."""
    return await owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'kartina web' AND wait_event_type = 'Lock'"
    )
