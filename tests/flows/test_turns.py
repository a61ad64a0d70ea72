"""Turns: a chat's updates in order, each once, whoever works and whatever breaks."""

import asyncio
import random
from itertools import count

import pytest

from service.bells import HandleChats
from service.flows.take_turn import STEPS_MAX, take_turn
from tests.support.gated_pool import GatedPool
from tests.support.scripted import (
    PATIENCE_S,
    Gate,
    MovableClock,
    ScriptedMessenger,
    ScriptedSpeech,
    keep_updates,
    make_deps,
    say,
)

CHAT = 7


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


async def test_eight_workers_handle_each_chat_in_order_and_each_update_once(deps, speech):
    # Given 200 updates of 10 chats, half of which come while eight workers are busy
    chats = range(1, 11)
    rows = [(update_id, update_id % 10 + 1) for update_id in range(200)]
    await keep_updates(deps, *rows[:100])

    async def worker(seed):
        bells = [chat for chat in chats for _ in range(3)]
        random.Random(seed).shuffle(bells)
        for chat in bells:
            await take_turn(deps, speech, chat)

    async def late_comers():
        for start in range(100, 200, 5):
            await keep_updates(deps, *rows[start : start + 5])
            for chat in {chat for _, chat in rows[start : start + 5]}:
                await take_turn(deps, speech, chat)

    # When all of them work at once
    await asyncio.gather(*(worker(seed) for seed in range(8)), late_comers())

    # Then each chat had its updates in order, each once, and was answered in that order
    for chat in chats:
        expected = [update_id for update_id, owner in rows if owner == chat]
        assert speech.handled[chat] == expected
        assert deps.messenger.said(chat) == [str(update_id) for update_id in expected]
    assert await deps.pool.fetchval("SELECT count(*) FROM updates WHERE attempts <> 1") == 0


async def test_no_wake_up_is_lost_wherever_in_a_turn_an_update_comes(deps, speech, pool):
    # Given a turn that is held before each of its statements, one after the other
    speech.answer = speech.redraw = True
    points = 0
    for hold_at in count(1):
        gate, chat = Gate(), CHAT + hold_at
        held = make_deps(GatedPool(pool, gate, hold_at=hold_at), messenger=deps.messenger)
        await keep_updates(deps, (2 * hold_at, chat))
        turn = asyncio.create_task(take_turn(held, speech, chat))
        reaching = asyncio.create_task(gate.reached.wait())
        await asyncio.wait({turn, reaching}, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            reaching.cancel()
            break

        # When an update is committed just then, and its bell finds whatever it finds
        await keep_updates(deps, (2 * hold_at + 1, chat))
        await take_turn(deps, speech, chat)
        gate.opened.set()
        await turn

        # Then it was handled and answered without any further bell
        assert speech.handled[chat] == [2 * hold_at, 2 * hold_at + 1], f"held at {hold_at}"
        assert deps.messenger.said(chat) == [str(2 * hold_at), str(2 * hold_at + 1)]
        points += 1
    assert points >= 10


async def test_no_wake_up_is_lost_within_the_transaction_of_an_update(deps, speech, pool):
    # Given a turn that is held in the middle of an update's transaction
    gate = Gate()

    async def hold_first(_, update):
        if update.update_id == 1:
            await gate.hold()

    speech.before = hold_first
    await keep_updates(deps, (1, CHAT))
    turn = asyncio.create_task(take_turn(deps, speech, CHAT))
    await gate.wait_until_reached()

    # When the next update comes, and its bell waits for that transaction
    await keep_updates(deps, (2, CHAT))
    bell = asyncio.create_task(take_turn(deps, speech, CHAT))
    await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
    gate.opened.set()
    await asyncio.gather(turn, bell)

    # Then both are handled, in order
    assert speech.handled[CHAT] == [1, 2]


async def test_no_wake_up_is_lost_when_only_a_message_was_added(deps, speech, pool):
    # Given turns that are held before each of their statements
    for hold_at in count(1):
        gate, chat = Gate(), CHAT + hold_at
        held = make_deps(GatedPool(pool, gate, hold_at=hold_at), messenger=deps.messenger)
        turn = asyncio.create_task(take_turn(held, speech, chat))
        reaching = asyncio.create_task(gate.reached.wait())
        await asyncio.wait({turn, reaching}, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            reaching.cancel()
            break

        # When a message is put into the outbox just then, and rung once
        await say(deps, chat, "news")
        await take_turn(deps, speech, chat)
        gate.opened.set()
        await turn

        # Then it was said once
        assert deps.messenger.said(chat) == ["news"], f"held at {hold_at}"


async def test_a_bell_that_finds_the_chat_taken_leaves_it_at_once(deps, speech, pool):
    # Given a turn that is speaking to Telegram
    gate = Gate()

    async def hold_first(*_):
        if not gate.reached.is_set():
            await gate.hold()

    deps.messenger.during = hold_first
    await keep_updates(deps, (1, CHAT))
    turn = asyncio.create_task(take_turn(deps, speech, CHAT))
    await gate.wait_until_reached()
    token = await pool.fetchval("SELECT lease_token FROM chats")

    # When another update's bell finds the chat taken
    await keep_updates(deps, (2, CHAT))
    await take_turn(deps, speech, CHAT)

    # Then the holder keeps the chat, and handles that update before it goes
    assert token is not None
    assert await pool.fetchval("SELECT lease_token FROM chats") == token
    assert speech.handled[CHAT] == [1]
    gate.opened.set()
    await turn
    assert speech.handled[CHAT] == [1, 2]
    assert await pool.fetchval("SELECT lease_token FROM chats") is None


async def test_who_lost_the_lease_changes_nothing(deps, speech, pool, owner):
    # Given a turn that claimed an update and is about to handle it
    gate = Gate()
    held = make_deps(GatedPool(pool, gate), messenger=deps.messenger)
    await keep_updates(deps, (1, CHAT))
    turn = asyncio.create_task(take_turn(held, speech, CHAT))
    await gate.wait_until_reached()

    # When somebody else gets the chat
    await owner.execute(
        "UPDATE chats SET lease_token = gen_random_uuid(),"
        " lease_until = clock_timestamp() + interval '1 hour'"
    )
    gate.opened.set()
    await turn

    # Then the old holder committed nothing, and the update is as it was
    row = await update_row(pool, 1)
    assert (row["handled_at"], row["attempts"]) == (None, 0)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert speech.handled[CHAT] == []
    # And the new one handles it at once
    await owner.execute("UPDATE chats SET lease_until = clock_timestamp() - interval '1 s'")
    await take_turn(deps, speech, CHAT)
    assert speech.handled[CHAT] == [1]


async def test_an_update_that_somebody_else_finished_takes_no_second_effect(
    deps, speech, pool, owner
):
    # Given a turn that is about to handle an update
    gate = Gate()
    await keep_updates(deps, (1, CHAT))

    # When it finds at the end that the update is finished already
    held = make_deps(GatedPool(pool, gate), messenger=deps.messenger)
    turn = asyncio.create_task(take_turn(held, speech, CHAT))
    await gate.wait_until_reached()
    await owner.execute("UPDATE updates SET handled_at = now()")
    gate.opened.set()
    await turn

    # Then nothing that it wanted to change was changed
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert deps.messenger.calls == []


async def test_a_lease_that_ran_out_is_taken_over_and_order_is_kept(deps, speech, owner):
    # Given a turn that hangs in a call to Telegram until its lease ran out
    gate = Gate()

    async def hang_first(_, parameters):
        if parameters["text"] == "1":
            await gate.hold()

    deps.messenger.during = hang_first
    await keep_updates(deps, (1, CHAT))
    turn = asyncio.create_task(take_turn(deps, speech, CHAT))
    await gate.wait_until_reached()
    await owner.execute("UPDATE chats SET lease_until = clock_timestamp() - interval '1 s'")

    # When another update comes
    await keep_updates(deps, (2, CHAT))
    await take_turn(deps, speech, CHAT)

    # Then another turn handles it, and speaks only after the first has spoken
    assert speech.handled[CHAT] == [1, 2]
    assert deps.messenger.said(CHAT) == []
    gate.opened.set()
    await turn
    assert deps.messenger.said(CHAT) == ["1", "2"]


async def test_a_flooded_chat_goes_to_the_end_of_the_queue(deps, speech):
    # Given a chat with more updates than one turn takes
    await keep_updates(deps, *((update_id, CHAT) for update_id in range(STEPS_MAX + 1)))

    # When it takes its turn
    await take_turn(deps, speech, CHAT)

    # Then it stops there, rings for itself, and the next turn does the rest
    assert len(speech.handled[CHAT]) == STEPS_MAX
    assert deps.bells.rung == [HandleChats((CHAT,))]
    await take_turn(deps, speech, CHAT)
    assert speech.handled[CHAT] == list(range(STEPS_MAX + 1))
    assert len(deps.bells.rung) == 1


async def test_an_update_that_comes_late_is_handled_on_arrival(deps, speech):
    # Given a chat whose second update was handled
    await keep_updates(deps, (2, CHAT))
    await take_turn(deps, speech, CHAT)

    # When the first comes after it, and comes again
    await keep_updates(deps, (1, CHAT))
    await take_turn(deps, speech, CHAT)
    await keep_updates(deps, (1, CHAT), (2, CHAT))
    await take_turn(deps, speech, CHAT)

    # Then it is handled as soon as it is there, once
    assert speech.handled[CHAT] == [2, 1]


async def test_two_clocks_and_two_holders_never_meet_in_one_chat(pool):
    # Given two processes with clocks of their own
    early, late = make_deps(pool), make_deps(pool, clock=MovableClock())
    late.clock.move(5)
    messenger = ScriptedMessenger()
    working = 0

    async def count_workers(_, __):
        nonlocal working
        working += 1
        assert working == 1
        await asyncio.sleep(0)
        working -= 1

    speeches = [ScriptedSpeech(deps, before=count_workers) for deps in (early, late)]
    await keep_updates(early, *((update_id, CHAT) for update_id in range(30)))

    # When both are rung for the same chat again and again
    async def ring(deps, speech):
        for _ in range(10):
            await take_turn(make_deps(pool, messenger=messenger, clock=deps.clock), speech, CHAT)

    await asyncio.gather(ring(early, speeches[0]), ring(late, speeches[1]))

    # Then never more than one of them worked on it
    assert messenger.said(CHAT) == [str(update_id) for update_id in range(30)]
