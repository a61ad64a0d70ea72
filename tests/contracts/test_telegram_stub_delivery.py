"""How the Telegram stub delivers: one raw HTTP test for each row of the fact sheet's section 10."""

import asyncio

import pytest
from aiohttp import web

from tests.contracts.telegram_stub_support import (
    PERSON_ID,
    hooked_stub,
    keyboard,
    running_stub,
    running_webhook,
)

FAST = 0.005


async def test_the_secret_header_comes_with_every_delivery():
    async with hooked_stub(secret_token="s3cret-Token_01") as (api, webhook):
        # Given / When two messages
        await api.person.say("one")
        await api.person.say("two")
        await webhook.wait_for(2)

        # Then both carry the secret
        secrets = [each["X-Telegram-Bot-Api-Secret-Token"] for each in webhook.headers]
        assert secrets == ["s3cret-Token_01"] * 2


async def test_one_update_comes_per_request_with_its_number_first():
    async with hooked_stub() as (api, webhook):
        # Given / When three messages
        for text in ("a", "b", "c"):
            await api.person.say(text)
        await webhook.wait_for(3)

        # Then each request is one JSON update and the numbers grow by one
        numbers = [update["update_id"] for update in webhook.received]
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert all(body.startswith(b'{"update_id":') for body in webhook.bodies)
        assert webhook.headers[0]["Content-Type"] == "application/json"


async def test_order_holds_inside_a_chat_and_a_failing_head_blocks_what_is_behind():
    fails = 3

    async def respond(update):
        nonlocal fails
        if update["message"]["text"] == "head" and fails:
            fails -= 1
            return web.Response(status=500)
        return web.Response()

    async with hooked_stub(respond, time_factor=FAST) as (api, webhook):
        # Given a message the webhook fails on three times, and two behind it
        for text in ("head", "second", "third"):
            await api.person.say(text)

        # When all is delivered
        await api.stub.delivery.wait_idle()

        # Then nothing overtook the head
        assert webhook.texts() == ["head"] * 4 + ["second", "third"]
        assert [each.attempts for each in api.stub.deliveries] == [4, 1, 1]


async def test_queues_of_different_chats_and_kinds_go_in_parallel():
    free = asyncio.Event()

    async def respond(_update):
        await free.wait()
        return web.Response()

    async with hooked_stub(respond) as (api, webhook):
        # Given a webhook that takes its time
        await api.say(reply_markup=keyboard({"text": "a", "callback_data": "x"}))

        # When one person writes twice and presses a button, and another one writes
        await api.person.say("one")
        await api.person.say("two")
        await api.person.press("a")
        await api.stub.person(2).say("other")
        await webhook.wait_for(3)

        # Then three requests are open: the second message waits for the first
        assert webhook.open_most == 3
        assert "two" not in webhook.texts()
        free.set()
        await api.stub.delivery.wait_idle()
        assert "two" in webhook.texts()


async def test_no_more_than_max_connections_are_open():
    free = asyncio.Event()

    async def respond(_update):
        await free.wait()
        return web.Response()

    async with running_webhook(respond) as webhook, running_stub() as api:
        # Given a webhook with two connections
        await api.call("setWebhook", url=webhook.url, max_connections=2)

        # When five people write
        for user_id in range(1, 6):
            await api.stub.person(user_id).say("hello")
        await webhook.wait_for(2)
        free.set()
        await api.stub.delivery.wait_idle()

        # Then never more than two were served at once
        assert len(webhook.received) == 5
        assert webhook.open_most == 2


@pytest.mark.parametrize("status", [302, 404, 500, 503])
async def test_anything_but_a_2xx_is_tried_again(status):
    answers = [status, status, 204]

    async def respond(_update):
        return web.Response(status=answers.pop(0), headers={"Location": "/elsewhere"})

    async with hooked_stub(respond, time_factor=FAST) as (api, webhook):
        # Given / When a message to a webhook that fails twice
        await api.person.say("hello")
        await api.stub.delivery.wait_idle()

        # Then the same update came three times and the failure is told
        assert len(set(webhook.bodies)) == 1
        assert len(webhook.bodies) == 3
        info = (await api.call("getWebhookInfo")).result
        assert info["last_error_message"].startswith(f"Wrong response from the webhook: {status}")
        assert info["pending_update_count"] == 0


async def test_pauses_grow_as_telegrams_do():
    async with running_stub() as api:
        # Given / When the pauses after the first eight failures
        pauses = [api.stub.delivery._pause_s(failures, None) for failures in range(1, 9)]

        # Then the first try comes at once and the last ones are capped
        assert pauses[:6] == [0.0, 2.0, 4.0, 8.0, 16.0, 32.0]
        assert 60.0 <= pauses[6] <= 64.0
        assert 60.0 <= pauses[7] <= 120.0


@pytest.mark.parametrize(("retry_after", "attempts"), [("100", 2), ("200", 1)])
async def test_a_retry_after_of_the_webhook_is_honoured(retry_after, attempts):
    answers = [503]

    async def respond(_update):
        status = answers.pop() if answers else 200
        return web.Response(status=status, headers={"Retry-After": retry_after})

    async with hooked_stub(respond, time_factor=FAST) as (api, _):
        # Given a webhook that asks to wait shorter or longer than a callback is kept
        await api.say(reply_markup=keyboard({"text": "a", "callback_data": "x"}))

        # When a button is pressed
        await api.person.press("a")
        await api.stub.delivery.wait_idle()

        # Then the longer wait ends the update, though a first retry usually comes at once
        assert [each.attempts for each in api.stub.deliveries] == [attempts]


async def test_callbacks_and_pre_checkouts_are_dropped_after_150_s():
    async def respond(_update):
        return web.Response(status=500)

    async with hooked_stub(respond, time_factor=0.001) as (api, _):
        # Given a webhook that always fails
        link = (await api.invoice("createInvoiceLink")).result
        await api.say(reply_markup=keyboard({"text": "a", "callback_data": "x"}))

        # When a button is pressed, a payment begun and a message sent
        await api.person.press("a")
        payment = await api.person.pay(link)
        await api.person.say("hello")
        await api.stub.delivery.watchers.until(
            lambda: len(api.stub.world.updates.pending) == 1, timeout_s=10, what="the expiry"
        )

        # Then after 150 s, here 0.15, only the message is still tried
        outcomes = {each.kind: each.outcome for each in api.stub.deliveries}
        assert outcomes["callback_query"] == outcomes["pre_checkout_query"] == "expired"
        assert outcomes["message"] == "waiting"
        assert payment.outcome == "timed_out"


@pytest.mark.parametrize("is_form", [False, True])
async def test_a_method_in_the_webhooks_answer_is_carried_out(is_form):
    async def respond(_update):
        values = {"method": "sendMessage", "chat_id": str(PERSON_ID), "text": "from the answer"}
        if is_form:
            body = "&".join(f"{name}={value}" for name, value in values.items())
            return web.Response(text=body, content_type="application/x-www-form-urlencoded")
        return web.json_response(values)

    async with hooked_stub(respond) as (api, _):
        # Given / When a message to a webhook that answers with a method
        await api.person.say("hello")

        # Then the person gets it
        answer = await api.person.wait_for(lambda message: message.from_bot)
        assert answer.text == "from the answer"


@pytest.mark.parametrize("method", ["deleteWebhook", "setWebhook", "getMe", "logOut", "close"])
async def test_methods_that_may_not_come_in_an_answer_are_not_carried_out(method):
    async def respond(_update):
        return web.json_response({"method": method})

    async with hooked_stub(respond) as (api, _):
        # Given / When a webhook that answers with a barred method
        calls = len(api.stub.calls)
        await api.person.say("hello")
        await api.stub.delivery.wait_idle()

        # Then nothing happens
        assert len(api.stub.calls) == calls
        assert api.stub.delivery.hook is not None


async def test_the_result_of_a_method_in_an_answer_is_discarded():
    async def respond(_update):
        return web.json_response({"method": "sendMessage", "chat_id": 1, "text": "nobody"})

    async with hooked_stub(respond) as (api, webhook):
        # Given / When an answer whose method is refused
        await api.person.say("hello")
        await api.stub.delivery.wait_idle()

        # Then the update counts as delivered all the same
        assert len(webhook.received) == 1
        assert api.stub.refusals[-1].description == "Bad Request: chat not found"


async def test_410_for_23_hours_closes_the_webhook():
    async def respond(_update):
        return web.Response(status=410)

    async with hooked_stub(respond, time_factor=0.000_001) as (api, _):
        # Given / When a webhook that says 410 for 23 hours, here 0.08 s, to update after update
        for text in ("one", "two", "three"):
            api.stub.inject({"message": {"chat": {"id": PERSON_ID}, "text": text}})
            await api.stub.delivery.watchers.until(
                lambda: not api.stub.world.updates.pending or api.stub.delivery.hook is None,
                timeout_s=10,
                what="the expiry",
            )

        # Then there is no webhook any more
        assert (await api.call("getWebhookInfo")).result["url"] == ""


async def test_after_10_s_without_a_success_one_connection_is_left():
    is_well = False

    async def respond(_update):
        return web.Response(status=200 if is_well else 500)

    async with hooked_stub(respond, time_factor=0.001) as (api, webhook):
        # Given a webhook that fails for longer than 10 s, here 0.01
        for user_id in range(1, 9):
            await api.stub.person(user_id).say("hello")
        gate = api.stub.delivery.gate
        await api.stub.delivery.watchers.until(
            lambda: gate.is_slow, timeout_s=10, what="the slow mode"
        )
        assert gate._limit() == 1

        # When it is well again
        is_well = True
        await api.stub.delivery.wait_idle()

        # Then everything arrives and all connections are back
        assert {update["message"]["chat"]["id"] for update in webhook.received} == set(range(1, 9))
        assert gate._limit() == 40
