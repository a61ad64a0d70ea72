"""The outbox: what must be said is said, in order, until it was; what can not hurts nobody."""

import asyncio
from datetime import timedelta

import pytest

from service.errors import TransientError
from service.flows.deps import Call
from service.flows.say_message import ATTEMPTS_MAX
from service.flows.take_turn import take_turn
from service.ports import MessengerRefusedError, UnreachableError
from tests.factories import make_user
from tests.support.scripted import (
    PATIENCE_S,
    Gate,
    ScriptedSpeech,
    keep_updates,
    make_deps,
    say,
)

CHAT = 7
OTHER_CHAT = 8
#: Longer than any wait between two tries.
LATER_S = 300


@pytest.fixture
def deps(pool):
    return make_deps(pool)


@pytest.fixture
def speech(deps):
    return ScriptedSpeech(deps)


async def states(pool, chat_id=CHAT):
    rows = await pool.fetch("SELECT state FROM outbox WHERE chat_id = $1 ORDER BY 1", chat_id)
    return [row["state"] for row in rows]


async def oldest(pool, chat_id=CHAT):
    return await pool.fetchrow(
        "SELECT * FROM outbox WHERE chat_id = $1 ORDER BY outbox_id LIMIT 1", chat_id
    )


async def test_each_chat_hears_everything_once_and_in_order(deps, speech):
    # Given 100 messages for 5 chats, and a Telegram that takes its time
    async def take_time(*_):
        await asyncio.sleep(0)

    deps.messenger.during = take_time
    expected = [f"message {number}" for number in range(20)]
    for chat in range(1, 6):
        await say(deps, chat, *expected)

    # When eight workers are rung for all of them
    async def worker(first):
        for step in range(5):
            await take_turn(deps, speech, (first + step) % 5 + 1)

    await asyncio.gather(*(worker(number) for number in range(8)))

    # Then each chat heard its messages in order, each once
    for chat in range(1, 6):
        assert deps.messenger.said(chat) == expected


async def test_429_parks_the_row_for_the_time_named_and_frees_the_chat(deps, speech, pool):
    # Given a Telegram that asks one chat to wait for 40 s
    deps.messenger.errors = [TransientError("slower", retry_after=timedelta(seconds=40))]
    await say(deps, CHAT, "first", "second")
    await say(deps, OTHER_CHAT, "elsewhere")

    # When the chats take their turns, and an update comes meanwhile
    await take_turn(deps, speech, CHAT)
    await take_turn(deps, speech, OTHER_CHAT)
    await keep_updates(deps, (1, CHAT))
    await take_turn(deps, speech, CHAT)

    # Then the others hear theirs, the update is handled, nothing overtakes what waits
    assert deps.messenger.said(OTHER_CHAT) == ["elsewhere"]
    assert deps.messenger.said(CHAT) == []
    assert speech.handled[CHAT] == [1]
    assert await pool.fetchval("SELECT count(*) FROM chats WHERE lease_token IS NOT NULL") == 0
    # And not before the time was over, all is said in order
    deps.clock.move(38)
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.said(CHAT) == []
    deps.clock.move(3)
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.said(CHAT) == ["first", "second", "1"]


async def test_a_telegram_that_fails_is_asked_until_it_does_it(deps, speech, pool):
    # Given a Telegram that fails more often than any count of tries
    deps.messenger.errors = [TransientError("Telegram failed") for _ in range(20)]
    await say(deps, CHAT, "first", "second")

    # When the chat takes its turn each few seconds
    for _ in range(20):
        await take_turn(deps, speech, CHAT)
        assert deps.messenger.said(CHAT) == []
        deps.clock.move(4)
    await take_turn(deps, speech, CHAT)

    # Then it was said in the end, in order
    assert deps.messenger.said(CHAT) == ["first", "second"]
    assert await states(pool) == ["sent", "sent"]


async def test_403_drops_what_waits_and_marks_the_user_unreachable(deps, speech, pool, app):
    # Given a user who blocked the bot, with three messages waiting
    user_id = await make_user(app)
    deps.messenger.errors = [UnreachableError("Forbidden: bot was blocked by the user")]
    await say(deps, user_id, "first", "second", "third")
    await say(deps, OTHER_CHAT, "elsewhere")

    # When the chats take their turns
    await take_turn(deps, speech, user_id)
    await take_turn(deps, speech, OTHER_CHAT)

    # Then nothing waits for that user any more, and the others heard theirs
    assert await states(pool, user_id) == ["unreachable"] * 3
    assert await pool.fetchval("SELECT unreachable_since FROM users") is not None
    assert deps.messenger.said(user_id) == []
    assert deps.messenger.said(OTHER_CHAT) == ["elsewhere"]
    # And what is said after they came back is heard
    await say(deps, user_id, "welcome back")
    await take_turn(deps, speech, user_id)
    assert deps.messenger.said(user_id) == ["welcome back"]


def an_edit(message):
    parameters = {"chat_id": message.chat_id, **message.content}
    post = Call(method="sendMessage", parameters=parameters)
    return Call(method="editMessageText", parameters=parameters, fallback=post)


async def test_a_refused_edit_becomes_a_new_message(deps, speech, pool):
    # Given a message that is an edit, and a Telegram that can't edit
    speech.views = an_edit
    deps.messenger.errors = [MessengerRefusedError("Bad Request: message can't be edited")]
    await say(deps, CHAT, "done")

    # When it is said, then it comes as a new message
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.calls == [("sendMessage", {"chat_id": CHAT, "text": "done"})]
    assert await states(pool) == ["sent"]


async def test_an_edit_that_changes_nothing_counts_as_said(deps, speech, pool):
    # Given an edit to what stands there already: its first answer was lost
    speech.views = an_edit
    deps.messenger.errors = [
        MessengerRefusedError("Bad Request: message is not modified: specified new content")
    ]
    await say(deps, CHAT, "done", "next")

    # When it is said, then it counts as said and nothing new is posted
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.calls == [("editMessageText", {"chat_id": CHAT, "text": "next"})]
    assert await states(pool) == ["sent", "sent"]


async def test_an_edit_that_fails_for_now_is_tried_again_as_an_edit(deps, speech):
    # Given an edit that Telegram fails at once
    speech.views = an_edit
    deps.messenger.errors = [TransientError("Telegram failed")]
    await say(deps, CHAT, "done")

    # When it is tried again, then it is an edit still
    await take_turn(deps, speech, CHAT)
    deps.clock.move(4)
    await take_turn(deps, speech, CHAT)
    assert [method for method, _ in deps.messenger.calls] == ["editMessageText"]


async def test_what_is_refused_for_good_is_parked_with_its_error(deps, speech, pool):
    # Given a message that Telegram refuses however often it is said
    refusal = "Bad Request: can't parse entities \x00 \ud800"
    deps.messenger.errors = [MessengerRefusedError(refusal)]
    await say(deps, CHAT, "broken", "next")

    # When the chat takes its turn
    await take_turn(deps, speech, CHAT)

    # Then it is parked with Telegram's words, and the next is said
    row = await oldest(pool)
    assert (row["state"], row["error"]) == ("parked", "Bad Request: can't parse entities  ?")
    assert deps.messenger.said(CHAT) == ["next"]


async def test_a_message_without_words_is_parked_and_the_chat_goes_on(deps, speech, pool):
    # Given a message whose view always raises, and an update behind it
    def view(message):
        if message.content["text"] == "broken":
            raise KeyError("generation_id")
        return Call(
            method="sendMessage", parameters={"chat_id": message.chat_id, **message.content}
        )

    speech.views = view
    await say(deps, CHAT, "broken", "next")
    await keep_updates(deps, (1, CHAT))

    # When the chat takes its turns
    await take_turn(deps, speech, CHAT)

    # Then its updates are handled all the same
    assert speech.handled[CHAT] == [1]
    # And after five tries the message is parked, and those behind it are said
    for _ in range(ATTEMPTS_MAX - 1):
        assert deps.messenger.said(CHAT) == []
        deps.clock.move(LATER_S)
        await take_turn(deps, speech, CHAT)
    row = await oldest(pool)
    assert (row["state"], row["error"]) == ("parked", "KeyError: 'generation_id'")
    assert deps.messenger.said(CHAT) == ["next", "1"]


async def test_a_message_that_kills_its_process_is_parked(deps, speech, pool):
    # Given a message at which the process dies, each time
    async def die(_, parameters):
        if parameters["text"] == "killer":
            gate.reached.set()
            await gate.hold()

    deps.messenger.during = die
    await say(deps, CHAT, "killer", "next")
    for _ in range(ATTEMPTS_MAX):
        gate = Gate()
        turn = asyncio.create_task(take_turn(deps, speech, CHAT))
        await gate.wait_until_reached()
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        deps.clock.move(LATER_S)

    # When it is due once more, then it is parked and the next is said
    await take_turn(deps, speech, CHAT)
    row = await oldest(pool)
    assert (row["state"], row["error"]) == ("parked", "saying it killed the process")
    assert deps.messenger.said(CHAT) == ["next"]


async def test_what_was_said_but_not_noted_is_said_again(deps, speech):
    # Given a process that dies between Telegram's answer and the row
    async def die_after(_, parameters):
        deps.messenger.calls.append(("sendMessage", parameters))
        raise asyncio.CancelledError

    deps.messenger.during = die_after
    await say(deps, CHAT, "paid", "next")
    async with asyncio.timeout(PATIENCE_S):
        turn = asyncio.create_task(take_turn(deps, speech, CHAT))
        await asyncio.wait({turn})
    assert turn.cancelled()

    # When the message is due again, then it is said again: at least once, never not at all
    deps.messenger.during = None
    deps.clock.move(LATER_S)
    await take_turn(deps, speech, CHAT)
    assert deps.messenger.said(CHAT) == ["paid", "paid", "next"]


async def test_against_telegram_itself_everything_arrives_in_order(rig):
    # Given a Telegram that asks to wait once, fails twice and loses an answer
    ann = rig.person()
    await ann.say("/start")
    await ann.wait_for(lambda m: m.from_bot)
    rig.telegram.faults.too_many_requests(retry_after_s=1, chat_id=ann.user_id, times=1)
    rig.telegram.faults.server_error(method="sendMessage", chat_id=ann.user_id, times=2)
    rig.telegram.faults.cut_before(method="sendMessage", chat_id=ann.user_id, times=1)

    # When the user asks for three things at once
    for command in ("/id", "/help", "/balance"):
        await ann.say(command)

    # Then the answers come, in that order
    await ann.wait_for(lambda m: "You can spend" in (m.text or ""), timeout_s=20)
    answers = [m.text for m in ann.messages if m.from_bot][1:]
    assert len(answers) == 3
    assert str(ann.user_id) in answers[0]
    assert "You can spend" in answers[2]


async def test_who_blocked_the_bot_is_left_alone_until_they_write_again(rig):
    # Given a user who asks for something and blocks the bot before the answer
    ann, bob = rig.person(), rig.person(first_name="Bob")
    await ann.say("/start")
    await ann.wait_for(lambda m: m.from_bot)
    await ann.say("/help")
    ann.block()

    # When the answer can't be sent, then the user counts as unreachable, and others don't care
    await rig.until("SELECT count(*) = 0 FROM updates WHERE handled_at IS NULL")
    await rig.until("SELECT count(*) = 0 FROM outbox WHERE state = 'due'")
    await bob.say("/start")
    await bob.wait_for(lambda m: "Bob" in (m.text or ""))

    # And when they write again, they are answered and reachable
    ann.unblock()
    await ann.say("/balance")
    await ann.wait_for(lambda m: "You can spend" in (m.text or ""))
    await rig.until("SELECT unreachable_since IS NULL FROM users WHERE user_id = $1", ann.user_id)
