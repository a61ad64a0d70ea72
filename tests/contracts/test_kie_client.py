"""Our KIE client against the stub and against silence: every row of the fact sheet it meets."""

import asyncio
import json
import traceback
from datetime import timedelta
from decimal import Decimal

import pytest
import structlog

from service.errors import PermanentError, TransientError
from service.gateways.kie import KieClient
from service.ports import (
    Kie,
    KieAwayError,
    KieBusyError,
    KieRefusedError,
    KieUnknownOutcomeError,
    TaskState,
)
from service.stubs.kie_control import Limits
from service.stubs.kie_server import KieStub, KieStubOptions
from tests.contracts.canned_peer import canned_peer

KEY = "kie-secret-key"
APPLE = {"prompt": "a red apple", "aspect_ratio": "1:1"}
CALLBACK = "http://127.0.0.1:9/kie/callback/token"


@pytest.fixture
async def stub():
    options = KieStubOptions(
        api_key=KEY, time_factor=0.0005, creates_per_10s=1000, reads_per_s=1000, credits=100
    )
    async with KieStub(options) as running:
        yield running


@pytest.fixture
async def unhurried_stub():
    """A stub whose limits count in real seconds."""
    async with KieStub(KieStubOptions(api_key=KEY)) as running:
        yield running


@pytest.fixture
async def peer():
    async with canned_peer() as running:
        yield running


@pytest.fixture
async def client(stub):
    async with KieClient(stub.url, KEY, create_s=2) as made:
        yield made


async def create(client, *, callback_url=None):
    return await client.create_task("z-image", APPLE, callback_url=callback_url)


async def ended(stub, client):
    """Create a task, let it end, and read it."""
    task_id = await create(client)
    stub.finish(task_id)
    async with asyncio.timeout(10):
        await stub.idle()
    return task_id, await client.read_task(task_id)


async def error_of_create(client):
    with pytest.raises((TransientError, PermanentError)) as caught:
        await create(client)
    return caught.value


async def test_the_client_is_a_kie(client):
    # Given the port, When asked, Then the client keeps its shape
    assert isinstance(client, Kie)


async def test_a_task_is_made_and_ends_with_its_result(stub, client):
    # Given a task with a callback address
    task_id = await create(client, callback_url=CALLBACK)

    # When it has ended
    stub.finish(task_id)
    async with asyncio.timeout(10):
        await stub.idle()
    report = await client.read_task(task_id)

    # Then the report holds the result, the credits and the address with the token
    assert report.state is TaskState.SUCCEEDED
    assert report.urls == tuple(stub.tasks[task_id].result_urls)
    assert report.credits_consumed == Decimal("0.8")
    assert report.callback_url == CALLBACK
    assert stub.tasks[task_id].input == APPLE


async def test_credits_are_read(stub, client):
    # Given a balance, When it is read, Then it is exact
    assert await client.read_credits() == Decimal(100)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("T5:field", "invalid"),
        ("T6:402", "no-credit"),
        ("T6:429", "no-credit"),
        ("T6:500", "no-credit"),
        ("T26:disabled", "unavailable"),
        ("T26:removed", "unavailable"),
        ("T27:create", "bad-key"),
    ],
)
async def test_a_refused_create_says_why_and_made_nothing(stub, client, row, reason):
    # Given a KIE that refuses
    stub.script(row)

    # When a task is created
    error = await error_of_create(client)

    # Then the reason is the key of a text, and there is no task
    assert isinstance(error, KieRefusedError)
    assert error.reason == reason
    assert stub.tasks == {}


@pytest.mark.parametrize("row", ["T3:retry_after", "T3:bare", "T26:paused", "T34"])
async def test_a_busy_kie_is_tried_again_later(stub, client, row):
    # Given a KIE that asks to come later
    stub.script(row)

    # When a task is created
    error = await error_of_create(client)

    # Then it may be tried again, at the named time if there was one
    assert isinstance(error, KieBusyError)
    assert error.retry_after == (timedelta(seconds=1) if row == "T3:retry_after" else None)
    assert stub.tasks == {}


@pytest.mark.parametrize("style", ["body", "http", "http_retry_after"])
async def test_the_rate_limit_is_busy_in_each_spelling(unhurried_stub, style):
    # Given a KIE that allows one create and one read
    unhurried_stub.set_limits(Limits(creates_per_10s=1, reads_per_s=1, style=style))
    async with KieClient(unhurried_stub.url, KEY) as client:
        task_id = await create(client)
        await client.read_task(task_id)

        # When more are made, Then both are busy
        with pytest.raises(KieBusyError):
            await create(client)
        with pytest.raises(KieBusyError):
            await client.read_task(task_id)


@pytest.mark.parametrize(
    ("row", "tasks"),
    [("T1:create", 0), ("T5:server", 0), ("T28:502", 0), ("T28:1010", 0),
     ("T25:reset", 1), ("T25:502", 1)],
)  # fmt: skip
async def test_an_ambiguous_create_is_unknown_and_never_sent_again(stub, client, row, tasks):
    # Given a KIE whose answer does not say whether there is a task
    stub.script(row)

    # When a task is created
    error = await error_of_create(client)

    # Then it is unknown, and the client sent it once
    assert isinstance(error, KieUnknownOutcomeError)
    assert len(stub.tasks) == tasks


async def test_a_create_that_times_out_is_unknown(peer):
    # Given a KIE that never answers
    async with KieClient(peer.url, KEY, create_s=0.2, read_s=0.2) as client:
        # When a task is created and another read
        error = await error_of_create(client)
        with pytest.raises(KieAwayError):
            await client.read_task("t")

    # Then the create is unknown and was sent once
    assert isinstance(error, KieUnknownOutcomeError)
    assert sum(b"createTask" in request for request in peer.requests) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://[::bad"]
)
async def test_a_kie_that_was_not_reached_is_away(address):
    # Given an address where nobody listens
    async with KieClient(address, KEY) as client:
        # When a task is created and another read
        error = await error_of_create(client)
        with pytest.raises(KieAwayError) as caught:
            await client.read_credits()

    # Then nothing can have been made, and the key is in no text
    assert isinstance(error, KieAwayError)
    for one in (error, caught.value):
        assert KEY not in "".join(traceback.format_exception(one))


async def test_a_plain_server_on_a_tls_address_is_not_reached(peer):
    # Given an https address behind which nobody speaks TLS
    peer.cut()
    async with KieClient(peer.url.replace("http:", "https:"), KEY, connect_s=0.5) as client:
        # When a task is created, Then it can't have arrived
        assert isinstance(await error_of_create(client), KieAwayError)


async def test_each_create_has_a_fresh_connection_and_says_who_we_are(peer):
    # Given a KIE that would keep connections
    peer.keeps_connections = True
    for task_id in ("one", "two"):
        peer.say(200, {"code": 200, "data": {"taskId": task_id}})

    # When two tasks are created
    async with KieClient(f"{peer.url}/", KEY) as client:
        given = [await create(client) for _ in range(2)]

    # Then both arrived on connections of their own, as KIE wants to see them
    assert given == ["one", "two"]
    assert peer.connections == 2
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/jobs/createTask HTTP/1.1")
    assert b"User-Agent: Kartina/" in head
    assert f"Authorization: Bearer {KEY}".encode() in head
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"model": "z-image", "input": APPLE}


async def test_input_numbers_stay_numbers_and_a_task_id_stays_one_parameter(peer):
    # Given an exact decimal in the input, and a task id with odd characters
    peer.say(200, {"code": 200, "data": {"taskId": "a&b=c/d"}})
    peer.say(422, {"code": 422, "msg": "recordInfo is null"})

    # When both go out
    async with KieClient(peer.url, KEY) as client:
        task_id = await client.create_task(
            "m", {"strength": Decimal("0.75")}, callback_url=CALLBACK
        )
        report = await client.read_task(task_id)

    # Then KIE sees a number, the address and the whole id
    assert b'"strength":0.75' in peer.requests[0]
    assert json.loads(peer.requests[0].partition(b"\r\n\r\n")[2])["callBackUrl"] == CALLBACK
    assert b"?taskId=a%26b%3Dc/d " in peer.requests[1]
    assert report.state is TaskState.MISSING


@pytest.mark.parametrize(("row", "polls"), [("T7", 2), ("T8", 2)])
async def test_a_fresh_record_is_missing_then_normal(stub, client, row, polls):
    # Given a task whose record is late
    stub.script(row)
    task_id = await create(client)

    # When it is read again and again
    states = [(await client.read_task(task_id)).state for _ in range(polls + 1)]

    # Then it is missing first
    assert states[:polls] == [TaskState.MISSING] * polls
    assert states[polls] in {TaskState.RUNNING, TaskState.SUCCEEDED}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("T2", KieBusyError),
        ("T1:record", KieAwayError),
        ("T27:record", KieRefusedError),
        ("T28:record", KieAwayError),
        ("T28:record1010", KieAwayError),
    ],
)
async def test_a_failed_read_says_nothing_of_the_task(stub, client, row, expected):
    # Given a task whose record can't be read for a while
    stub.script(row)
    task_id = await create(client)

    # When it is read, Then the call failed, not the task
    with pytest.raises(expected):
        await client.read_task(task_id)


async def test_one_poll_a_second_and_the_next_is_busy(unhurried_stub):
    # Given a task that may be polled once a second
    unhurried_stub.script("T4")
    async with KieClient(unhurried_stub.url, KEY) as client:
        task_id = await create(client)

        # When it is polled several times at once
        polls = [client.read_task(task_id) for _ in range(4)]
        answers = await asyncio.gather(*polls, return_exceptions=True)

    # Then some are asked to wait
    assert any(isinstance(one, KieBusyError) for one in answers)


@pytest.mark.parametrize("variant", ["empty", "braces", "null", "broken", "no_urls", "none"])
async def test_a_success_without_results_is_told_as_such(stub, client, variant):
    # Given a task that succeeds without addresses
    stub.script(f"T17:{variant}")

    # When it is read
    _, report = await ended(stub, client)

    # Then the flow sees a success with nothing in it
    assert (report.state, report.urls) == (TaskState.SUCCEEDED, ())


@pytest.mark.parametrize(
    "row",
    ["T18:object", "T18:resultObject", "T18:resultImageUrl", "T20:6", "T29", "T29:msg",
     "T30:seconds", "T30:milliseconds", "T30:old", "T31"],
)  # fmt: skip
async def test_a_success_in_an_odd_shape_is_a_success(stub, client, row):
    # Given a task with an odd record
    stub.script(row)

    # When it has ended
    task_id, report = await ended(stub, client)

    # Then all its results are there
    assert report.state is TaskState.SUCCEEDED
    assert report.urls == tuple(stub.tasks[task_id].result_urls)


async def test_a_state_nobody_knows_is_unknown(stub, client):
    # Given a running task with a new word for its state
    stub.script("T29:state T9")
    task_id = await create(client)

    # When it is read, Then it is unknown
    assert (await client.read_task(task_id)).state is TaskState.UNKNOWN


@pytest.mark.parametrize(
    ("variant", "state"),
    [("success", TaskState.SUCCEEDED), ("generating", TaskState.RUNNING)],
)
async def test_results_that_lag_are_not_there_yet(stub, client, variant, state):
    # Given a task whose addresses lag
    stub.script(f"T19:{variant}*1")

    # When it is read twice
    task_id, first = await ended(stub, client)
    second = await client.read_task(task_id)

    # Then the second look finds them
    assert (first.state, first.urls) == (state, ())
    assert second.urls == tuple(stub.tasks[task_id].result_urls)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("T6:late", "no-credit"),
        ("T22:content", "moderated"),
        ("T22:openai", "moderated"),
        ("T22:policy", "moderated"),
        ("T22:flagged", "moderated"),
        ("T22:word", "moderated"),
        ("T23", "image"),
        ("T32", "image"),
        ("T24", "provider"),
        ("T9:fail", "provider"),
        ("T9:408", "provider"),
    ],
)
async def test_a_failed_task_says_why(stub, client, row, reason):
    # Given a task that fails
    stub.script(row)

    # When it has ended
    _, report = await ended(stub, client)

    # Then its reason is the key of a text, and nothing was charged
    assert (report.state, report.fail_reason) == (TaskState.FAILED, reason)
    assert report.fail_message
    assert report.credits_consumed == 0


async def test_a_stuck_task_is_running(stub, client):
    # Given a task that never ends
    stub.script("T9:waiting")
    task_id = await create(client)

    # When it is read, Then it runs
    assert (await client.read_task(task_id)).state is TaskState.RUNNING


async def test_a_key_that_was_rotated_is_refused(stub, client):
    # Given a task, and a key that changes in the middle
    task_id = await create(client)
    stub.rotate_api_key("another")

    # When anything is asked, Then the key is the reason
    for call in (create(client), client.read_task(task_id), client.read_credits()):
        with pytest.raises(KieRefusedError) as caught:
            await call
        assert caught.value.reason == "bad-key"


async def test_dry_run_reads_but_makes_nothing(stub):
    # Given a client that must not write
    async with KieClient(stub.url, KEY, dry_run=True) as client:
        # When it reads and writes
        with structlog.testing.capture_logs() as events:
            left = await client.read_credits()
            error = await error_of_create(client)

    # Then the write is one log line without payload
    assert left == 100
    assert isinstance(error, KieRefusedError)
    assert error.reason == "dry_run"
    assert events == [
        {"event": "dry_run_call", "peer": "kie", "method": "createTask", "log_level": "info"}
    ]
    assert stub.tasks == {}


async def test_each_call_is_observed_with_its_outcome(stub):
    # Given an observer
    seen = []
    async with KieClient(stub.url, KEY, observe=lambda *call: seen.append(call[:3])) as client:
        # When calls end in different ways
        stub.script("", "T3:retry_after", "T5:server", "T5:field")
        for _ in range(4):
            try:
                await create(client)
            except (TransientError, PermanentError):
                continue
        await client.read_credits()

    # Then each was counted under its outcome
    assert seen == [
        ("kie", "createTask", "ok"),
        ("kie", "createTask", "busy"),
        ("kie", "createTask", "unknown"),
        ("kie", "createTask", "refused"),
        ("kie", "credit", "ok"),
    ]
