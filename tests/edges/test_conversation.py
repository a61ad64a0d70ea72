"""The conversation as a person has it: commands, screens, settings, cards, and leaving them."""

import pytest

from service.bot.callbacks import (
    ChooseLanguage,
    LeaveInput,
    Open,
    OpenInput,
    OpenModels,
    PickModel,
    SetInput,
)
from service.texts import text
from tests.support.databases import connected
from tests.support.rig import start_rig
from tests.support.talk import PARKED, Talk, data_of, labels, quick_kie, start_talk

ADMIN_ID = 42
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
BOUGHT = "SELECT count(*) FROM generations WHERE user_id = $1"
EXPIRE = """
UPDATE quotes SET created_at = now() - interval '1 hour', expires_at = now() - interval '45 min'
WHERE user_id = $1
"""
SWITCH_OFF = "INSERT INTO model_switches VALUES ($1, true, 'a test', 'test', now())"
SIMPLE = ("help", "paysupport", "terms", "privacy", "models", "language")
COMMANDS = {
    **{f"/{key}": key for key in SIMPLE},
    "/topup": "topup-soon",
    "/history": "history-empty",
    "/transactions": "transactions",
    "/cancel": "nothing-to-cancel",
    "/admin": "unknown-command",
    "/draw_me_a_cat": "unknown-command",
}


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for all conversations here; each has a person of its own."""
    folder, admins = tmp_path_factory.mktemp("conversation"), str(ADMIN_ID)
    async with (
        databases.clone() as database,
        start_rig(database, folder, kie_options=quick_kie(), ADMIN_IDS=admins) as started,
    ):
        yield started
        assert await started.fetchval(PARKED) == 0
        assert await started.audit() == []


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_is_answered_in_the_language_of_the_user(rig, command, language):
    # Given somebody who speaks the language
    talk = Talk(rig, rig.person(language=language))

    # When a command is sent
    answer = await talk.say(command)

    # Then the answer has its words and leads back to the menu
    assert text(COMMANDS[command], language) in answer.html
    assert Open(screen="menu").pack() in data_of(answer)


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_commands_with_facts_in_them_tell_the_facts(rig, language):
    # Given somebody new with a gift of 200 rubles
    talk = Talk(rig, rig.person(language=language, first_name="<b>Ann & Co</b>"))

    # When each command is sent, then it tells what is so
    assert "<b>Ann & Co</b>" in (await talk.say("/start")).text
    assert "200 ₽" in (await talk.say("/menu")).text
    assert "Z-Image" in (await talk.say("/generate")).text
    assert (await talk.say("/balance")).text.splitlines()[0].endswith("200 ₽")
    assert str(talk.person.user_id) in (await talk.say("/id")).text
    assert "+200 ₽" in (await talk.say("/transactions")).text


async def test_only_an_admin_hears_of_the_panel(rig):
    # Given an admin and a stranger
    admin = Talk(rig, rig.telegram.person(ADMIN_ID))
    stranger = Talk(rig, rig.person())

    # When both ask for the panel, then the stranger is told that there is no such command
    assert (await admin.say("/admin")).text == text("admin-soon", "en")
    assert (await stranger.say("/admin")).text == text("unknown-command", "en")


async def test_the_first_start_payload_is_kept_and_never_replaced(rig):
    # Given somebody who came by a link
    talk = Talk(rig, rig.person())
    await talk.say("/start ref_AbC-123")

    # When they come by another
    await talk.say("/start ref_other")

    # Then the first is what is kept
    payload = "SELECT start_payload FROM users WHERE user_id = $1"
    assert await rig.fetchval(payload, talk.person.user_id) == "ref_AbC-123"


async def test_the_welcome_gift_is_given_and_told_once(rig):
    # Given somebody who pressed Start
    talk = await start_talk(rig)
    assert "a gift to get you started" in talk.last.text

    # When they press it again
    again = await talk.say("/start")

    # Then there is one gift, and it is told of once
    assert "gift" not in again.text
    assert (await talk.say("/balance")).text.startswith("💰 You can spend: 200 ₽")


@pytest.mark.parametrize(
    ("code", "spoken"), [("ru", "ru"), ("ru-RU", "ru"), ("de", "en"), ("en-gb", "en"), ("", "en")]
)
async def test_the_language_follows_the_language_code(rig, code, spoken):
    # Given somebody whose Telegram is in that language
    talk = Talk(rig, rig.person(language=code))

    # When they ask, then the bot answers in it, or in English
    assert (await talk.say("/help")).html == text("help", spoken)


async def test_a_chosen_language_stays_whatever_telegram_says(rig):
    # Given somebody with an English Telegram
    talk = await start_talk(rig)

    # When they choose Russian
    await talk.press(Open(screen="language"))
    answer = await talk.press(ChooseLanguage(locale="ru"))

    # Then the bot says so in Russian, and goes on in it
    assert answer == text("language-chosen", "ru")
    assert talk.last.text.startswith("🏠 Меню")
    assert (await talk.say("/help")).html == text("help", "ru")


async def test_an_update_that_tells_no_language_changes_none(rig):
    # Given somebody with a Russian Telegram
    talk = await start_talk(rig, "ru")

    # When an update comes without a language, as Telegram sometimes sends it
    del talk.person.user["language_code"]

    # Then the bot goes on in Russian
    assert (await talk.say("/help")).html == text("help", "ru")


async def test_menus_edit_one_message_instead_of_posting_new_ones(rig):
    # Given somebody with the menu before them
    talk = await start_talk(rig)
    menu = talk.last

    # When they walk through screens
    for screen in ("models", "menu", "balance", "transactions", "help", "history", "generate"):
        await talk.press(Open(screen=screen), menu)

    # Then it was one message all along
    assert talk.said == [menu]
    assert "Z-Image" in menu.text


async def test_any_text_is_a_prompt_for_the_last_used_model(rig):
    # Given somebody who chose a model
    talk = await start_talk(rig)
    await talk.press(OpenModels(kind="image-any", page=0))
    await talk.press(PickModel(code="nb2"))

    # When they write something, and later something else
    first = await talk.say("a lighthouse")
    second = await talk.say("a whale")

    # Then both become cards of that model with the exact price on the button
    for card, prompt in ((first, "a lighthouse"), (second, "a whale")):
        assert "Nano Banana 2" in card.text
        assert prompt in card.text
        assert "✅ Create for 7.60 ₽" in labels(card)


async def test_a_setting_with_choices_is_set_by_a_button_and_priced(rig):
    # Given a card of a model that costs more at 4K
    talk = await start_talk(rig)
    await talk.press(PickModel(code="nb2"))
    card = await talk.say("a lighthouse")

    # When 4K is chosen
    await talk.press(OpenInput(code="nb2", name="resolution"), card)
    assert "✓ 1K" in labels(card)
    await talk.press("4K", card)

    # Then the same message is the card again, with the new price
    assert "Resolution: 4K" in card.text
    assert "✅ Create for 17.10 ₽" in labels(card)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("many", "a number from 1 to 10"), ("11", "from 1 to 10"), ("NaN", "from 1 to 10")],
)
async def test_a_number_is_typed_and_a_bad_one_is_refused_with_the_limits(rig, typed, hint):
    # Given the question for a number
    talk = await start_talk(rig)
    await talk.press(PickModel(code="sd3"))
    await talk.press(OpenInput(code="sd3", name="guidance_scale"))
    assert "from 1 to 10" in talk.last.text

    # When something else is typed, then the limits are said and the question stands
    assert hint in (await talk.say(typed)).text
    # And when a number is typed, then it is set
    assert "Precision: 3.5" in labels(await talk.say("3,5"))


async def test_a_number_can_be_left_to_the_model(rig):
    # Given a seed that was typed
    talk = await start_talk(rig)
    await talk.press(PickModel(code="sd3"))
    await talk.press(OpenInput(code="sd3", name="seed"))
    assert "Seed: 77" in labels(await talk.say("77"))

    # When it is left to the model
    await talk.press(OpenInput(code="sd3", name="seed"))
    await talk.press(LeaveInput(code="sd3", name="seed"))

    # Then it is unset
    assert "Seed: —" in labels(talk.last)


async def test_a_toggle_turns_at_a_press(rig):
    # Given a model with a switch
    talk = await start_talk(rig)
    await talk.press(PickModel(code="qw21"))
    assert "Improve text: yes" in labels(talk.last)

    # When it is pressed twice, then it is off, and on again
    await talk.press("Improve text: yes")
    assert "Improve text: no" in labels(talk.last)
    await talk.press("Improve text: no")
    assert "Improve text: yes" in labels(talk.last)


async def test_a_text_setting_is_typed_and_too_long_a_text_is_refused(rig):
    # Given the question for what to avoid, of at most 500 characters
    talk = await start_talk(rig)
    await talk.press(PickModel(code="qw"))
    await talk.press(OpenInput(code="qw", name="negative_prompt"))

    # When too much is typed, then the limit is said; a shorter text is set
    assert "the limit is 500" in (await talk.say("x" * 501)).text
    assert "Avoid: blur & <text>" in labels(await talk.say("blur & <text>"))


async def test_number_of_pictures_and_style_are_chosen_and_priced(rig):
    # Given a card
    talk = await start_talk(rig)
    card = await talk.say("a lighthouse")

    # When three pictures in watercolor are chosen
    await talk.press(OpenInput(code="zi", name="count"), card)
    await talk.press("3", card)
    await talk.press(OpenInput(code="zi", name="style"), card)
    await talk.press("💧 Watercolor", card)

    # Then the card says so, and multiplies
    assert "3 pictures \N{MULTIPLICATION SIGN} 0.80 ₽ = 2.40 ₽" in card.text
    assert "Style: 💧 Watercolor" in card.text
    assert "✅ Create for 2.40 ₽" in labels(card)


async def test_another_model_starts_with_one_picture_again(rig):
    # Given a card for a model that makes two pictures at once
    talk = await start_talk(rig)
    await talk.press(PickModel(code="gk"))
    card = await talk.say("a lighthouse")
    assert "2 pictures" in card.text

    # When another model is chosen, then nobody pays for two unasked
    await talk.press(PickModel(code="zi"), card)
    assert "✅ Create for 0.80 ₽" in labels(card)


async def test_a_forbidden_combination_adjusts_the_other_setting_and_says_so(rig):
    # Given GPT Image 2 with its shape left to itself
    talk = await start_talk(rig)
    await talk.press(PickModel(code="gi2"))
    card = await talk.say("a lighthouse")

    # When 4K is chosen, which needs a shape
    answer = await talk.press(SetInput(code="gi2", name="resolution", value="4K"), card)

    # Then the shape gives way, the answer says to what, and the card shows it
    assert answer == text("adjusted", "en", name="Shape", value="3:2")
    assert "Shape: 3:2 · Resolution: 4K" in card.text


async def test_a_card_that_lacks_money_says_how_much_and_survives(rig):
    # Given a card of 4 pictures at 15.20 each, and an owner with little left
    talk = await start_talk(rig)
    await talk.press(PickModel(code="gi25s"))
    await talk.press(SetInput(code="gi25s", name="resolution", value="4K"))
    await talk.press(SetInput(code="gi25s", name="count", value="4"))
    for _ in range(3):
        card = await talk.say("a palace")
        await talk.press(card.buttons[0][0], card)
        await talk.finish()
    card = await talk.say("a palace")
    assert "You are 43.20 ₽ short: you have 17.60 ₽" in card.text

    # When the owner looks at the top-up and comes back, and confirms all the same
    await talk.press(Open(screen="topup"), card)
    await talk.press("⬅️ To the card", card)
    answer = await talk.press("✅ Create for 60.80 ₽", card)

    # Then nothing is charged, and the same card goes through once the money is there
    assert answer == text("not-enough-money", "en", missing="43.20 ₽")
    await rig.give(talk.person, 50)
    assert await talk.press("✅ Create for 60.80 ₽", card) == text("confirmed", "en")
    await talk.finish()


async def test_cancel_leaves_a_question_then_the_card_then_finds_nothing(rig):
    # Given a card with a question over it
    talk = await start_talk(rig)
    await talk.say("a lighthouse")
    await talk.press(OpenInput(code="zi", name="prompt"))

    # When /cancel is sent three times, then each leaves what is left
    assert (await talk.say("/cancel")).text == text("cancelled", "en")
    assert (await talk.say("/cancel")).text == text("card-put-away", "en")
    assert (await talk.say("/cancel")).text == text("nothing-to-cancel", "en")


async def test_cancel_says_that_a_confirmed_generation_goes_on(rig):
    # Given a confirmed order that KIE never finishes
    talk = await start_talk(rig)
    card = await talk.say("a cat [[T9:generating]]")
    await talk.press(card.buttons[0][0], card)

    # When the user wants to cancel
    answer = await talk.say("/cancel")

    # Then the bot says that it can't be done, and the order goes on
    assert answer.text == text("running-cannot-cancel", "en", count=1)
    await talk.quiet()


async def test_a_question_is_left_by_any_button_or_command(rig):
    # Given the question for a number
    talk = await start_talk(rig)
    await talk.press(PickModel(code="sd3"))
    await talk.press(OpenInput(code="sd3", name="seed"))

    # When the user looks at the balance and then writes
    await talk.say("/balance")
    card = await talk.say("a lighthouse")

    # Then the text is a prompt
    assert "✅ Create for 3.40 ₽" in labels(card)


async def test_a_prompt_is_new_once_the_last_one_is_bought(rig):
    # Given a confirmed card
    talk = await start_talk(rig)
    card = await talk.say("a lighthouse")
    await talk.press(card.buttons[0][0], card)

    # When a new picture is asked for
    draft = await talk.say("/generate")

    # Then the bot asks for new words
    assert "Now tell me what to draw" in draft.text
    await talk.finish()


async def test_the_menu_leaves_status_and_pictures_where_they_are(rig):
    # Given a delivered picture
    talk = await start_talk(rig)
    card = await talk.say("a lighthouse")
    await talk.press(card.buttons[0][0], card)
    await talk.finish()
    picture = next(message for message in talk.said if message.photo)

    # When the menu is opened from the status and from the picture
    for message in (card, picture):
        await talk.press("🏠 Menu", message)
        # Then it comes below, and what was told stays
        assert talk.last.text.startswith("🏠 Menu")
    assert card.text.startswith("✅ Done")
    # And the picture can be had again: as a new card, and as a file
    await talk.press("🔁 Again", picture)
    assert "✅ Create for 0.80 ₽" in labels(talk.last)
    await talk.press("📄 As a file", picture)
    await talk.finish()
    assert talk.last.document == picture.photo


async def test_an_expired_card_is_priced_anew_and_buys_nothing(rig):
    # Given two cards, the first more than 15 minutes old
    talk = await start_talk(rig)
    card = await talk.say("an old lighthouse")
    async with connected(rig.database.owner_url) as owner:
        await owner.execute(EXPIRE, talk.person.user_id)
    await talk.say("a new whale")

    # When the first is confirmed
    answer = await talk.press(card.buttons[0][0], card)

    # Then it says why not, and shows that very card with a fresh price
    assert answer == text("quote-expired", "en")
    assert "an old lighthouse" in card.text
    assert await rig.fetchval(BOUGHT, talk.person.user_id) == 0


async def test_a_model_switched_off_meanwhile_is_not_sold(rig):
    # Given a card of a model that goes off sale
    talk = await start_talk(rig)
    await talk.press(PickModel(code="qw2"))
    card = await talk.say("a lighthouse")
    async with connected(rig.database.owner_url) as owner:
        await owner.execute(SWITCH_OFF, "qwen2/text-to-image")

    # When it is confirmed, picked, or set
    confirmed = await talk.press(card.buttons[0][0], card)
    picked = await talk.press(PickModel(code="qw2"), card)
    await talk.press(SetInput(code="qw2", name="output_format", value="jpeg"), card)

    # Then each says so, and nothing is bought
    assert confirmed == picked == text("model-gone", "en")
    assert await rig.fetchval(BOUGHT, talk.person.user_id) == 0


async def test_a_button_is_answered_before_anything_else_is_called(rig):
    # Given a card
    talk = await start_talk(rig)
    card = await talk.say("a lighthouse")

    # When buttons are pressed that redraw, post and buy
    for button in (Open(screen="balance"), Open(screen="new-menu"), card.buttons[0][0]):
        before = len(rig.telegram.calls)
        await talk.press(button, card)
        # Then the first call answers the button
        calls = [call.method for call in rig.telegram.calls[before:]]
        assert calls[0] == "answerCallbackQuery"
        assert len(calls) > 1
    await talk.finish()


async def test_an_answer_that_comes_too_late_harms_nothing(rig):
    # Given a Telegram that takes no answer to a button any more
    talk = await start_talk(rig)
    menu = talk.last
    fault = rig.telegram.faults.refuse(400, TOO_OLD, method="answerCallbackQuery")

    # When a button is pressed
    await talk.person.press(menu.button(Open(screen="help").pack()), menu)
    await talk.quiet()

    # Then the screen is drawn all the same
    assert fault.struck == 1
    assert menu.html == text("help", "en")


async def test_who_blocks_the_bot_is_noted_and_hears_again_after_coming_back(rig):
    # Given somebody whose picture is under way
    talk = await start_talk(rig)
    card = await talk.say("a lighthouse")
    await talk.press(card.buttons[0][0], card)

    # When they block the bot, and let it in again
    talk.person.block()
    await talk.quiet()
    unreachable = "SELECT unreachable_since IS NOT NULL FROM users WHERE user_id = $1"
    assert await rig.fetchval(unreachable, talk.person.user_id)
    talk.person.unblock()
    await talk.quiet()

    # Then they are reachable, and the picture comes
    assert not await rig.fetchval(unreachable, talk.person.user_id)
    await talk.person.wait_for(lambda message: message.photo is not None)
    await talk.finish()


async def test_who_is_locked_out_may_still_ask_for_terms_and_about_payments(rig):
    # Given somebody who is banned
    talk = await start_talk(rig)
    async with connected(rig.database.owner_url) as owner:
        ban = "UPDATE users SET banned_at = now() WHERE user_id = $1"
        await owner.execute(ban, talk.person.user_id)

    # When they order, press and ask
    order = await talk.say("a lighthouse")
    await talk.press(Open(screen="menu"))

    # Then only the duties of a seller are answered
    assert order.text == talk.last.text == text("banned", "en")
    assert (await talk.say("/paysupport")).html == text("paysupport", "en")
    assert (await talk.say("/terms")).html == text("terms", "en")
