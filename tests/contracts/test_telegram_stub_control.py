"""The Telegram stub from the person's side, in process and over HTTP."""

import asyncio

import pytest

from service.stubs.telegram_server import TelegramStubOptions, serve
from tests.contracts.telegram_stub_support import PERSON_ID, keyboard, running_stub

PEOPLE = "/stub/people"


async def control(api, verb, path, **values):
    options = {"json": values} if values else {}
    async with api.session.request(verb, f"{api.stub.url}{path}", **options) as response:
        return response.status, await response.json()


async def test_a_person_acts_over_http():
    async with running_stub() as api:
        # Given a person made over HTTP and a message with a button
        await control(api, "POST", PEOPLE, user_id=7, first_name="Zoe")
        await control(api, "POST", f"{PEOPLE}/7/say", text="hello")
        markup = keyboard({"text": "Go", "callback_data": "go"})
        await api.call("sendMessage", chat_id=7, text="<b>Yes</b>", parse_mode="HTML",
                       reply_markup=markup)  # fmt: skip

        # When the button is pressed over HTTP
        await control(api, "POST", f"{PEOPLE}/7/press", button="Go")

        # Then the bot hears both, and the messages can be read
        said, pressed = await api.updates()
        assert said["message"]["from"]["first_name"] == "Zoe"
        assert pressed["callback_query"]["data"] == "go"
        _, messages = await control(api, "GET", f"{PEOPLE}/7/messages")
        assert [message["text"] for message in messages] == ["hello", "Yes"]
        assert messages[1]["buttons"][0][0]["data"] == "go"
        _, calls = await control(api, "GET", "/stub/calls")
        assert [call["method"] for call in calls] == ["sendMessage", "getUpdates"]
        _, deliveries = await control(api, "GET", "/stub/deliveries")
        assert [each["kind"] for each in deliveries] == ["message", "callback_query"]


async def test_faults_and_updates_are_planned_over_http():
    async with running_stub() as api:
        # Given a fault and an update sent over HTTP
        await control(api, "POST", "/stub/faults", kind="too_many_requests", retry_after_s=3)
        await control(api, "POST", "/stub/updates", unheard_of={"x": 1})

        # When the bot calls
        answer = await api.say()
        (update,) = await api.updates()

        # Then both came
        assert answer.body["parameters"] == {"retry_after": 3}
        assert update["unheard_of"] == {"x": 1}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (f"{PEOPLE}/7/press", {"button": "nowhere"}),
        (f"{PEOPLE}/7/say", {"text": ""}),
        ("/stub/faults", {"kind": "earthquake"}),
        (PEOPLE, {"age": 5}),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(path, values):
    async with running_stub() as api:
        # Given / When something that can't be done
        status, answer = await control(api, "POST", path, **values)

        # Then the reason comes back
        assert status == 400
        assert answer["error"]


async def test_changes_are_streamed_and_waited_for():
    async with running_stub() as api:
        # Given a person who listens
        events = api.person.events
        waiting = asyncio.create_task(
            api.person.wait_for(lambda message: message.edits == 1, timeout_s=10)
        )

        # When a message is shown, edited and deleted
        sent = (await api.say("one")).result
        place = {"chat_id": PERSON_ID, "message_id": sent["message_id"]}
        await api.call("sendChatAction", chat_id=PERSON_ID, action="typing")
        await api.call("editMessageText", **place, text="two")
        message = await waiting
        await api.call("deleteMessage", **place)

        # Then each change was told in order
        kinds = [(await events.next()).kind for _ in range(4)]
        assert kinds == ["message", "action", "edit", "delete"]
        assert message.text == "two"
        assert api.person.messages == []


async def test_waiting_for_nothing_ends_with_a_clear_error():
    async with running_stub() as api:
        # Given / When a message that never comes
        with pytest.raises(TimeoutError, match="the message did not come within"):
            await api.person.wait_for(lambda _: True, timeout_s=0.05)

        # Then a call can be waited for and is found
        await api.say()
        assert (await api.stub.wait_for_call("sendMessage")).result["text"] == "hello"


async def test_a_subscription_is_paid_renewed_and_cancelled():
    async with running_stub() as api:
        # Given a subscription's link that was paid
        answer = await api.invoice("createInvoiceLink", subscription_period=2592000)
        paying = asyncio.create_task(api.person.pay(answer.result))
        (query,) = await api.updates()
        values = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": True}
        await api.call("answerPreCheckoutQuery", **values)
        charge_id = (await paying).charge_id

        # When it renews and is cancelled
        renewal = api.person.wallet.renew(charge_id)
        api.person.wallet.change_subscription(charge_id, "canceled")

        # Then flags are there only when true and the renewal has a charge of its own
        first, second, change = (await api.updates(query["update_id"] + 1))[:3]
        first, second = (each["message"]["successful_payment"] for each in (first, second))
        assert first["is_recurring"] is first["is_first_recurring"] is True
        assert "is_first_recurring" not in second
        assert second["telegram_payment_charge_id"] == renewal.charge_id != charge_id
        assert change["subscription"]["state"] == "canceled"


async def test_the_stub_runs_alone_until_it_is_cancelled():
    # Given a stub that serves
    serving = asyncio.create_task(serve(TelegramStubOptions()))
    await asyncio.sleep(0)

    # When it is cancelled
    serving.cancel()

    # Then it ends
    with pytest.raises(asyncio.CancelledError):
        await serving
