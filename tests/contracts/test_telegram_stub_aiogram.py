"""aiogram's own Bot works against the Telegram stub: all answers parse, all errors map."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    LabeledPrice,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from tests.contracts.telegram_stub_support import PERSON_ID, picture, running_stub

MARKUP = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="a", callback_data="x")]])


@asynccontextmanager
async def running_bot(token=None):
    """A stub and aiogram's Bot pointed at it."""
    async with running_stub() as api:
        session = AiohttpSession(api=TelegramAPIServer.from_base(api.stub.url))
        async with Bot(token or api.stub.options.bot_token, session=session) as bot:
            yield api, bot


async def test_texts_are_sent_edited_and_deleted():
    async with running_bot() as (api, bot):
        # Given a text with markup, answered by one with a keyboard
        first = await bot.send_message(PERSON_ID, "<b>hi</b> &lt;3 🚀", parse_mode="HTML")
        reply = ReplyParameters(message_id=first.message_id)
        second = await bot.send_message(
            PERSON_ID, "two", reply_markup=MARKUP, reply_parameters=reply
        )
        assert first.html_text == "<b>hi</b> &lt;3 🚀"
        assert second.reply_to_message.message_id == first.message_id

        # When both are changed
        edited = await second.edit_text("three")
        shown = await edited.edit_reply_markup(reply_markup=MARKUP)
        await first.delete()

        # Then the person sees one message, edited twice
        (message,) = api.person.messages
        assert (message.text, message.edits, message.from_bot) == ("three", 2, True)
        assert shown.reply_markup.model_dump() == MARKUP.model_dump()
        assert message.buttons[0][0].data == "x"


async def test_files_are_sent_by_upload_by_file_id_and_as_albums():
    async with running_bot() as (api, bot):
        # Given a picture sent as photo and as document
        data = picture(640, 480)
        photo = await bot.send_photo(PERSON_ID, BufferedInputFile(data, "cat.png"), caption="cat")
        document = await bot.send_document(PERSON_ID, BufferedInputFile(data, "cat.png"))
        file_id = photo.photo[-1].file_id

        # When they are sent again by their ids, alone and together with an upload
        again = await bot.send_photo(PERSON_ID, file_id)
        album = await bot.send_media_group(
            PERSON_ID,
            [
                InputMediaPhoto(media=file_id, caption="<i>both</i>", parse_mode="HTML"),
                InputMediaPhoto(media=BufferedInputFile(data, "dog.png")),
            ],
        )
        papers = await bot.send_media_group(
            PERSON_ID,
            [
                InputMediaDocument(media=document.document.file_id),
                InputMediaDocument(media=BufferedInputFile(b"text", "b.txt")),
            ],
        )

        # Then all show the same bytes, and albums share an id
        assert [size.width for size in photo.photo] == [90, 320, 640]
        assert again.photo[-1].file_unique_id == photo.photo[-1].file_unique_id
        assert len({message.media_group_id for message in album}) == 1
        assert album[0].html_text == "<i>both</i>"
        assert document.document.mime_type == "image/png"
        assert papers[1].document.file_name == "b.txt"
        assert api.person.messages[-3].photo == data
        downloaded = await bot.download(file_id)
        assert downloaded.read() == data


async def test_captions_and_media_are_edited():
    async with running_bot() as (api, bot):
        # Given a photo
        sent = await bot.send_photo(PERSON_ID, BufferedInputFile(picture(), "a.png"), caption="a")

        # When its caption and then its picture change
        captioned = await sent.edit_caption(caption="b", reply_markup=MARKUP)
        new = InputMediaDocument(media=BufferedInputFile(b"text", "b.txt"), caption="c")
        replaced = await captioned.edit_media(new)

        # Then the person sees the last state
        assert captioned.caption == "b"
        assert replaced.photo is None
        assert api.person.messages[-1].document == b"text"
        assert api.person.messages[-1].caption == "c"


async def test_a_pressed_button_reaches_the_bot_and_is_answered():
    async with running_bot() as (api, bot):
        # Given a message with a button
        await bot.send_message(PERSON_ID, "hello", reply_markup=MARKUP)

        # When the person presses it
        press = await api.person.press("x")
        (update,) = await bot.get_updates(timeout=5)
        await update.callback_query.answer("done", show_alert=True).as_(bot)

        # Then the answer comes back
        assert update.callback_query.data == "x"
        assert update.callback_query.message.text == "hello"
        assert await press == "done"


async def test_a_button_of_a_deleted_message_comes_with_an_inaccessible_message():
    async with running_bot() as (api, bot):
        # Given a message that was deleted while the person looked at it
        sent = await bot.send_message(PERSON_ID, "hello", reply_markup=MARKUP)
        shown = api.person.messages[-1]
        await sent.delete()

        # When its button is pressed
        await api.person.press("a", shown)
        (update,) = await bot.get_updates(timeout=5)

        # Then the bot knows only its place
        assert update.callback_query.message.date == 0
        assert update.callback_query.message.message_id == sent.message_id


async def test_an_invoice_is_paid_and_refunded():
    async with running_bot() as (api, bot):
        # Given an invoice
        sent = await bot.send_invoice(
            PERSON_ID,
            title="250 credits",
            description="Credits",
            payload="order:1",
            currency="XTR",
            prices=[LabeledPrice(label="250", amount=250)],
        )
        assert sent.reply_markup.inline_keyboard[0][0].pay is True
        paying = asyncio.create_task(api.person.pay(api.person.messages[-1]))

        # When the bot agrees and refunds later
        (asked,) = await bot.get_updates(timeout=5)
        await asked.pre_checkout_query.answer(ok=True).as_(bot)
        (paid,) = await bot.get_updates(offset=asked.update_id + 1, timeout=5)
        charge_id = paid.message.successful_payment.telegram_payment_charge_id
        await bot.refund_star_payment(PERSON_ID, charge_id)
        (refunded,) = await bot.get_updates(offset=paid.update_id + 1, timeout=5)

        # Then payment, refund and transactions tell the same
        assert (await paying).outcome == "paid"
        assert refunded.message.refunded_payment.telegram_payment_charge_id == charge_id
        transactions = (await bot.get_star_transactions()).transactions
        assert [each.id for each in transactions] == [charge_id, charge_id]
        assert (await bot.get_my_star_balance()).amount == 0


async def test_every_kind_of_update_parses():
    async with running_bot() as (api, bot):
        # Given / When a person does everything a person can do
        person = api.person
        said = await person.say("/start ref_1")
        await person.edit_message(said, "changed")
        await person.send_photo(caption="remove the background", media_group_id="13755")
        await person.send_document()
        await person.send_voice()
        await person.send_video()
        await person.send_sticker()
        await person.send_fields({"location": {"latitude": 1.5, "longitude": 2.5}})
        api.stub.group(-5)
        await person.say("hello all", chat_id=-5)
        person.block()
        person.unblock()

        # Then aiogram reads each update
        updates = await bot.get_updates(timeout=5)
        assert updates[0].message.entities[0].type == "bot_command"
        assert updates[1].edited_message.text == "changed"
        assert updates[2].message.photo[-1].width == 320
        assert updates[-3].message.chat.type == "group"
        members = [update.my_chat_member.new_chat_member.status for update in updates[-2:]]
        assert members == ["kicked", "member"]
        assert len(updates) == 11


async def test_the_bots_profile_is_kept():
    async with running_bot() as (_, bot):
        # Given / When names, commands and the menu button are set
        commands = [BotCommand(command="start", description="Begin")]
        await bot.set_my_commands(commands, language_code="en")
        await bot.set_my_description("A bot")
        await bot.set_chat_menu_button()

        # Then they can be read back, per language
        (kept,) = await bot.get_my_commands(language_code="en")
        assert (kept.command, kept.description) == ("start", "Begin")
        assert await bot.get_my_commands() == []
        assert (await bot.get_my_description()).description == "A bot"
        assert (await bot.get_chat_menu_button()).type == "default"
        assert (await bot.get_chat(PERSON_ID)).first_name == "Иван"
        assert (await bot.get_me()).is_bot


async def test_a_reply_keyboard_is_pressed():
    async with running_bot() as (api, bot):
        # Given a keyboard under the input field
        markup = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Menu")]])
        await bot.send_message(PERSON_ID, "hello", reply_markup=markup)

        # When its key is pressed
        await api.person.press_key("Menu")

        # Then the bot reads its text
        (update,) = await bot.get_updates(timeout=5)
        assert update.message.text == "Menu"


@pytest.mark.parametrize(
    ("status", "description", "error"),
    [
        (400, "Bad Request: chat not found", TelegramBadRequest),
        (401, "Unauthorized", TelegramUnauthorizedError),
        (403, "Forbidden: bot was blocked by the user", TelegramForbiddenError),
        (404, "Not Found: method not found", TelegramNotFound),
        (409, "Conflict: terminated by setWebhook request", TelegramConflictError),
        (413, "Request Entity Too Large", TelegramEntityTooLarge),
        (502, "Bad Gateway", TelegramServerError),
    ],
)
async def test_each_refusal_becomes_aiograms_own_error(status, description, error):
    async with running_bot() as (api, bot):
        # Given a planned refusal
        api.stub.faults.refuse(status, description)

        # When a message is sent
        with pytest.raises(error) as caught:
            await bot.send_message(PERSON_ID, "hello")

        # Then aiogram says the same
        assert description in str(caught.value)


async def test_429_becomes_a_retry_after():
    async with running_bot() as (api, bot):
        # Given a planned 429
        api.stub.faults.too_many_requests(retry_after_s=7)

        # When a message is sent
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(PERSON_ID, "hello")

        # Then the seconds are there
        assert caught.value.retry_after == 7


async def test_a_cut_connection_becomes_a_network_error():
    async with running_bot() as (api, bot):
        # Given a cut after the effect
        api.stub.faults.cut_after()

        # When a message is sent
        with pytest.raises(TelegramNetworkError):
            await bot.send_message(PERSON_ID, "hello")

        # Then the person has it all the same
        assert api.person.messages[-1].text == "hello"


async def test_a_wrong_token_and_an_unknown_method_are_aiograms_errors():
    class SendNothing(TelegramMethod[bool]):
        __returning__ = bool
        __api_method__ = "sendNothing"

    async with running_bot("7000000001:other") as (_, stranger):
        # Given / When a bot with another token
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    async with running_bot() as (_, bot):
        # And a method that does not exist; Then both fail as at Telegram
        with pytest.raises(TelegramNotFound):
            await bot(SendNothing())
