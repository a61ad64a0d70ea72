"""C12: a confirmation that breaks after any of its statements leaves money and goods agreeing."""

import contextlib
import json
from decimal import Decimal
from itertools import count

import pytest

from service.bot.callbacks import Confirm
from service.bot.speech import BotSpeech
from service.domain.catalogue import load_catalogue
from service.domain.money import rub
from service.domain.pricing import Rates
from service.flows.audit_ledger import audit_ledger
from service.flows.quote_draft import quote_draft
from service.flows.take_turn import take_turn
from service.store import ledger, rates, updates
from service.store.updates import ReceivedUpdate
from tests.factories import make_user
from tests.support.gated_pool import FaultyPool
from tests.support.scripted import make_deps

TOKEN = "7000000001:stub-token"
MODEL_CODE = "zi"
PICTURES = 2
PRICE = 160
MONEY = 10_000
RATES = Rates(
    rub_per_usd=Decimal(95),
    markup=Decimal("2.0"),
    rub_per_star=Decimal("1.4"),
    usd_per_star=Decimal("0.013"),
)
#: Longer than any wait between two tries.
LATER_S = 60
GOODS = """
SELECT
    (SELECT count(*) FROM generations WHERE user_id = $1) AS generations,
    (SELECT count(*) FROM tasks WHERE user_id = $1) AS tasks,
    (SELECT coalesce(sum(amount_kopecks), 0)::bigint FROM holds WHERE user_id = $1) AS held,
    (
        SELECT count(*) FROM outbox WHERE chat_id = $1 AND kind = 'generation_status'
    ) AS announced
"""
NOTHING = {"generations": 0, "tasks": 0, "held": 0, "announced": 0}
EVERYTHING = {"generations": 1, "tasks": PICTURES, "held": PRICE, "announced": 1}


class Fault:
    """Raises after the n-th statement since it was set, once."""

    def __init__(self):
        self.left = 0

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("injected")


@pytest.fixture
async def deps(pool):
    made = make_deps(pool, catalogue=load_catalogue(), welcome_kopecks=rub(0))
    await rates.add_first(pool, RATES, now=made.now())
    return made


async def a_quote(deps, user_id):
    """Promise a price to a user; gives the quote's id."""
    async with deps.pool.acquire() as db, db.transaction():
        card = await quote_draft(
            db, deps, user_id=user_id, model=deps.catalogue.by_code[MODEL_CODE], parameters={},
            pictures=PICTURES, style="none", prompt="a red apple",
        )  # fmt: skip
    assert card.price.total_kopecks == PRICE
    return card.quote_id


async def press_confirm(deps, user_id, update_id, quote_id):
    """Keep the update of a pressed button."""
    person = {"id": user_id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    message = {"message_id": 5, "date": 1, "chat": {"id": user_id, "type": "private"}, "text": "."}
    query = {
        "id": str(update_id), "from": person, "chat_instance": "1", "message": message,
        "data": Confirm(quote_id=quote_id).pack(),
    }  # fmt: skip
    body = json.dumps({"update_id": update_id, "callback_query": query})
    await updates.keep(deps.pool, [ReceivedUpdate(update_id, user_id, body)], now=deps.now())


async def test_c12_an_error_after_any_statement_of_a_confirm_leaves_nothing_half_bought(
    deps, app, database
):
    fault = Fault()
    speech = BotSpeech(deps, token=TOKEN)
    for statements in count(1):
        # Given a user with money and a card
        user_id = await make_user(app, available=MONEY)
        quote_id = await a_quote(deps, user_id)
        await press_confirm(deps, user_id, statements, quote_id)

        # When the confirmation breaks after its n-th statement
        faulty = make_deps(FaultyPool(deps.pool, fault), catalogue=deps.catalogue, clock=deps.clock)
        fault.left = statements
        with contextlib.suppress(RuntimeError):
            await take_turn(faulty, speech, user_id)
        if fault.left > 0:
            break

        # Then either all is bought or nothing at all
        goods = dict(await deps.pool.fetchrow(GOODS, user_id))
        assert goods in (NOTHING, EVERYTHING), f"after statement {statements}"
        balances = await ledger.get_balances(deps.pool, user_id)
        assert balances.spendable_kopecks == MONEY - goods["held"]
        # And tried again it is bought, once
        fault.left = 0
        deps.clock.move(LATER_S)
        await deps.pool.execute("UPDATE chats SET lease_token = NULL, lease_until = NULL")
        await take_turn(deps, speech, user_id)
        goods = dict(await deps.pool.fetchrow(GOODS, user_id))
        assert goods == EVERYTHING, f"after statement {statements}"
        balances = await ledger.get_balances(deps.pool, user_id)
        assert balances.spendable_kopecks == MONEY - PRICE
    assert statements > 20
    assert await audit_ledger(database.owner_url) == []


async def test_two_presses_at_once_buy_once(deps, app):
    # Given a card whose button was pressed three times before anybody answered
    user_id = await make_user(app, available=MONEY)
    quote_id = await a_quote(deps, user_id)
    for update_id in (1, 2, 3):
        await press_confirm(deps, user_id, update_id, quote_id)

    # When the chat takes its turn
    await take_turn(deps, BotSpeech(deps, token=TOKEN), user_id)

    # Then it was bought once, and each press was answered
    assert dict(await deps.pool.fetchrow(GOODS, user_id)) == EVERYTHING
    methods = [method for method, _ in deps.messenger.calls]
    assert methods.count("answerCallbackQuery") == 3
