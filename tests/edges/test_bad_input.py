"""Bad and odd input: one short answer or silence, and neither this chat nor another is stuck."""

import asyncio
import io
import json
from itertools import count
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from service.bot.callbacks import (
    Confirm,
    Open,
    OpenModels,
    PickModel,
    Repeat,
    Resend,
    SendFiles,
    SetInput,
)
from service.texts import text
from tests.support.rig import start_rig
from tests.support.talk import Talk, labels, quick_kie, start_talk

EXAMPLES = json.loads((Path(__file__).parents[1] / "golden" / "updates.json").read_text("utf-8"))
SETTLED = "SELECT handled_at IS NOT NULL OR parked_at IS NOT NULL FROM updates WHERE update_id = $1"
PARKED = "SELECT update_id, error FROM updates WHERE parked_at IS NOT NULL"
GENERATIONS = "SELECT count(*) FROM generations WHERE user_id = $1"
NEW_MENU = Open(screen="menu").pack()
NOBODY = 2**62
#: Above every number that the stub gives.
_update_ids = count(3_000_000_000)


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for everybody here; at the end nothing but payments is parked."""
    folder = tmp_path_factory.mktemp("bad_input")
    async with (
        databases.clone() as database,
        start_rig(database, folder, kie_options=quick_kie()) as started,
    ):
        yield started
        rows = await started.pool.fetch(PARKED)
        assert all("payment" in row["error"] for row in rows)
        assert await started.fetchval("SELECT count(*) FROM outbox WHERE state = 'parked'") == 0
        assert await started.audit() == []


@pytest.fixture
async def talk(rig):
    """Somebody new, who pressed Start; at the end the chat still answers."""
    begun = await start_talk(rig)
    yield begun
    assert str(begun.person.user_id) in (await begun.say("/id")).text


async def post(talk: Talk, update: dict) -> None:
    """Post an update as it is and wait until it ended."""
    update = {"update_id": next(_update_ids)} | update
    assert await talk.rig.post_update(update) == 200
    await talk.rig.until(SETTLED, update["update_id"])
    await talk.quiet()


async def post_message(talk: Talk, **fields: object) -> None:
    """Post a message of a person."""
    head = {"message_id": 9, "from": talk.person.user, "chat": talk.person.chat.raw, "date": 1}
    await post(talk, {"message": head | fields})


async def press_raw(talk: Talk, data: str | None, message: dict | None) -> str:
    """Press a button in a way that no client would; gives the answer's text."""
    question = talk.rig.telegram.world.ask("callback", talk.person.chat)
    query = {"id": question.question_id, "from": talk.person.user, "chat_instance": "1"}
    query |= {"data": data} if data is not None else {"game_short_name": "chess"}
    query |= {"message": message} if message else {}
    await post(talk, {"callback_query": query})
    assert question.answer is not None
    return question.answer["text"]


REFUSED_PROMPTS = {
    "spaces": (" \n\t ", "empty"),
    "controls": ("\x00\x01\x1b", "empty"),
    "zero_width": ("\u200b\u200d\ufeff", "empty"),
    "half_a_pair": ("\ud800", "empty"),
    "over_the_limit": ("x" * 1001, "the limit is 1,000"),
    "all_emoji": ("😀" * 4096, "4,096 characters, and the limit is 1,000"),
}


@pytest.mark.parametrize("name", REFUSED_PROMPTS)
async def test_a_prompt_that_cannot_be_drawn_is_refused_in_one_line_with_the_limit(talk, name):
    # Given somebody whose model takes 1000 characters
    prompt, expected = REFUSED_PROMPTS[name]
    before = len(talk.said)

    # When they send what can't be drawn
    await post_message(talk, text=prompt)

    # Then there is one short answer that says why, with a way on
    assert len(talk.said) == before + 1
    assert expected in talk.last.text
    assert "1,000" in talk.last.text
    assert "\n" not in talk.last.text
    assert labels(talk.last)


ODD_PROMPTS = {
    "html": ("<b>bold</b> </blockquote> & <script>alert(1)</script>", None),
    "markdown": ("*a* _b_ [c](http://d) `e` ||f||", None),
    "right_to_left": ("\u202e\u05e9\u05dc\u05d5\u05dd\u202c \u062e\u0637 \u0639", None),
    "nul_inside": ("a\x00cat\x07", "acat"),
    "half_a_pair_inside": ("a \ud83d cat", "a  cat"),
    "zalgo": ("c\u0301\u0302\u0303a\u0304t" * 20, None),
    "ampersands": ("&" * 900, None),
    "no_command": ("what is /start ?", None),
    "quotes": ('\'; DROP TABLE users; -- "%s" {model} {$x}', None),
}


@pytest.mark.parametrize("name", ODD_PROMPTS)
async def test_an_odd_prompt_is_drawn_as_it_was_meant(talk, name):
    # Given a prompt with signs that mean something elsewhere
    prompt, cleaned = ODD_PROMPTS[name]
    await post_message(talk, text=prompt)
    card = talk.last

    # When its card is confirmed
    await talk.press(card.buttons[0][0], card)
    await talk.finish()

    # Then the picture is of just these words
    picture = next(message for message in talk.said if message.photo)
    with Image.open(io.BytesIO(picture.photo)) as image:
        assert image.text["prompt"] == (cleaned or prompt)


async def test_a_prompt_of_4096_emoji_becomes_a_card_where_the_model_takes_it(talk):
    # Given a prompt that was too long for the first model
    await post_message(talk, text="😀" * 4096)

    # When a model with more room is chosen
    await talk.press(PickModel(code="nb2"))

    # Then the kept words are on its card, and it can be bought
    assert "✅ Create for 7.60 ₽" in labels(talk.last)
    await talk.press("✅ Create for 7.60 ₽")
    await talk.finish()
    assert any(message.photo for message in talk.said)


RANDOM = Random(64)
FORGED = [
    "", "o:", "o:nowhere", "o:menu:menu", "ok|", "ok|one", "ok|-1", "ok|1.5", f"ok|{10**30}",
    "ok|1|2", "m|text-to-image|-1", f"m|text-to-image|{2**63}", "m|nothing|0", "m|text-to-video|0",
    "pm|", "pm|nobody", "pm|sd4e", "i|zi|nothing", "i|zi|prompt|more", "i|nb2|resolution",
    "s|zi|aspect_ratio|77:1", "s|zi|count|99", "s|zi|count|-1", "s|zi|style|nobody",
    "s|zi|prompt|free", "s|zi|nsfw_checker|false", "s|zi|aspect_ratio|", "x|nb2|resolution",
    "l|xx", "l|", "h|-7", "t|x", "a|0", "r|0", "f|0", f"r|{2**63 - 1}", f"a|{10**40}", "g:42:q:2k",
    "\x00", "o:me\x00nu", "\ud800|1", "😀" * 16, "x" * 64, "|" * 64,
    *("".join(chr(RANDOM.randrange(1, 0x7FF)) for _ in range(32)) for _ in range(10)),
]  # fmt: skip


@pytest.mark.parametrize("batch", range(4))
async def test_forged_buttons_are_answered_and_buy_nothing(talk, batch):
    # Given a card
    card = await talk.say("a lighthouse")

    # When buttons come back that nobody drew
    for data in FORGED[batch::4]:
        await press_raw(talk, data, card.raw)

    # Then each was answered, nothing was bought, and the card's own button still works
    assert await talk.rig.fetchval(GENERATIONS, talk.person.user_id) == 0
    fresh = await talk.say("a lighthouse")
    assert await talk.press(fresh.buttons[0][0], fresh) == text("confirmed", "en")
    await talk.finish()


async def test_a_page_beyond_the_last_is_the_last(talk):
    # Given the first page of models, when one far beyond is asked for
    await talk.press(OpenModels(kind="text-to-image", page=10**6))

    # Then the last is shown
    assert "3/3" in talk.last.text


async def test_a_setting_of_another_model_changes_nothing(talk):
    # Given a card of one model, and a button of another's card
    card = await talk.say("a lighthouse")
    stale = SetInput(code="nb2", name="resolution", value="4K")

    # When it is pressed
    answer = await talk.press(stale, card)

    # Then it says that it is old, and the card stands with its price
    assert answer == text("old-button", "en")
    assert "✅ Create for 0.80 ₽" in labels(card)


async def test_nobody_gets_or_buys_what_is_anothers(rig, talk):
    # Given somebody else's card and picture
    other = await start_talk(rig)
    bought = await other.say("a secret lighthouse")
    await other.press(bought.buttons[0][0], bought)
    await other.finish()
    card = await other.say("a secret whale")
    quote_id = Confirm.unpack(card.buttons[0][0].data).quote_id
    query = "SELECT generation_id FROM generations WHERE user_id = $1"
    generation_id = await rig.fetchval(query, other.person.user_id)

    # When their buttons are forged
    forged = [kind(generation_id=generation_id) for kind in (Repeat, Resend, SendFiles)]
    answers = [await talk.press(data) for data in (Confirm(quote_id=quote_id), *forged)]
    await talk.finish()

    # Then each is refused, nothing was bought, and nothing of it was shown
    assert answers == [text("quote-unknown", "en"), *[text("not-found", "en")] * 3]
    assert await rig.fetchval(GENERATIONS, talk.person.user_id) == 0
    assert not any("secret" in f"{m.text} {m.caption}" for m in talk.said)


async def test_two_confirms_at_once_buy_once(talk):
    # Given a card
    card = await talk.say("a lighthouse")
    button = card.buttons[0][0]

    # When its button is pressed three times at once, and once more when all is over
    presses = [await talk.person.press(button, card) for _ in range(3)]
    answers = [await press for press in presses]
    await talk.finish()
    answers.append(await talk.press(button, card))

    # Then it was bought once, the others say so, and the status is still told
    once, again = text("confirmed", "en"), text("already-confirmed", "en")
    assert answers == [once, again, again, again]
    assert await talk.rig.fetchval(GENERATIONS, talk.person.user_id) == 1
    assert card.text.startswith("✅ Done")


async def test_a_button_of_a_message_out_of_reach_posts_its_screen(talk):
    # Given a menu that the person deleted
    menu = talk.last
    button = next(b for row in menu.buttons for b in row if b.data == Open(screen="balance").pack())
    talk.person.delete_message(menu)

    # When its button is pressed all the same
    await talk.press(button, menu)

    # Then the screen comes as a new message, without a refused call
    assert talk.last.text.startswith("💰 You can spend")
    assert not any(c.method == "editMessageText" for c in refusals(talk))


async def test_a_card_out_of_reach_can_be_confirmed(talk):
    # Given a card that the person deleted
    card = await talk.say("a lighthouse")
    talk.person.delete_message(card)

    # When it is confirmed, then the status comes as a new message
    await talk.press(card.buttons[0][0], card)
    await talk.finish()
    assert any((message.text or "").startswith("✅ Done") for message in talk.said)


async def test_a_button_without_a_message_or_without_data_is_answered(talk):
    # Given presses as inline messages and games make them
    # When they come, then each is answered, and the menu is posted
    assert await press_raw(talk, NEW_MENU, None) == ""
    assert talk.last.text.startswith("🏠 Menu")
    assert await press_raw(talk, None, None) == text("old-button", "en")


async def test_a_button_in_a_group_is_answered_with_silence(rig, talk):
    # Given a message of ours in a group
    group = rig.telegram.group(-1001)
    message = {"message_id": 5, "date": 1, "chat": group.raw, "text": "a menu"}

    # When its button is pressed, then the spinner ends, and nothing is said to anybody
    before = len(talk.said)
    assert await press_raw(talk, NEW_MENU, message) == ""
    assert len(talk.said) == before
    assert not group.messages


MEDIA = ("voice", "sticker", "video", "photo", "document")


@pytest.mark.parametrize("kind", MEDIA)
async def test_media_are_answered_with_one_line(talk, kind):
    # Given somebody new, when they send a file of that kind, some with a caption
    send = getattr(talk.person, f"send_{kind}")
    captioned = {"photo", "document", "video"}
    before = len(talk.said)
    await (send(caption="remove the background") if kind in captioned else send())
    await talk.quiet()

    # Then one line says what works
    assert len(talk.said) == before + 1
    assert talk.last.text == text("text-only", "en")


SPOKEN = {
    "location": {"latitude": 1.0, "longitude": 2.0},
    "contact": {"phone_number": "1", "first_name": "Bob"},
    "dice": {"emoji": "🎲", "value": 4},
    "venue": {"location": {"latitude": 1, "longitude": 2}, "title": "a", "address": "b"},
    "story": {"chat": {"id": 7, "type": "private"}, "id": 1},
}
SERVICE = {
    "pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}},
    "message_auto_delete_timer_changed": {"message_auto_delete_time": 60},
    "write_access_allowed": {"from_request": True},
    "boost_added": {"boost_count": 1},
    "a_field_of_next_year": {"value": [1, {"deep": None}]},
}


@pytest.mark.parametrize("kind", SPOKEN)
async def test_other_kinds_of_messages_are_answered_with_one_line(talk, kind):
    # Given somebody new, when they send it, then one line says what works
    before = len(talk.said)
    await post_message(talk, **{kind: SPOKEN[kind]})
    assert len(talk.said) == before + 1
    assert talk.last.text == text("text-only", "en")


@pytest.mark.parametrize("kind", SERVICE)
async def test_service_messages_are_met_with_silence(talk, kind):
    # Given somebody new, when Telegram tells of it, then nothing is said
    before = len(talk.said)
    await post_message(talk, **{kind: SERVICE[kind]})
    assert len(talk.said) == before


def elsewhere(talk: Talk) -> list[dict]:
    """Make updates that are not for this chat, or of kinds that we don't speak."""
    user = talk.person.user
    group = {"id": -7, "type": "group", "title": "G"}
    said = {"message_id": 3, "date": 1, "text": "/start"}
    member = {"user": user, "status": "member"}
    return [
        {"message": said | {"chat": group, "from": user}},
        {"message": said | {"chat": group | {"type": "supergroup"}, "sender_chat": group}},
        {"channel_post": said | {"chat": group | {"type": "channel"}}},
        {"edited_channel_post": said | {"chat": group | {"type": "channel"}, "edit_date": 2}},
        {"edited_message": said | {"chat": talk.person.chat.raw, "from": user, "edit_date": 2}},
        {"message": said | {"chat": talk.person.chat.raw, "from": user | {"is_bot": True}}},
        {"business_message": said | {"chat": talk.person.chat.raw, "from": user}},
        {"inline_query": {"id": "1", "from": user, "query": "a cat", "offset": ""}},
        {"poll_answer": {"poll_id": "1", "user": user, "option_ids": [0]}},
        {"my_chat_member": {"chat": group, "from": user, "date": 1, "old_chat_member": member,
                            "new_chat_member": member}},
        {"chat_join_request": {"chat": group, "from": user, "user_chat_id": 7, "date": 1}},
        {"a_type_of_next_year": {"from": user, "chat": talk.person.chat.raw, "what": 1}},
        {"message": None},
        {},
    ]  # fmt: skip


async def test_updates_that_are_not_for_us_are_met_with_silence(rig, talk):
    # Given a chat that is quiet
    before, calls = len(talk.said), len(rig.telegram.calls)

    # When updates of groups, channels, bots, edits and unknown types come
    for update in elsewhere(talk):
        await post(talk, update)

    # Then nothing is said to anybody
    assert len(talk.said) == before
    assert len(rig.telegram.calls) == calls


async def test_a_message_with_parts_that_nobody_understands_is_still_heard(talk):
    # Given a message with an origin and an entity of kinds that do not exist yet
    odd = {
        "forward_origin": {"type": "from_mars", "date": 1},
        "entities": [{"type": "hologram", "offset": 0, "length": "?"}],
        "reply_markup": {"inline_keyboard": "none"},
    }

    # When it is posted, then its text is a prompt; and its button can be pressed
    await post_message(talk, text="a lighthouse", **odd)
    assert "✅ Create for 0.80 ₽" in labels(talk.last)
    await press_raw(talk, NEW_MENU, talk.last.raw | odd)
    assert talk.last.text.startswith("🏠 Menu")


async def test_the_name_of_a_person_may_be_anything(rig):
    # Given people with names that no database and no HTML likes
    for first_name in ("\ud800", "a\x00b", "<i>&", "\u202eevil", "x" * 64):
        talk = Talk(rig, rig.person())
        user = talk.person.user | {"first_name": first_name}

        # When they press Start with a payload as odd, then they are greeted
        head = {"message_id": 9, "from": user, "chat": talk.person.chat.raw, "date": 1}
        await post(talk, {"message": head | {"text": f"/start {first_name}{'z' * 80}"}})
        assert talk.last.text.startswith("👋 Hello")


async def test_the_documented_updates_leave_nothing_parked_but_payments(rig):
    # Given the person of the documented examples
    talk = Talk(rig, rig.telegram.person(111_111_111, first_name="Иван", language_code="ru"))

    # When each example is posted
    parked = []
    for name, example in EXAMPLES.items():
        update = example | {"update_id": next(_update_ids)}
        await post(talk, update)
        if await rig.fetchval("SELECT error FROM updates WHERE update_id = $1 AND parked_at IS NOT "
                              "NULL", update["update_id"]):  # fmt: skip
            parked.append(name)

    # Then only payments and refunds are parked, for people to look at
    assert parked == [name for name in EXAMPLES if "payment" in name]
    # And the deep link's payload is kept, and the chat goes on
    payload = "SELECT start_payload FROM users WHERE user_id = 111111111"
    assert await rig.fetchval(payload) == "ref_AbC-123"
    assert "111111111" in (await talk.say("/id")).text


BROKEN_PAYMENT = {"currency": "XTR", "total_amount": "many"}


async def test_a_payment_is_parked_with_its_error_and_delays_nobody(rig, talk):
    # Given a payment that nobody can account for, and one that can't even be read
    other = await start_talk(rig)
    update_id = next(_update_ids)
    head = {"message_id": 9, "from": talk.person.user, "chat": talk.person.chat.raw, "date": 1}
    body = {"update_id": update_id, "message": head | {"successful_payment": BROKEN_PAYMENT}}

    # When it comes, and somebody else writes meanwhile
    assert await rig.post_update(body) == 200
    card = await other.say("a lighthouse")

    # Then the other is answered while the payment is still tried
    assert "✅ Create for 0.80 ₽" in labels(card)
    await rig.until(SETTLED, update_id)
    await talk.quiet()
    # And the payer hears that people look into it
    error = "SELECT error FROM updates WHERE update_id = $1"
    assert "UnexpectedPaymentError" in await rig.fetchval(error, update_id)
    assert talk.last.text == text("sorry", "en", code=f"U{update_id}")


async def test_a_flood_of_odd_updates_from_one_chat_ends_in_order(talk):
    # Given many updates of one chat at once, odd ones among them
    said = ["/id", "\ud800", " ", "/menu", "x" * 5000, "a cat", "/unknown", "\x00", "/help"]
    head = {"message_id": 9, "from": talk.person.user, "chat": talk.person.chat.raw, "date": 1}
    updates = [
        {"update_id": next(_update_ids), "message": head | {"text": words}} for words in said
    ]
    before = len(talk.said)

    # When all are posted together
    statuses = await asyncio.gather(*(talk.rig.post_update(update) for update in updates))
    await talk.rig.until(SETTLED, updates[-1]["update_id"])
    await talk.quiet()

    # Then each is answered once
    assert set(statuses) == {200}
    assert len(talk.said) - before == len(said)


def refusals(talk: Talk) -> list:
    """List the bot's refused calls to this chat."""
    chat_id = talk.person.user_id
    return [c for c in talk.rig.telegram.refusals if c.parameters.get("chat_id") == chat_id]
