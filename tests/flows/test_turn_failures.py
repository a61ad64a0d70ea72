"""Turns that go wrong: what a poisonous update, a dying process or the database may do."""

import asyncio

import pytest

from service.flows.take_turn import ATTEMPTS_MAX, take_turn
from service.ports import MessengerRefusedError
from tests.support.scripted import PATIENCE_S, Gate, ScriptedSpeech, keep_updates, make_deps

CHAT = 7
OTHER_CHAT = 8
#: Longer than any wait between two tries.
LATER_S = 60


@pytest.fixture
def deps(pool):
    return make_deps(pool)


@pytest.fixture
def speech(deps):
    return ScriptedSpeech(deps)


async def update_row(pool, update_id):
    return await pool.fetchrow("SELECT * FROM updates WHERE update_id = $1", update_id)


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_w5_a_handler_that_always_raises_is_parked_and_the_chat_goes_on(deps, speech, pool):
    # Given an update whose handler always raises, with words that no database holds
    async def break_first(_, update):
        if update.update_id == 1:
            raise ValueError("poison \x00 \ud800")

    speech.before = break_first
    await keep_updates(deps, (1, CHAT), (2, CHAT), (3, OTHER_CHAT))

    # When it is tried again and again
    waits = []
    for _ in range(ATTEMPTS_MAX):
        await take_turn(deps, speech, CHAT)
        await take_turn(deps, speech, OTHER_CHAT)
        row = await update_row(pool, 1)
        waits.append(round((row["due_at"] - deps.now()).total_seconds()))
        assert speech.handled[OTHER_CHAT] == [3]
        if row["parked_at"] is None:
            assert speech.handled[CHAT] == []
        deps.clock.move(LATER_S)

    # Then it was tried five times with growing waits and is parked with its error
    row = await update_row(pool, 1)
    assert row["attempts"] == ATTEMPTS_MAX
    assert waits[:4] == [1, 2, 4, 8]
    assert row["error"] == "ValueError: poison  ?"
    assert row["parked_at"] is not None
    # And the user heard so once, and the chat went on
    assert deps.messenger.said(CHAT) == ["sorry", "2"]
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.said(CHAT) == ["sorry", "2"]


async def test_an_update_that_kills_its_process_is_parked(deps, speech, pool):
    # Given an update at which the process dies, each time
    gates = iter([Gate() for _ in range(ATTEMPTS_MAX)])

    async def die(_, update):
        if update.update_id == 1:
            await next(gates).hold()

    speech.before = die
    await keep_updates(deps, (1, CHAT), (2, CHAT))
    for number in range(1, ATTEMPTS_MAX + 1):
        turn = asyncio.create_task(take_turn(deps, speech, CHAT))
        await until(lambda n=number: _was_tried(pool, n))
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        assert turn.cancelled()
        deps.clock.move(LATER_S)

    # When it is due once more
    await take_turn(deps, speech, CHAT)

    # Then it is not tried again, but parked, and the chat goes on
    row = await update_row(pool, 1)
    assert row["parked_at"] is not None
    assert row["error"] == "the process was killed"
    assert deps.messenger.said(CHAT) == ["sorry", "2"]


async def _was_tried(pool, times):
    return await pool.fetchval("SELECT attempts = $1 FROM updates WHERE update_id = 1", times)


async def test_a_database_that_fails_is_no_fault_of_the_update(deps, speech, pool):
    # Given a database that drops the connection in the middle, more often than tries are allowed
    drops = ATTEMPTS_MAX + 2

    async def drop(db, _):
        nonlocal drops
        drops -= 1
        if drops >= 0:
            await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    speech.before = drop
    await keep_updates(deps, (1, CHAT))

    # When the update is tried until the database is well
    for _ in range(ATTEMPTS_MAX + 2):
        await take_turn(deps, speech, CHAT)
        row = await update_row(pool, 1)
        assert (row["attempts"], row["handled_at"], row["parked_at"]) == (0, None, None)
        assert row["error"] is not None
        deps.clock.move(LATER_S)
    await take_turn(deps, speech, CHAT)

    # Then it was handled, and nobody was told to be sorry
    assert deps.messenger.said(CHAT) == ["1"]
    assert (await update_row(pool, 1))["error"] is None


async def test_a_statement_that_always_takes_too_long_is_the_updates_fault(deps, speech, pool):
    # Given an update with a statement that the server breaks off each time
    async def take_long(db, _):
        await db.execute("SET LOCAL statement_timeout = '1ms'")
        await db.execute("SELECT pg_sleep(1)")

    speech.before = take_long
    await keep_updates(deps, (1, CHAT))

    # When it is tried again and again
    for _ in range(ATTEMPTS_MAX):
        await take_turn(deps, speech, CHAT)
        deps.clock.move(LATER_S)

    # Then it is parked instead of holding up the chat for ever
    assert (await update_row(pool, 1))["error"].startswith("QueryCanceledError")
    assert deps.messenger.said(CHAT) == ["sorry"]


async def test_nobody_is_sorry_in_a_group(deps, speech, pool):
    # Given a poisonous update of a group
    async def break_all(_, __):
        raise ValueError("poison")

    speech.before = break_all
    await keep_updates(deps, (1, -5))

    # When it is parked
    for _ in range(ATTEMPTS_MAX):
        await take_turn(deps, speech, -5)
        deps.clock.move(LATER_S)

    # Then the group hears nothing
    assert (await update_row(pool, 1))["parked_at"] is not None
    assert deps.messenger.calls == []


async def test_answers_and_redraws_that_fail_are_lost_without_harm(deps, speech, pool):
    # Given a Telegram that refuses to answer a button, and to redraw
    speech.answer = speech.redraw = True
    deps.messenger.errors = [_refused(), None, _refused()]
    await keep_updates(deps, (1, CHAT), (2, CHAT))

    # When the chat takes its turn
    await take_turn(deps, speech, CHAT)

    # Then what had to be said was said, after the answer and before the redraw
    assert deps.messenger.said(CHAT) == ["1", "2"]
    methods = [method for method, _ in deps.messenger.calls]
    assert methods == ["sendMessage", "answerCallbackQuery", "sendMessage", "editMessageText"]


def _refused():
    return MessengerRefusedError("Bad Request: query is too old")
