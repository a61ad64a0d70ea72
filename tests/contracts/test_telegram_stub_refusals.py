"""What the Telegram stub refuses: one raw HTTP test for each row of the fact sheet's section 10."""

import pytest

from tests.contracts.telegram_stub_support import (
    PERSON_ID,
    keyboard,
    padded_picture,
    picture,
    running_stub,
)

MIB = 1 << 20
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize("text", ["", "  \n ", "<b> </b>"])
async def test_an_empty_text_is_refused(text):
    async with running_stub() as api:
        # Given / When a message whose text is empty once its markup is parsed
        answer = await api.say(text, parse_mode="HTML")

        # Then it is refused and the person sees nothing
        assert answer.refusal == (400, "Bad Request: message text is empty")
        assert api.person.messages == []


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [("a" * 4096, True), ("a" * 4097, False), ("🚀" * 2048, True), ("🚀" * 2049, False)],
)
async def test_an_over_long_text_is_refused_as_counted_after_entity_parsing(text, is_accepted):
    async with running_stub() as api:
        # Given / When a text at the limit in UTF-16 units, not counting tags and escapes
        answer = await api.say(f"<b>{text}</b>", parse_mode="HTML")

        # Then one unit more is too much
        if is_accepted:
            assert answer.result["text"] == text
        else:
            assert answer.refusal == (400, "Bad Request: message is too long")


async def test_an_over_long_caption_is_refused_as_counted_after_entity_parsing():
    async with running_stub() as api:
        # Given two captions, one unit apart, each in a tag
        files = {"photo": ("a.png", picture())}
        fits = {"caption": f"<i>{'a' * 1023}&lt;</i>", "parse_mode": "HTML"}
        exceeds = {"caption": f"<i>{'a' * 1024}&lt;</i>", "parse_mode": "HTML"}

        # When both are sent
        good = await api.upload("sendPhoto", files, **fits)
        bad = await api.upload("sendPhoto", files, **exceeds)

        # Then only the longer one is refused
        assert len(good.result["caption"]) == 1024
        assert bad.refusal == (400, "Bad Request: message caption is too long")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("я < 5", 'Unsupported start tag "" at byte offset 3'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
    ],
)
async def test_wrong_markup_is_refused_with_its_reason(source, reason):
    async with running_stub() as api:
        # Given / When a text with markup Telegram can't read
        answer = await api.say(source, parse_mode="HTML")

        # Then the reason names the place
        assert answer.refusal == (400, f"Bad Request: can't parse entities: {reason}")


@pytest.mark.parametrize(
    ("data", "is_accepted"), [("ж" * 32, True), ("ж" * 32 + "a", False), ("", False)]
)
async def test_callback_data_over_64_bytes_is_refused(data, is_accepted):
    async with running_stub() as api:
        # Given / When a button with so many bytes of data
        answer = await api.say(reply_markup=keyboard({"text": "a", "callback_data": data}))

        # Then 64 pass and 65 do not
        assert answer.body["ok"] is is_accepted
        if not is_accepted:
            assert answer.refusal == (400, "Bad Request: BUTTON_DATA_INVALID")


async def test_a_button_with_no_action_is_refused():
    async with running_stub() as api:
        # Given / When a button that does nothing
        answer = await api.say(reply_markup=keyboard({"text": "a"}))

        # Then it is refused
        text = "Bad Request: text buttons are unallowed in the inline keyboard"
        assert answer.refusal == (400, text)


async def test_more_than_100_buttons_are_refused():
    async with running_stub() as api:
        # Given keyboards of 100 and 101 buttons
        buttons = [{"text": str(number), "callback_data": "x"} for number in range(101)]

        # When both are sent
        good = await api.say(reply_markup=keyboard(*buttons[:100]))
        bad = await api.say(reply_markup=keyboard(*buttons))

        # Then the larger one is too long
        assert good.status == 200
        assert bad.refusal == (400, "Bad Request: reply markup is too long")


async def test_a_second_answer_to_a_callback_query_is_refused():
    async with running_stub() as api:
        # Given a pressed button
        await api.say(reply_markup=keyboard({"text": "a", "callback_data": "x"}))
        press = await api.person.press("a")
        query_id = (await api.updates())[0]["callback_query"]["id"]

        # When the bot answers twice
        first = await api.call("answerCallbackQuery", callback_query_id=query_id, text="ok")
        second = await api.call("answerCallbackQuery", callback_query_id=query_id)

        # Then only the first counts
        assert first.result is True
        assert second.refusal == (400, QUERY_TOO_OLD)
        assert await press == "ok"


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("answerCallbackQuery", {"callback_query_id": "1"}),
        ("answerPreCheckoutQuery", {"pre_checkout_query_id": "1", "ok": True}),
    ],
)
async def test_an_answer_to_an_unknown_query_is_refused(method, values):
    async with running_stub() as api:
        # Given / When an answer to a query that never was
        answer = await api.call(method, **values)

        # Then it is refused
        assert answer.refusal == (400, QUERY_TOO_OLD)


async def test_an_unchanged_edit_is_refused_in_telegrams_words():
    async with running_stub() as api:
        # Given a message with a keyboard
        markup = keyboard({"text": "a", "callback_data": "x"})
        sent = (await api.say("hello", reply_markup=markup)).result
        place = {"chat_id": PERSON_ID, "message_id": sent["message_id"]}

        # When it is edited to what it is already, in text or in keyboard
        text = await api.call("editMessageText", **place, text=" hello ", reply_markup=markup)
        buttons = await api.call("editMessageReplyMarkup", **place, reply_markup=markup)

        # Then both are refused, and a real change is not
        assert text.refusal == buttons.refusal == (400, NOT_MODIFIED)
        changed = await api.call("editMessageText", **place, text="hello")
        assert "reply_markup" not in changed.result


@pytest.mark.parametrize(
    "method", ["editMessageText", "editMessageReplyMarkup", "editMessageCaption"]
)
async def test_an_edit_of_an_unknown_message_is_refused(method):
    async with running_stub() as api:
        # Given / When an edit of a message that never was
        answer = await api.call(method, chat_id=PERSON_ID, message_id=7, text="x", caption="x")

        # Then it is not found
        assert answer.refusal == (400, "Bad Request: message to edit not found")


async def test_an_edit_of_the_persons_own_message_is_refused():
    async with running_stub() as api:
        # Given a message of the person
        said = await api.person.say("mine")

        # When the bot edits it
        place = {"chat_id": PERSON_ID, "message_id": said.message_id}
        answer = await api.call("editMessageText", **place, text="yours")

        # Then it can't
        assert answer.refusal == (400, "Bad Request: message can't be edited")


async def test_a_delete_of_an_unknown_message_is_refused():
    async with running_stub() as api:
        # Given a message deleted already
        sent = (await api.say()).result
        place = {"chat_id": PERSON_ID, "message_id": sent["message_id"]}
        first = await api.call("deleteMessage", **place)

        # When it is deleted again
        second = await api.call("deleteMessage", **place)

        # Then it is not found
        assert first.result is True
        assert second.refusal == (400, "Bad Request: message to delete not found")


async def test_get_updates_while_a_webhook_is_set_is_refused():
    async with running_stub() as api:
        # Given a webhook
        await api.call("setWebhook", url="http://127.0.0.1:9/hook")

        # When the bot polls
        answer = await api.call("getUpdates")

        # Then that is a conflict
        text = (
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first"
        )
        assert answer.refusal == (409, text)


async def test_a_photo_over_10_mb_is_refused():
    async with running_stub() as api:
        # Given pictures of 10 MiB and of one byte more
        fits, exceeds = padded_picture(10 * MIB), padded_picture(10 * MIB + 1)

        # When both are sent as photos
        good = await api.upload("sendPhoto", {"photo": ("a.jpg", fits)})
        bad = await api.upload("sendPhoto", {"photo": ("a.jpg", exceeds)})

        # Then the larger one is too big
        assert good.result["photo"][-1]["file_size"] == 10 * MIB
        status, description = bad.refusal
        assert status == 400
        assert "is too big for a photo" in description


@pytest.mark.parametrize(
    ("width", "height", "is_accepted"),
    [(9500, 500, True), (9500, 501, False), (400, 20, True), (401, 20, False)],
)
async def test_a_photo_outside_the_side_and_ratio_limits_is_refused(width, height, is_accepted):
    async with running_stub() as api:
        # Given a real picture of this shape
        files = {"photo": ("a.png", picture(width, height))}

        # When it is sent as a photo
        answer = await api.upload("sendPhoto", files)

        # Then width plus height may be 10000 and the ratio 20
        if is_accepted:
            assert answer.status == 200
        else:
            assert answer.refusal == (400, "Bad Request: PHOTO_INVALID_DIMENSIONS")


@pytest.mark.parametrize("data", [b"no picture", picture()[:60]])
async def test_a_photo_that_is_no_picture_is_refused(data):
    async with running_stub() as api:
        # Given / When bytes that are no whole picture
        answer = await api.upload("sendPhoto", {"photo": ("a.png", data)})

        # Then they can't be processed
        assert answer.refusal == (400, "Bad Request: IMAGE_PROCESS_FAILED")


async def test_a_file_over_50_mb_is_refused():
    async with running_stub() as api:
        # Given / When files of 50 MiB and of one byte more
        good = await api.upload("sendDocument", {"document": ("a.bin", bytes(50 * MIB))})
        bad = await api.upload("sendDocument", {"document": ("a.bin", bytes(50 * MIB + 1))})

        # Then the larger one is refused, and neither can be downloaded by getFile
        assert good.result["document"]["file_size"] == 50 * MIB
        assert bad.refusal == (413, "Request Entity Too Large")
        file_id = good.result["document"]["file_id"]
        again = await api.call("getFile", file_id=file_id)
        assert again.refusal == (400, "Bad Request: file is too big")


@pytest.mark.parametrize(("count", "is_accepted"), [(1, False), (2, True), (10, True), (11, False)])
async def test_an_album_outside_2_to_10_is_refused(count, is_accepted):
    async with running_stub() as api:
        # Given / When an album of so many pictures
        files = {f"p{number}": ("a.png", picture()) for number in range(count)}
        media = [{"type": "photo", "media": f"attach://{name}"} for name in files]
        answer = await api.upload("sendMediaGroup", files, media=media)

        # Then all of it is sent or nothing
        assert answer.body["ok"] is is_accepted
        assert len(api.person.messages) == (count if is_accepted else 0)


async def test_an_album_that_mixes_photos_and_documents_is_refused():
    async with running_stub() as api:
        # Given / When an album of a photo and a document
        files = {"a": ("a.png", picture()), "b": ("b.bin", b"x")}
        media = [
            {"type": "photo", "media": "attach://a"},
            {"type": "document", "media": "attach://b"},
        ]
        answer = await api.upload("sendMediaGroup", files, media=media)

        # Then it is refused
        text = "Bad Request: document can't be mixed with other media types"
        assert answer.refusal == (400, text)


@pytest.mark.parametrize("method", ["sendNothing", "SENDMESSAGES"])
async def test_an_unknown_method_is_not_found(method):
    async with running_stub() as api:
        # Given / When a method that does not exist
        answer = await api.call(method)

        # Then it is not found
        assert answer.refusal == (404, "Not Found: method not found")


@pytest.mark.parametrize(
    ("token", "description"),
    [
        ("7000000001:other", "Unauthorized"),
        ("0123:abc", "Unauthorized: invalid token specified"),
        ("abc", "Unauthorized: invalid token specified"),
        (f"1:{'x' * 80}", "Unauthorized: invalid token specified"),
    ],
)
async def test_a_wrong_token_is_refused(token, description):
    async with running_stub() as api:
        # Given / When a call and a download with a token that is not the bot's
        call = await api.request("POST", f"{api.stub.url}/bot{token}/getMe")
        download = await api.request("GET", f"{api.stub.url}/file/bot{token}/photos/file_0.jpg")

        # Then both are refused
        assert call.refusal == download.refusal == (401, description)


async def test_a_file_id_of_another_bot_or_another_kind_is_refused():
    async with running_stub(seed=1) as api, running_stub(seed=2) as other:
        # Given a photo known to one bot
        sent = await api.upload("sendPhoto", {"photo": ("a.png", picture())})
        file_id = sent.result["photo"][-1]["file_id"]

        # When it is sent again, by another bot, and as a document
        own = await api.call("sendPhoto", chat_id=PERSON_ID, photo=file_id)
        foreign = await other.call("sendPhoto", chat_id=PERSON_ID, photo=file_id)
        changed = await api.call("sendDocument", chat_id=PERSON_ID, document=file_id)

        # Then it works only as what it is, for whose it is
        assert own.result["photo"][-1]["file_id"] == file_id
        text = "Bad Request: wrong file_id or the file is temporarily unavailable"
        assert foreign.refusal == (400, text)
        assert changed.refusal == (400, "Bad Request: can't use file of type Photo as Document")


async def test_chats_that_do_not_let_the_bot_in_are_refused():
    async with running_stub() as api:
        # Given a stranger, somebody who never pressed Start, and somebody who blocked the bot
        api.stub.person(2, is_started=False)
        api.stub.person(3).block()

        # When the bot writes to each
        answers = [
            await api.call("sendMessage", chat_id=chat_id, text="hello") for chat_id in (1, 2, 3)
        ]

        # Then each is refused in its own words
        assert [answer.refusal for answer in answers] == [
            (400, "Bad Request: chat not found"),
            (403, "Forbidden: bot can't initiate conversation with a user"),
            (403, "Forbidden: bot was blocked by the user"),
        ]
