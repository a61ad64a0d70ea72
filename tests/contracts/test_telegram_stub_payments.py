"""Stars at the Telegram stub: invoices refused or paid, and refunds, in raw HTTP."""

import asyncio
from typing import Any

import pytest

from tests.contracts.telegram_stub_support import PERSON_ID, running_stub

FAST = 0.005


QUERY_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_second_answer_to_a_pre_checkout_query_is_refused():
    async with running_stub() as api:
        # Given a pre-checkout query the bot said no to
        link = (await api.invoice("createInvoiceLink")).result
        paying, query = await _start_paying(api, link)
        values = {"pre_checkout_query_id": query["id"]}
        no = await api.call("answerPreCheckoutQuery", **values, ok=False, error_message="no")

        # When it says yes after all
        yes = await api.call("answerPreCheckoutQuery", **values, ok=True)

        # Then the yes is too late
        assert no.result is True
        assert yes.refusal == (400, QUERY_TOO_OLD)
        assert (await paying).outcome == "declined"


TWO_PRICES = [{"label": "a", "amount": 1}, {"label": "b", "amount": 1}]
STARS_INVALID = "Bad Request: STARS_INVOICE_INVALID"


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"prices": TWO_PRICES}, STARS_INVALID),
        ({"prices": []}, STARS_INVALID),
        ({"provider_token": "12:TEST"}, STARS_INVALID),
        ({"payload": "ж" * 64 + "a"}, "Bad Request: INVOICE_PAYLOAD_INVALID"),
        ({"title": "t" * 33}, "Bad Request: TITLE_INVALID"),
        ({"description": "d" * 256}, "Bad Request: DESCRIPTION_INVALID"),
        ({"max_tip_amount": 5}, STARS_INVALID),
        ({"subscription_period": 86400}, "Bad Request: SUBSCRIPTION_PERIOD_INVALID"),
        (
            {"subscription_period": 2592000, "prices": [{"label": "a", "amount": 10001}]},
            STARS_INVALID,
        ),
    ],
)
async def test_an_xtr_invoice_that_breaks_the_rules_is_refused(changes, description):
    async with running_stub() as api:
        # Given / When an invoice with one thing wrong
        answer = await api.invoice("createInvoiceLink", **changes)

        # Then it is refused
        assert answer.refusal == (400, description)


async def test_an_xtr_invoice_at_every_limit_is_accepted():
    async with running_stub() as api:
        # Given / When an invoice whose every field is as large as it may be
        changes: dict[str, Any] = {
            "title": "t" * 32,
            "description": "d" * 255,
            "payload": "ж" * 64,
            "subscription_period": 2592000,
            "prices": [{"label": "a", "amount": 10000}],
        }
        answer = await api.invoice("createInvoiceLink", **changes)

        # Then a link comes back
        assert answer.result.startswith("https://t.me/$")


async def test_a_second_refund_of_a_charge_is_refused():
    async with running_stub() as api:
        # Given a payment that was refunded
        link = (await api.invoice("createInvoiceLink")).result
        paying, query = await _start_paying(api, link)
        await api.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
        charge_id = (await paying).charge_id
        values = {"user_id": PERSON_ID, "telegram_payment_charge_id": charge_id}
        first = await api.call("refundStarPayment", **values)

        # When it is refunded again
        second = await api.call("refundStarPayment", **values)

        # Then the Stars moved once
        assert first.result is True
        assert second.refusal == (400, "Bad Request: CHARGE_ALREADY_REFUNDED")
        assert (await api.call("getMyStarBalance")).result == {"amount": 0}


async def _start_paying(api, link):
    """Begin a payment; the task that pays, and the bot's pre-checkout query."""
    paying = asyncio.create_task(api.person.pay(link))
    return paying, (await api.updates())[0]["pre_checkout_query"]


async def test_a_payment_goes_through_once_the_bot_said_yes():
    async with running_stub() as api:
        # Given an invoice in the chat
        await api.invoice()
        paying = asyncio.create_task(api.person.pay(api.person.messages[-1]))
        (query,) = await api.updates()

        # When the bot says yes
        values = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": True}
        await api.call("answerPreCheckoutQuery", **values)
        (paid,) = await api.updates(query["update_id"] + 1)

        # Then the message tells of a charge with a long id that is booked once
        payment = paid["message"]["successful_payment"]
        assert payment["telegram_payment_charge_id"].startswith("stx")
        assert len(payment["telegram_payment_charge_id"]) > 128
        assert payment["invoice_payload"] == "order:7f3a9c"
        assert (await paying).charge_id == payment["telegram_payment_charge_id"]
        assert (await api.call("getMyStarBalance")).result == {"amount": 250}
        assert api.person.wallet.stars == 100_000 - 250


async def test_no_payment_follows_a_no():
    async with running_stub() as api:
        # Given a pre-checkout query
        link = (await api.invoice("createInvoiceLink")).result
        paying = asyncio.create_task(api.person.pay(link))
        (query,) = await api.updates()

        # When the bot says no
        values = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": False}
        await api.call("answerPreCheckoutQuery", **values, error_message="already paid")

        # Then the person reads why and nothing is charged
        payment = await paying
        assert (payment.outcome, payment.error_message) == ("declined", "already paid")
        assert (await api.call("getStarTransactions")).result == {"transactions": []}


async def test_no_payment_follows_a_yes_after_10_s():
    async with running_stub(time_factor=FAST) as api:
        # Given a payment nobody answered within 10 s, here 0.05
        link = (await api.invoice("createInvoiceLink")).result
        payment = await api.person.pay(link)
        (query,) = await api.updates()

        # When the bot says yes
        values = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": True}
        answer = await api.call("answerPreCheckoutQuery", **values)

        # Then it is too late and nothing is charged
        assert payment.outcome == "timed_out"
        assert "query is too old" in answer.refusal[1]
        assert (await api.call("getMyStarBalance")).result == {"amount": 0}


async def test_a_refund_is_told_by_a_message_of_the_bot_and_shown_with_the_same_id():
    async with running_stub() as api:
        # Given a payment
        link = (await api.invoice("createInvoiceLink")).result
        paying = asyncio.create_task(api.person.pay(link))
        (query,) = await api.updates()
        values = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": True}
        await api.call("answerPreCheckoutQuery", **values)
        charge_id = (await paying).charge_id

        # When it is refunded
        await api.call("refundStarPayment", user_id=PERSON_ID, telegram_payment_charge_id=charge_id)
        refund = (await api.updates())[-1]["message"]

        # Then sender is the bot, the Stars are back and both transactions have one id
        assert refund["from"]["is_bot"] is True
        assert refund["refunded_payment"]["telegram_payment_charge_id"] == charge_id
        assert api.person.wallet.stars == 100_000
        paid, refunded = (await api.call("getStarTransactions")).result["transactions"]
        assert paid["id"] == refunded["id"] == charge_id
        assert "source" in paid
        assert "receiver" in refunded
