"""How results come: photo, document, link or album, with words and buttons; and come again."""

import asyncio
import hashlib
import html

import pytest

from tests.support.bringing import address, calls, delivery, labels, original, uploads
from tests.support.orders import buy, draw_card
from tests.support.rig import start_rig

BUTTONS = ["🔁 Again", "📄 As a file", "🏠 Menu"]
CAPTION_UNITS_MAX = 1024
SENDING = ("sendPhoto", "sendDocument", "sendMediaGroup")


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for all tests here: each speaks as somebody new."""
    folder = tmp_path_factory.mktemp("rig")
    async with databases.clone() as database, start_rig(database, folder) as started:
        yield started


async def bring(rig, prompt, **choices):
    """Buy, and wait until the status message says that it is done."""
    order = await buy(rig, prompt, **choices)
    await order.delivered()
    return order


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("[[size:9.9MB]]", "photo"),
        ("[[size:10.1MB]]", "document"),
        ("[[size:49MB]]", "document"),
        ("[[side:9000x300]]", "document"),  # 30 times as wide as high
        ("[[side:9600x500]]", "document"),  # more than 10,000 along both sides
        ("[[name:jpg]]", "photo"),
        ("[[T21:jpg]]", "photo"),  # a JPEG by the name of a PNG
    ],
)
async def test_a_result_comes_as_the_best_that_telegram_allows(rig, marker, kind):
    # Given a result of a certain size and shape
    # When it is bought
    order = await bring(rig, f"a kite {marker}")

    # Then it came as a photo, else as a document, once, byte for byte, with its buttons
    (message,) = order.pictures
    assert message.media.kind == kind
    assert message.media.data == await original(order)
    assert labels(message) == BUTTONS
    assert "Z-Image" in message.caption
    assert "0.80 ₽" in message.caption
    assert len(calls(order, *SENDING)) == uploads(order) == 1


@pytest.mark.parametrize("marker", ["[[size:51MB]]", "[[size:61MB]]"])
async def test_a_file_over_50_mb_comes_as_a_link(rig, marker):
    # Given a result that no bot may upload, or that we do not even fetch
    # When it is bought
    order = await bring(rig, f"a mountain {marker}")

    # Then a message gives the address where it lies, with caption and buttons
    (call,) = calls(order, "sendMessage")[-1:]
    url = await address(order)
    message = order.person.messages[-1]
    assert html.escape(url) in call.parameters["text"]
    assert url in message.text
    assert labels(message) == BUTTONS
    assert order.pictures == []
    assert uploads(order) == 0


async def test_several_come_as_one_album_with_the_buttons_below(rig):
    # Given three pictures in one order
    order = await bring(rig, "three balloons", pictures=3)

    # Then they are one album, the first carries the caption, none a button
    pictures = order.pictures
    assert len(pictures) == 3
    assert len({message.media_group_id for message in pictures}) == 1
    assert ["balloons" in (message.caption or "") for message in pictures] == [True, False, False]
    assert [labels(message) for message in pictures] == [[], [], []]
    # And a closing message below holds the buttons
    assert labels(order.person.messages[-1]) == BUTTONS
    assert len(calls(order, "sendMediaGroup")) == 1
    assert calls(order, "sendPhoto") == []


async def test_photos_and_documents_of_one_order_come_apart(rig):
    # Given four pictures, one of them too big for a photo and one too long
    rig.kie.script("", "size:10.1MB", "", "side:9000x300")

    # When they are brought
    order = await bring(rig, "a fleet", pictures=4)

    # Then each kind is an album of its own, and the buttons stand below
    groups = [[item["type"] for item in call.parameters["media"]] for call in _albums(order)]
    assert groups == [["photo", "photo"], ["document", "document"]]
    assert labels(order.person.messages[-1]) == BUTTONS


async def test_more_than_ten_come_as_two_albums(rig):
    # Given a task that made twelve files, When they are brought, Then none is left out
    order = await bring(rig, "a crowd [[T20:12]]")
    assert [len(call.parameters["media"]) for call in _albums(order)] == [10, 2]
    assert len(order.pictures) == 12


@pytest.mark.parametrize(
    "sign",
    ["🦊", "👩‍👩‍👧‍👦", "&lt;", "</blockquote><a href='x'>", "\u202e\u05e9\u05dc\u05dd "],
    ids=["foxes", "families", "entities", "tags", "hebrew"],
)
async def test_any_prompt_fits_into_the_caption(rig, sign):
    # Given a prompt as long as the model takes, of emoji, markup or right-to-left text
    prompt = (sign * 1000)[:1000].strip()

    # When its pictures are brought
    order = await bring(rig, prompt, pictures=2)

    # Then the caption is accepted, shows the beginning as it was written (Telegram takes out signs
    # that turn the direction), and keeps the price
    caption = order.pictures[0].caption
    assert len(caption.encode("utf-16-le")) // 2 <= CAPTION_UNITS_MAX
    assert " ".join(prompt[:100].replace("\u202e", "").split()) in caption
    assert "1.60 ₽" in caption


async def test_again_makes_a_new_card_with_the_same_settings(rig):
    # Given a picture that came
    order = await bring(rig, "a lighthouse at noon", pictures=2)

    # When "again" is pressed below it
    closing = order.person.messages[-1]
    await (await order.person.press("🔁 Again", closing))

    # Then a new card shows the same prompt, number and price, and nothing was bought yet
    card = await order.person.wait_for(lambda each: each.message_id > closing.message_id)
    assert "a lighthouse at noon" in card.text
    assert "✅ Create for 1.60 ₽" in labels(card)
    assert await _generations(order) == 1


async def test_as_a_file_sends_the_original_bytes(rig):
    # Given a picture that came as a photo
    order = await bring(rig, "an etching")
    made = hashlib.sha256(await original(order)).hexdigest()

    # When "as a file" is pressed, twice
    for count in (1, 2):
        await (await order.person.press("📄 As a file", order.pictures[0]))
        await order.person.wait_until(lambda count=count: len(_documents(order)) == count)

    # Then both documents are the very bytes, and the second needed no upload
    assert {message.media.sha256 for message in _documents(order)} == {made}
    assert uploads(order) == 2
    # And the menu button posts the menu below and leaves the picture alone
    await (await order.person.press("🏠 Menu", order.pictures[-1]))
    last = order.pictures[-1]
    menu = await order.person.wait_for(lambda each: each.message_id > last.message_id)
    assert any("History" in label or "My pictures" in label for label in labels(menu))
    assert last.document


async def test_as_a_file_sends_an_album_of_documents(rig):
    # Given an album of photos, When its files are asked for, Then they come as documents
    order = await bring(rig, "two etchings", pictures=2)
    await (await order.person.press("📄 As a file"))
    await order.person.wait_until(lambda: len(_documents(order)) == 2)
    await order.person.wait_for(lambda each: each.message_id > order.pictures[-1].message_id)
    assert labels(order.person.messages[-1]) == BUTTONS


@pytest.mark.parametrize("marker", ["", "[[size:10.1MB]]", "[[T20:3]]"])
async def test_the_history_sends_again_without_an_upload(rig, marker):
    # Given a delivered generation
    order = await bring(rig, f"a windmill {marker}")
    before, count = uploads(order), len(order.pictures)

    # When it is chosen in the history
    await order.person.say("/history")
    page = await order.person.wait_for(lambda each: "Your pictures" in (each.text or ""))
    await (await order.person.press(page.buttons[0][0], page))
    await order.person.wait_until(lambda: len(order.pictures) == 2 * count)

    # Then it came again by Telegram's own ids
    assert uploads(order) == before
    await rig.until("SELECT bool_and(state = 'sent') FROM deliveries")
    assert order.pictures[-1].media.data == await original(order) or count > 1


async def test_the_history_has_pages_and_outlives_its_models(rig):
    # Given eight pictures, the oldest of a model that does not exist any more (C15)
    first = await bring(rig, "picture 0")
    orders = [await buy(rig, f"picture {n}", person=first.person) for n in range(1, 8)]
    await asyncio.gather(*(order.delivered() for order in orders))
    await rig.pool.execute(
        "UPDATE generations SET model_id = 'gone/model' WHERE generation_id = $1",
        first.generation_id,
    )

    # When page two is opened
    await first.person.say("/history")
    page = await first.person.wait_for(lambda each: "Your pictures" in (each.text or ""))
    await (await first.person.press("Older ➡️", page))
    await first.person.wait_until(lambda: "picture 0" in " ".join(labels(page)))

    # Then it shows the rest, and the oldest can be sent again
    assert [label.rsplit(" · ")[-1] for label in labels(page)[:2]] == ["picture 1", "picture 0"]
    before = len(first.pictures)
    await (await first.person.press(page.buttons[1][0], page))
    await first.person.wait_until(lambda: len(first.pictures) == before + 1)
    assert "gone/model" in first.pictures[-1].caption
    # And one page back are the newest
    newest = next(each for row in page.buttons for each in row if each.text.startswith("⬅️"))
    await (await first.person.press(newest, page))
    await first.person.wait_until(lambda: "picture 7" in " ".join(labels(page)))


async def test_one_status_message_goes_through_the_states(rig):
    # Given a card
    order = await draw_card(rig, "a slow snail [[latency:100]]")

    # When it is bought and brought
    await order.confirm()
    await order.delivered()

    # Then that one message was edited through the states, in this order
    edits = [
        call.parameters["text"]
        for call in calls(order, "editMessageText")
        if call.parameters["message_id"] == order.card.message_id
    ]
    known = ["⏳ In the queue", "🎨 Drawing…", "✨ Ready, sending…", "✅ Done"]
    shown = [next(state for state in known if _words(state) in text) for text in edits]
    assert [known.index(state) for state in shown] == sorted(known.index(s) for s in shown)
    assert shown[0] != shown[-1] == "✅ Done"
    assert "🎨 Drawing…" in shown
    # And no other message tells of it
    texts = [each.text or "" for each in order.person.messages if each.from_bot]
    assert sum(any(state in text for state in known) for text in texts) == 1
    assert (await delivery(order))["state"] == "sent"


async def test_a_failed_generation_ends_its_status_message_with_the_money_back(rig):
    # Given a task that fails, When it is bought
    order = await buy(rig, "a bad day [[fail]]")

    # Then the one status message says so, with the sum that came back
    assert await order.end() == "failed"
    assert "0.80 ₽ came back" in order.status
    assert order.pictures == []
    assert await delivery(order) == {}


def _albums(order):
    return calls(order, "sendMediaGroup")


def _documents(order):
    return [message for message in order.pictures if message.document]


def _words(state):
    return state.split(" ", 1)[1]


async def _generations(order):
    return await order.rig.fetchval(
        "SELECT count(*) FROM generations WHERE user_id = $1", order.person.user_id
    )
