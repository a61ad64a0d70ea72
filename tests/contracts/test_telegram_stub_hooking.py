"""Setting a webhook and polling at the Telegram stub, in raw HTTP."""

import asyncio

import pytest

from tests.contracts.telegram_stub_support import running_stub


async def test_get_updates_follows_its_offset():
    async with running_stub() as api:
        # Given three messages
        for text in ("a", "b", "c"):
            await api.person.say(text)
        first = await api.updates()

        # When nothing, the first one, and all but the last are confirmed
        again = await api.updates()
        rest = await api.updates(first[1]["update_id"])
        last = await api.updates(-1)

        # Then what is confirmed never comes again
        assert again == first
        assert [update["message"]["text"] for update in rest] == ["b", "c"]
        assert [update["message"]["text"] for update in last] == ["c"]
        assert (await api.updates(first[2]["update_id"] + 1, timeout_s=0)) == []


async def test_a_second_poller_ends_the_first():
    async with running_stub() as api:
        # Given a poll that waits
        polling = asyncio.create_task(api.call("getUpdates", timeout=20))
        await api.wait_for_poll()

        # When another one begins and an update comes
        other = asyncio.create_task(api.call("getUpdates", timeout=20))
        ended = await polling
        await api.person.say("hello")

        # Then the older one is ended by a conflict
        assert ended.refusal[0] == 409
        assert ended.refusal[1].startswith("Conflict: terminated by other getUpdates request")
        assert (await other).result[0]["message"]["text"] == "hello"


async def test_set_webhook_ends_a_poll():
    async with running_stub() as api:
        # Given a poll that waits
        polling = asyncio.create_task(api.call("getUpdates", timeout=20))
        await api.wait_for_poll()

        # When a webhook is set
        await api.call("setWebhook", url="http://127.0.0.1:9/hook")

        # Then the poll is ended by a conflict
        text = "Conflict: terminated by setWebhook request"
        assert (await polling).refusal == (409, text)


@pytest.mark.parametrize(
    ("values", "description"),
    [
        ({"url": "not a url"}, "Bad Request: invalid webhook URL specified"),
        ({"secret_token": "a" * 257}, "Bad Request: secret token is too long"),
        (
            {"secret_token": "no spaces"},
            "Bad Request: secret token contains unallowed characters",
        ),
        (
            {"url": "http://bot.example.com/hook"},
            "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
        ),
    ],
)
async def test_a_wrong_webhook_is_refused(values, description):
    async with running_stub() as api:
        # Given / When a webhook with one thing wrong
        answer = await api.call("setWebhook", **({"url": "https://bot.example.com/h"} | values))

        # Then it is refused
        assert answer.refusal == (400, description)


async def test_a_second_set_webhook_within_a_second_must_wait():
    async with running_stub() as api:
        # Given a webhook set just now
        first = await api.call("setWebhook", url="https://bot.example.com/h", max_connections=500)

        # When it is set again
        second = await api.call("setWebhook", url="https://bot.example.com/h")

        # Then that is too early, and the connections of the first were clamped
        assert first.result is True
        assert second.refusal == (429, "Too Many Requests: retry after 1")
        assert second.body["parameters"] == {"retry_after": 1}
        assert (await api.call("getWebhookInfo")).result["max_connections"] == 100


async def test_only_allowed_updates_are_queued_and_an_omitted_list_keeps_the_last():
    async with running_stub(time_factor=0.001) as api:
        # Given a bot that wants messages only, and a later call that says nothing
        await api.call("getUpdates", allowed_updates=["message"])
        await api.call("getUpdates")

        # When a message comes and the bot is blocked
        await api.person.say("hello")
        api.person.block()

        # Then only the message is queued
        kinds = [sorted(update) for update in await api.updates()]
        assert kinds == [["message", "update_id"]]
