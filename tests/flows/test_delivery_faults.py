"""Deliveries that meet trouble: each comes in the end, or ends with words, and the money stays."""

import asyncio

import pytest

from actors.runtime import Runtime
from service.flows.deliver_results import deliver_results
from tests.support.bringing import address, calls, delivery, hurry, labels, until_delivery, uploads
from tests.support.orders import buy, spendable
from tests.support.rig import PATIENCE_S, start_rig

WAITS = "state = 'due' AND attempts = 0 AND error IS NOT NULL"
STUCK = "Ready, but it can't be delivered yet"
UNDELIVERED = "Ready, but it could not be delivered"
PRICE_KOPECKS = 80


class NoBells:
    """Rings nothing: whoever is woken is woken by the test or by the sweeper."""

    def ring_soon(self, bell):
        """Do nothing."""


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for all tests here: each speaks as somebody new."""
    folder = tmp_path_factory.mktemp("rig")
    async with databases.clone() as database, start_rig(database, folder) as started:
        yield started


@pytest.fixture(scope="module")
async def other_worker(rig):
    """The parts of a second worker on the same database, for calling flows ourselves."""
    runtime = Runtime(rig.settings, bells=NoBells())
    await runtime.open()
    yield runtime
    await runtime.close()


async def test_429_lets_the_row_wait_and_the_chat_go_on(rig):
    # Given a Telegram that asks to wait with the picture (W13)
    ann = rig.person()
    fault = rig.telegram.faults.too_many_requests(
        retry_after_s=2, method="sendPhoto", chat_id=ann.user_id
    )
    order = await buy(rig, "a queue", person=ann)
    await until_delivery(order, f"{WAITS} AND due_at > now() + interval '0.2 s'")

    # When the user talks on meanwhile
    await ann.say("/balance")
    answer = await ann.wait_for(lambda each: "You can spend" in (each.text or ""))

    # Then the answer came first, then the picture, once
    await order.delivered()
    assert fault.struck == 1
    assert answer.message_id < order.pictures[0].message_id
    assert len(calls(order, "sendPhoto")) == 1
    assert (await delivery(order))["state"] == "sent"


async def test_a_user_who_blocked_the_bot_gets_the_picture_when_back(rig):
    # Given somebody who blocks the bot while the picture is drawn
    order = await buy(rig, "a door [[latency:20]]")
    order.person.block()

    # When the picture is ready
    await until_delivery(order, f"{WAITS} AND error = 'unreachable'")

    # Then the user is marked, and the delivery is kept for long
    query = "SELECT unreachable_since IS NOT NULL FROM users WHERE user_id = $1"
    assert await rig.fetchval(query, order.person.user_id)
    assert order.pictures == []

    # And when they are back, it comes at once
    order.person.unblock()
    await order.delivered()
    assert len(order.pictures) == 1
    assert not await rig.fetchval(query, order.person.user_id)


async def test_a_user_who_starts_again_gets_what_waited(rig):
    # Given a picture that could not be brought, and no word from Telegram about an unblocking
    ann = rig.person()
    rig.telegram.faults.blocked(method="sendPhoto", chat_id=ann.user_id)
    order = await buy(rig, "a letter", person=ann)
    await until_delivery(order, f"{WAITS} AND error = 'unreachable'")

    # When the user writes to the bot, Then the picture comes
    await ann.say("/start")
    await order.delivered()
    assert len(order.pictures) == 1


async def test_a_user_who_is_back_does_not_get_a_second_copy_of_what_is_on_its_way(rig):
    # Given a picture that is being sent right now
    ann = rig.person()
    rig.telegram.faults.hang(method="sendPhoto", chat_id=ann.user_id)
    order = await buy(rig, "a bridge", person=ann)
    await until_delivery(order, "state = 'due' AND attempts = 1")

    # When the user blocks and unblocks the bot meanwhile
    ann.block()
    ann.unblock()
    await rig.telegram.delivery.wait_idle()
    await rig.until("SELECT bool_and(handled_at IS NOT NULL) FROM updates")

    # Then nobody else takes the delivery, and it comes once
    assert (await delivery(order))["attempts"] == 1
    await until_delivery(order, "due_at > now()")
    rig.telegram.faults.clear()
    await order.delivered()
    assert len(calls(order, "sendPhoto")) == 1


@pytest.mark.parametrize(
    ("fault", "copies"), [("server_error", 1), ("cut_before", 1), ("cut_after", 2)]
)
async def test_a_lost_call_is_made_again(rig, fault, copies):
    # Given a call that is lost, before or after it took effect
    ann = rig.person()
    getattr(rig.telegram.faults, fault)(method="sendPhoto", chat_id=ann.user_id)

    # When a picture is brought, Then it comes, at least once: nobody can know that it had come
    order = await buy(rig, "a parcel", person=ann)
    await order.delivered()
    assert len(order.pictures) == copies
    assert [message.media.sha256 for message in order.pictures[1:]] == [
        message.media.sha256 for message in order.pictures[:-1]
    ]


@pytest.mark.parametrize("words", ["PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED"])
async def test_a_refused_photo_comes_as_a_document_from_then_on(rig, words):
    # Given a photo that Telegram can't use although it looks right
    ann = rig.person()
    rig.telegram.faults.refuse(
        400, f"Bad Request: {words}", method="sendPhoto", chat_id=ann.user_id
    )
    order = await buy(rig, "an odd picture", person=ann)
    await order.delivered()
    (message,) = order.pictures
    assert message.document

    # When it is sent again, Then it goes as the document that Telegram knows
    count = uploads(order)
    await _resend(order)
    await ann.wait_until(lambda: len(order.pictures) == 2)
    assert order.pictures[1].document
    assert uploads(order) == count


async def test_a_refused_album_comes_picture_by_picture(rig):
    # Given an album that Telegram refuses because of one of its photos
    ann = rig.person()
    for method in ("sendMediaGroup", "sendPhoto"):
        rig.telegram.faults.refuse(
            400, "Bad Request: PHOTO_INVALID_DIMENSIONS", method=method, chat_id=ann.user_id
        )

    # When it is brought, Then the bad one comes as a document, the other as a photo
    order = await buy(rig, "a pair", person=ann, pictures=2)
    await order.delivered()
    assert sorted(message.media.kind for message in order.pictures) == ["document", "photo"]
    assert "📄 As a file" in labels(ann.messages[-1])


async def test_a_refused_document_comes_as_a_link(rig):
    # Given a Telegram that takes less than it promised (W15)
    ann = rig.person()
    rig.telegram.faults.refuse(
        413, "Request Entity Too Large", method="sendDocument", chat_id=ann.user_id
    )
    order = await buy(rig, "a poster [[size:10.1MB]]", person=ann)
    await order.delivered()

    # Then the user gets the address; Telegram itself is never asked to fetch one
    assert await address(order) in ann.messages[-1].text
    assert order.pictures == []
    sent = [call.parameters for call in rig.telegram.calls if call.method.startswith("send")]
    assert not any(str(each.get("photo", "")).startswith("http") for each in sent)


async def test_what_telegram_refuses_in_every_way_is_parked_and_stays_in_the_history(rig):
    # Given a chat in which nothing can be sent while the picture is drawn
    order = await buy(rig, "a riddle [[latency:20]]")
    for method in ("sendPhoto", "sendDocument", "sendMessage"):
        rig.telegram.faults.refuse(
            400, "Bad Request: TOPIC_CLOSED", method=method, chat_id=order.person.user_id
        )

    # When it is brought, Then people must look, and the status message says so
    await order.person.wait_until(lambda: UNDELIVERED in order.status)
    row = await delivery(order)
    assert (row["state"], row["error"]) == ("parked", "Bad Request: TOPIC_CLOSED")
    # And later the history can send it
    await _resend(order)
    await order.person.wait_until(lambda: len(order.pictures) == 1)


@pytest.mark.parametrize("variant", ["404", "403", "html", "truncated"])
async def test_a_result_that_can_not_be_had_is_fetched_again(rig, variant):
    # Given a result that is broken at first
    # When it is brought
    order = await buy(rig, f"a leak [[T21:{variant}*1]]")
    await order.delivered()

    # Then the status message said that it is being tried, and it came once
    edits = [call.parameters["text"] for call in calls(order, "editMessageText")]
    assert any(STUCK in text for text in edits)
    assert len(order.pictures) == 1


async def test_a_result_that_never_comes_expires_with_the_money_taken(rig):
    # Given a result that is gone at KIE
    order = await buy(rig, "a ghost [[T21:404]]")
    await order.person.wait_until(lambda: STUCK in order.status)
    tries = (await delivery(order))["error"]
    assert "404" in tries

    # When seven days have passed
    await rig.pool.execute(
        "UPDATE deliveries SET expires_at = now() WHERE generation_id = $1", order.generation_id
    )
    await hurry(order)

    # Then the delivery ends, the status says so, and the result is still in the history
    await order.person.wait_until(lambda: UNDELIVERED in order.status)
    assert (await delivery(order))["state"] == "expired"
    await order.person.say("/history")
    page = await order.person.wait_for(lambda each: "Your pictures" in (each.text or ""))
    assert "a ghost" in labels(page)[0]
    # And KIE made it, so it is paid
    assert await spendable(rig, order.person) == order.spendable - PRICE_KOPECKS
    assert await rig.audit() == []


async def test_one_broken_result_does_not_keep_the_others(rig):
    # Given two pictures, one of which can't be fetched twice
    rig.kie.script("", "T21:404*2")
    order = await buy(rig, "twins", pictures=2)

    # When they are brought
    await order.person.wait_until(lambda: len(order.pictures) == 1)
    await until_delivery(order, "cardinality(sent_ids) = 1")
    await order.delivered()

    # Then both came, each once, and the buttons last
    assert len(order.pictures) == 2
    assert "📄 As a file" in labels(order.person.messages[-1])


@pytest.mark.parametrize("wish", ["results", "again"])
async def test_what_was_sent_before_a_failure_is_not_sent_again(rig, wish):
    # Given an album whose closing message is refused for a moment
    ann = rig.person()
    await ann.say("/id")
    await ann.wait_for(lambda each: each.from_bot)
    order = await buy(rig, "a pair of shoes [[latency:20]]", person=ann, pictures=2)
    if wish == "again":
        await order.delivered()
        await ann.say("/history")
        await ann.wait_for(lambda each: "Your pictures" in (each.text or ""))
    albums = len(calls(order, "sendMediaGroup"))
    rig.telegram.faults.too_many_requests(method="sendMessage", chat_id=ann.user_id)

    # When it is brought
    if wish == "again":
        await _press_resend(order)
    await until_delivery(order, "state = 'sent'", wish)

    # Then the album came once, and the closing message after it
    assert len(calls(order, "sendMediaGroup")) == albums + 1
    assert "📄 As a file" in labels(ann.messages[-1])


async def test_a_copy_that_was_removed_is_fetched_again(rig):
    # Given a picture that came as a photo, whose copy of ours is gone
    order = await buy(rig, "a sand castle")
    await order.delivered()
    key = await rig.fetchval(
        "SELECT media_key FROM results WHERE generation_id = $1", order.generation_id
    )
    copy = rig.settings.data_dir / "media" / key
    copy.unlink()

    # When the file is asked for, Then it is fetched and sent
    await (await order.person.press("📄 As a file", order.pictures[0]))
    await order.person.wait_until(lambda: len(order.pictures) == 2)
    assert order.pictures[1].document == order.pictures[0].photo == copy.read_bytes()


async def test_a_file_that_telegram_forgot_is_uploaded_again(rig):
    # Given ids that belong to another bot
    order = await buy(rig, "a memory")
    await order.delivered()
    await rig.pool.execute(
        "UPDATE results SET photo_file_id = 'AgACAgIAAxkBAAIforeign_w' WHERE generation_id = $1",
        order.generation_id,
    )

    # When it is sent again, Then it is uploaded anew, and known again
    await _resend(order)
    await order.person.wait_until(lambda: len(order.pictures) == 2)
    await until_delivery(order, "state = 'sent'", "again")
    assert len(order.pictures) == 2
    assert uploads(order) == 2


async def test_any_number_of_bells_brings_one_picture(rig, other_worker):
    # Given a callback three times at once (W6), and a delivery that waits
    ann = rig.person()
    rig.telegram.faults.too_many_requests(
        retry_after_s=3600, method="sendPhoto", chat_id=ann.user_id
    )
    order = await buy(rig, "a bell [[T12:together]]", person=ann)
    await until_delivery(order, WAITS)
    delivery_id = (await delivery(order))["delivery_id"]

    # When it is due, and many bells for it are answered at once while the sweeper rings too
    await hurry(order)
    await asyncio.gather(*(_deliver(other_worker, delivery_id) for _ in range(10)))
    await order.delivered()
    await _deliver(other_worker, delivery_id)

    # Then the picture came once
    assert len(calls(order, "sendPhoto")) == 1
    rows = "SELECT count(*) FROM deliveries WHERE generation_id = $1"
    assert await rig.fetchval(rows, order.generation_id) == 1


async def test_a_delivery_that_kills_its_process_is_parked(rig):
    # Given a delivery whose tries ended five times with the process killed
    ann = rig.person()
    rig.telegram.faults.too_many_requests(
        retry_after_s=3600, method="sendPhoto", chat_id=ann.user_id
    )
    order = await buy(rig, "a bomb", person=ann)
    await until_delivery(order, WAITS)
    await hurry(order)
    await rig.pool.execute(
        "UPDATE deliveries SET attempts = 5 WHERE generation_id = $1", order.generation_id
    )

    # When it is taken once more, Then it is put aside, and the user hears of it
    await ann.wait_until(lambda: UNDELIVERED in order.status, timeout_s=PATIENCE_S)
    assert (await delivery(order))["state"] == "parked"
    assert order.pictures == []


async def _deliver(worker, delivery_id):
    await deliver_results(worker.deps, worker.speech, delivery_id)


async def _resend(order):
    await order.person.say("/history")
    await order.person.wait_for(lambda each: "Your pictures" in (each.text or ""))
    await _press_resend(order)


async def _press_resend(order):
    page = next(m for m in reversed(order.person.messages) if "Your pictures" in (m.text or ""))
    await (await order.person.press(page.buttons[0][0], page))
