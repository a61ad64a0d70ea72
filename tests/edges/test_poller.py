"""Without PUBLIC_URL Telegram is polled: the offset moves only after the rows are committed."""

import asyncio

import pytest

from service.bells import HandleChats
from service.errors import TransientError
from service.flows.accept_update import Inbox
from service.flows.poll_updates import Poller
from service.flows.web_deps import WebDeps
from service.gateways.clock import SystemClock
from service.ports import MessengerRefusedError
from service.store.database import Database
from tests.support.web_process import RecordedBells, ScriptedTelegram, ready_web, until

POLLING = {"PUBLIC_URL": "", "TELEGRAM_WEBHOOK_SECRET": "", "TIME_FACTOR": "0.01"}


def a_message(update_id, chat_id=7):
    return {"update_id": update_id, "message": {"chat": {"id": chat_id}, "text": "a red fox"}}


async def nothing_new():
    await asyncio.sleep(0.02)
    return []


@pytest.fixture
async def deps(database):
    opened = Database(database.app_url, size=4, name="test")
    await opened.open()
    yield WebDeps(
        database=opened,
        messenger=ScriptedTelegram(),
        bells=RecordedBells(),
        clock=SystemClock(),
        time_factor=0.01,
    )
    await opened.close()


async def test_updates_come_in_by_polling_and_the_webhook_is_removed_first(database, owner):
    # Given a Telegram with two pages of updates
    pages = [[a_message(5), a_message(6, chat_id=8)], [a_message(9)], *[nothing_new] * 1000]
    telegram = ScriptedTelegram(answers={"getUpdates": pages})

    # When a process without an address runs
    async with ready_web(database.app_url, telegram=telegram, **POLLING) as web:
        await until(lambda: len(telegram.named("getUpdates")) >= 3)
        bells = list(web.bells.rung)
        _, health = await web.get("/health")

    # Then the webhook went first, the rows are kept, and each page was asked for after the last
    assert telegram.calls[0] == ("deleteWebhook", {})
    assert await owner.fetchval("SELECT array_agg(update_id ORDER BY update_id) FROM updates") == [
        5,
        6,
        9,
    ]
    offsets = [call.get("offset") for call in telegram.named("getUpdates")[:3]]
    assert offsets == [None, 7, 10]
    assert HandleChats((7, 8)) in bells
    assert "polling" not in health["reasons"]
    assert telegram.named("getUpdates")[0]["timeout"] == 25
    assert "pre_checkout_query" in telegram.named("getUpdates")[0]["allowed_updates"]


async def test_the_offset_stays_while_the_rows_are_not_kept(deps, owner):
    # Given a database that refuses for a moment
    telegram, inbox = deps.messenger, Inbox(deps)
    poller = Poller(deps, inbox, poll_s=0)
    telegram.answers["getUpdates"] = [[a_message(5)], [a_message(5)], []]
    await owner.execute("ALTER TABLE updates RENAME TO updates_elsewhere")
    with pytest.raises(TransientError):
        await poller.poll_once()

    # When it is well again
    await owner.execute("ALTER TABLE updates_elsewhere RENAME TO updates")
    await poller.poll_once()
    await poller.poll_once()
    await inbox.close()

    # Then the same page was asked for again, and only then the next
    offsets = [call.get("offset") for call in telegram.named("getUpdates")]
    assert offsets == [None, None, 6]
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1


async def test_an_update_that_is_none_does_not_stop_the_others(deps, owner):
    # Given a page with things that are no updates
    inbox = Inbox(deps)
    poller = Poller(deps, inbox, poll_s=0)
    deps.messenger.answers["getUpdates"] = [[{"update_id": "x"}, 5, a_message(6)], []]

    # When it is polled
    await poller.poll_once()
    await poller.poll_once()
    await inbox.close()

    # Then the others are kept, and the page is done
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1
    assert deps.messenger.named("getUpdates")[1]["offset"] == 7


async def test_a_pre_checkout_is_answered_by_the_poller_itself(deps, owner):
    query = {"id": "q1", "from": {"id": 7, "language_code": "en"}}
    deps.messenger.answers["getUpdates"] = [[{"update_id": 5, "pre_checkout_query": query}]]
    await Poller(deps, Inbox(deps), poll_s=0).poll_once()

    assert deps.messenger.named("answerPreCheckoutQuery")[0]["pre_checkout_query_id"] == "q1"
    assert await owner.fetchval("SELECT handled_at IS NOT NULL FROM updates")


async def test_a_conflict_and_a_silence_are_tried_again(database, owner):
    # Given a Telegram where somebody polls too, and that then is silent for once
    conflict = MessengerRefusedError("Conflict: terminated by other getUpdates request")
    pages = [conflict, TransientError("silence"), [a_message(5)], *[nothing_new] * 1000]
    telegram = ScriptedTelegram(answers={"getUpdates": pages})

    # When a process polls, then it goes on, having removed the webhook anew
    async with ready_web(database.app_url, telegram=telegram, **POLLING):
        await until(lambda: len(telegram.named("getUpdates")) >= 4)
    assert len(telegram.named("deleteWebhook")) == 2
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1
