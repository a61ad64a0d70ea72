"""The main job through the front door: a prompt becomes a delivered picture, once paid."""

import io

from PIL import Image

PROMPT = "a ginger cat in a space suit"


async def test_a_prompt_becomes_a_delivered_picture_and_is_paid_once(rig):
    # Given a new user, who gets a welcome gift of 200 rubles
    ann = rig.person()
    await ann.say("/start")
    await ann.wait_for(lambda m: m.from_bot and "Hello, Ann" in (m.text or ""))

    # When the user writes a prompt and confirms the card
    await ann.say(PROMPT)
    card = await ann.wait_for(lambda m: m.from_bot and "0.80 ₽" in (m.text or ""))
    await ann.press("✅ Create for 0.80 ₽", card)

    # Then the picture arrives, and it is the one that was asked for
    picture = await ann.wait_for(lambda m: m.photo is not None, timeout_s=30)
    with Image.open(io.BytesIO(picture.photo)) as image:
        assert image.text["prompt"] == PROMPT
    # And the status message, once the card, ends as done
    await ann.wait_until(lambda: "✅ Done" in _text(ann, card.message_id))
    # And exactly the price of the card was taken
    await ann.say("/balance")
    await ann.wait_for(lambda m: "You can spend: 199.20 ₽" in (m.text or ""))
    assert await rig.audit() == []


def _text(person, message_id):
    return next(m.text or "" for m in person.messages if m.message_id == message_id)
