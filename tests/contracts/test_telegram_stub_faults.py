"""What the Telegram stub does on demand, and the encodings it accepts, in raw HTTP."""

import asyncio
import json
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.contracts.telegram_stub_support import (
    PERSON_ID,
    hooked_stub,
    keyboard,
    picture,
    running_stub,
)


async def test_429_comes_with_retry_after_for_the_chosen_chat_and_count():
    async with running_stub() as api:
        # Given a planned 429 for two messages to one chat
        api.stub.person(2)
        fault = api.stub.faults.too_many_requests(retry_after_s=7, chat_id=PERSON_ID, times=2)

        # When both chats are written to
        other = await api.call("sendMessage", chat_id=2, text="hello")
        answers = [await api.say() for _ in range(3)]

        # Then only the two are refused, in body and header
        assert other.status == 200
        assert [answer.status for answer in answers] == [429, 429, 200]
        assert answers[0].refusal == (429, "Too Many Requests: retry after 7")
        assert answers[0].body["parameters"] == {"retry_after": 7}
        assert answers[0].headers["Retry-After"] == "7"
        assert fault.struck == 2
        assert len(api.person.messages) == 1


async def test_403_blocked_comes_for_the_chosen_method():
    async with running_stub() as api:
        # Given a planned block for sendMessage
        api.stub.faults.blocked(method="sendMessage")

        # When another method and then sendMessage are called
        action = await api.call("sendChatAction", chat_id=PERSON_ID, action="typing")
        message = await api.say()

        # Then only the chosen one is refused
        assert action.result is True
        assert message.refusal == (403, "Forbidden: bot was blocked by the user")


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_5xx_comes_without_effect(status):
    async with running_stub() as api:
        # Given / When a planned server error
        api.stub.faults.server_error(status=status)
        answer = await api.say()

        # Then the call fails, nothing is sent, and the refusal is noted
        assert answer.refusal[0] == status
        assert api.person.messages == []
        assert [call.error_code for call in api.stub.refusals] == [status]


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_hanging_call_is_answered_when_the_fault_is_cleared(after_effect):
    async with running_stub() as api:
        # Given a call that hangs before or after its effect
        fault = api.stub.faults.hang(after_effect=after_effect)
        calling = asyncio.create_task(api.say())
        await api.poll_until(lambda: fault.struck)
        if after_effect:
            await api.person.wait_for(lambda message: message.text == "hello")
        assert not calling.done()

        # When the fault is cleared
        shown = len(api.person.messages)
        api.stub.faults.clear()

        # Then the answer comes
        assert (await calling).result["text"] == "hello"
        assert shown == int(after_effect)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_connection_is_cut_before_or_after_the_call_took_effect(takes_effect):
    async with running_stub() as api:
        # Given a planned cut
        faults = api.stub.faults
        plan = faults.cut_after if takes_effect else faults.cut_before
        plan(method="sendMessage")

        # When a message is sent
        with pytest.raises(aiohttp.ClientError):
            await api.say("cut")

        # Then the caller knows nothing, and the person sees it or not
        texts = [message.text for message in api.person.messages]
        assert texts == (["cut"] if takes_effect else [])
        assert (await api.say("next")).status == 200


async def test_an_update_is_delivered_a_second_time_after_its_2xx():
    async with hooked_stub() as (api, webhook):
        # Given / When a repeat is asked for and two messages come
        api.stub.delivery.repeat_next()
        await api.person.say("one")
        await api.person.say("two")
        await api.stub.delivery.wait_idle()

        # Then the first comes twice under one number
        assert webhook.texts() == ["one", "one", "two"]
        assert webhook.received[0] == webhook.received[1]


async def test_an_update_is_delivered_twice_at_once():
    free = asyncio.Event()

    async def respond(_update):
        await free.wait()
        return aiohttp.web.Response()

    async with hooked_stub(respond) as (api, webhook):
        # Given / When a double is asked for and a message comes
        api.stub.delivery.double_next()
        await api.person.say("one")
        await webhook.wait_for(2)

        # Then both requests are open at the same time
        assert webhook.open_now == 2
        assert webhook.bodies[0] == webhook.bodies[1]
        free.set()
        await api.stub.delivery.wait_idle()


async def test_queues_are_reordered_but_never_inside_a_chat():
    async with hooked_stub() as (api, webhook):
        # Given three chats whose updates are held back
        api.stub.delivery.hold()
        for user_id in (1, 2, 3):
            await api.stub.person(user_id).say(f"{user_id} first")
            await api.stub.person(user_id).say(f"{user_id} second")

        # When they are let go the other way round
        await api.stub.delivery.release("reversed")
        await api.stub.delivery.wait_idle()

        # Then the last chat comes first, and each chat is in order
        firsts = [text for text in webhook.texts() if text.endswith("first")]
        assert firsts == ["3 first", "2 first", "1 first"]
        for user_id in (1, 2, 3):
            own = [text for text in webhook.texts() if text.startswith(str(user_id))]
            assert own == [f"{user_id} first", f"{user_id} second"]


async def test_one_kind_of_update_is_held_back_while_another_passes():
    async with hooked_stub() as (api, webhook):
        # Given messages that are held back
        await api.say(reply_markup=keyboard({"text": "a", "callback_data": "x"}))
        api.stub.delivery.hold("message")
        await api.person.say("earlier")

        # When a button is pressed afterwards
        await api.person.press("a")
        await webhook.wait_for(1)
        await api.stub.delivery.release()
        await api.stub.delivery.wait_idle()

        # Then the press overtook the message
        assert ["callback_query" in update for update in webhook.received] == [True, False]


async def test_any_update_can_be_injected():
    async with hooked_stub() as (api, webhook):
        # Given / When an update of an unknown type, and one with a number of its own
        update_id = api.stub.inject({"unheard_of": {"x": 1}})
        api.stub.inject({"update_id": 5, "message": {"chat": {"id": 1}, "text": "raw"}})
        await api.stub.delivery.wait_idle()

        # Then both are delivered as they are
        assert {"update_id": update_id, "unheard_of": {"x": 1}} in webhook.received
        assert {"update_id": 5, "message": {"chat": {"id": 1}, "text": "raw"}} in webhook.received


MARKUP = {"inline_keyboard": [[{"text": "a", "callback_data": "x"}]]}
FORM = {"chat_id": str(PERSON_ID), "text": "hello", "reply_markup": json.dumps(MARKUP)}


@pytest.mark.parametrize("encoding", ["query", "form", "json", "multipart"])
async def test_all_four_encodings_mean_the_same(encoding):
    async with running_stub() as api:
        # Given one call in one of the encodings, its method's name in other letters
        url = api.address("SENDMESSAGE")
        multipart = aiohttp.FormData(FORM, default_to_multipart=True)
        calls = {
            "query": ("GET", f"{url}?{urlencode(FORM)}", {}),
            "form": ("POST", url, {"data": FORM}),
            "json": (
                "POST",
                url,
                {"json": {"chat_id": PERSON_ID, "text": "hello", "reply_markup": MARKUP}},
            ),
            "multipart": ("POST", url, {"data": multipart}),
        }
        verb, address, options = calls[encoding]

        # When it is made
        answer = await api.request(verb, address, **options)

        # Then message and record are the same
        assert answer.result["reply_markup"] == MARKUP
        (call,) = api.stub.calls
        assert call.method == "sendMessage"
        assert call.parameters == {"chat_id": PERSON_ID, "text": "hello", "reply_markup": MARKUP}


@pytest.mark.parametrize("is_attached", [True, False])
async def test_both_shapes_of_upload_mean_the_same(is_attached):
    async with running_stub() as api:
        # Given a picture as a part the field points to, or as the field itself
        data = picture()
        part = "file1" if is_attached else "photo"
        values = {"photo": "attach://file1"} if is_attached else {}

        # When it is uploaded
        answer = await api.upload("sendPhoto", {part: ("cat.png", data)}, **values)

        # Then the person sees its very bytes and it can be downloaded
        assert api.person.messages[-1].photo == data
        (call,) = api.stub.calls
        assert [(file.name, file.size_bytes) for file in call.files] == [("cat.png", len(data))]
        file_id = answer.result["photo"][-1]["file_id"]
        path = (await api.call("getFile", file_id=file_id)).result["file_path"]
        url = f"{api.stub.url}/file/bot{api.stub.options.bot_token}/{path}"
        async with api.session.get(url) as response:
            assert await response.read() == data


async def test_get_me_says_yes_and_no_but_never_null():
    async with running_stub() as api:
        # Given / When the bot asks who it is
        me = (await api.call("getMe")).result

        # Then it is a bot and nothing is null
        assert me["is_bot"] is True
        assert me["can_join_groups"] is False
        assert None not in me.values()


async def test_wrong_json_is_refused():
    async with running_stub() as api:
        # Given / When a body that is no JSON object
        headers = {"Content-Type": "application/json"}
        answer = await api.request("POST", api.address("getMe"), data="[1", headers=headers)

        # Then it is refused
        assert answer.refusal == (400, "Bad Request: can't parse request: expected a JSON object")
