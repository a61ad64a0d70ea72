"""The press that buys: once, at the price of the card, or not at all with a clear answer (C1)."""

import pytest

from service.bot.callbacks import Confirm
from service.stubs.telegram_messages import Button
from service.texts import text
from tests.support.orders import buy, draw_card, made_with, spendable, the_only_task
from tests.support.rig import start_rig

QUICK = "[[latency:2]]"


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for all tests of this file: each has people of its own."""
    folder = tmp_path_factory.mktemp("confirmation")
    async with databases.clone() as database, start_rig(database, folder) as started:
        yield started
        # Whatever the tests did: in the end the whole ledger adds up.
        assert await started.audit() == []


async def test_c1_many_presses_of_one_button_are_one_order(rig):
    # Given a card
    order = await draw_card(rig, f"an impatient ibex {QUICK}")
    price_kopecks = order.price_kopecks

    # When its button is pressed eight times without waiting
    presses = [await order.person.press(order.confirm_button, order.card) for _ in range(8)]
    answers = [await press for press in presses]

    # Then one press bought, the others say so, and one task was made and paid
    assert answers.count(text("confirmed", "en")) == 1
    assert answers.count(text("already-confirmed", "en")) == 7
    order.generation_id = await rig.fetchval(
        "SELECT generation_id FROM generations WHERE user_id = $1", order.person.user_id
    )
    await order.end()
    assert len(made_with(rig, "an impatient ibex")) == 1
    assert await order.moved("capture") == price_kopecks


async def test_c1_several_cards_with_money_for_one_are_one_order(rig):
    # Given somebody with three cards and money for one of them
    ann = rig.person()
    await buy(rig, f"a first gull {QUICK}", person=ann, model="nbpro", pictures=4)
    # (the model and the number stay chosen)
    cards = [await draw_card(rig, f"a greedy gull {n} {QUICK}", person=ann) for n in range(3)]
    left = await spendable(rig, ann)
    price_kopecks = cards[0].price_kopecks
    assert price_kopecks <= left < 2 * price_kopecks

    # When all are confirmed at once
    presses = [await ann.press(card.confirm_button, card.card) for card in cards]
    answers = [await press for press in presses]

    # Then one is made, the others say what is missing, and nothing is owed
    lacking = text("not-enough-money", "en", missing=f"{(2 * price_kopecks - left) / 100:.2f} ₽")
    assert sorted(answers) == sorted([text("confirmed", "en"), lacking, lacking])
    await rig.until(
        "SELECT bool_and(finished_at IS NOT NULL) FROM generations WHERE user_id = $1", ann.user_id
    )
    assert len(made_with(rig, "a greedy gull")) == 4
    assert await spendable(rig, ann) == left - price_kopecks


async def test_the_card_the_hold_and_the_ledger_show_one_number(rig):
    # Given a card of three pictures of a model with shares
    card = await draw_card(rig, f"one number {QUICK}", model="wan27", pictures=3)
    shown = card.price_kopecks

    # When it is confirmed and made
    order = card
    await order.confirm()
    await order.end()
    await order.delivered()

    # Then quote, generation, hold, capture and balance agree with the card
    assert await rig.fetchval(
        "SELECT quotes.price_kopecks = $2 AND generations.price_kopecks = $2"
        " FROM generations JOIN quotes USING (quote_id) WHERE generation_id = $1",
        order.generation_id, shown,
    )  # fmt: skip
    assert await order.moved("hold") == await order.moved("capture") == shown
    assert order.spendable - await spendable(rig, order.person) == shown


async def test_a_card_of_more_than_15_minutes_is_worked_out_anew_and_charges_nothing(rig):
    # Given a card whose quote has expired
    order = await draw_card(rig, f"an old oak {QUICK}")
    await rig.pool.execute(
        "UPDATE quotes SET expires_at = now() WHERE user_id = $1", order.person.user_id
    )

    # When it is confirmed
    edits = order.card.edits
    answer = await order.confirm()

    # Then the user is told, nothing is charged, and the fresh card that follows can be bought
    assert answer == text("quote-expired", "en")
    assert order.generation_id == 0
    await order.person.wait_until(lambda: order.card.edits > edits)
    assert await spendable(rig, order.person) == order.spendable
    assert await order.confirm() == text("confirmed", "en")
    assert await order.end() == "completed"


async def test_a_model_switched_off_after_the_card_was_drawn_charges_nothing(rig):
    # Given a card of a model that is switched off before the press
    order = await draw_card(rig, f"a gone goose {QUICK}", model="sd45")
    await switch(rig, "seedream/4.5-text-to-image", switched_off=True)

    # When it is confirmed
    answer = await order.confirm()

    # Then the user is told, and nothing is charged or made
    await switch(rig, "seedream/4.5-text-to-image", switched_off=False)
    assert answer == text("model-gone", "en")
    assert order.generation_id == 0
    assert await spendable(rig, order.person) == order.spendable
    assert made_with(rig, "a gone goose") == []


async def test_a_second_press_after_the_model_was_switched_off_says_that_it_is_bought(rig):
    # Given an order under way, whose model is switched off
    order = await buy(rig, "a paid pony [[T9]]", model="sd45")
    quote = await rig.fetchval(
        "SELECT quote_id FROM generations WHERE generation_id = $1", order.generation_id
    )
    await switch(rig, "seedream/4.5-text-to-image", switched_off=True)

    # When the button is pressed again, as an impatient thumb does
    button = Button("again", data=Confirm(quote_id=quote).pack())
    answer = await (await order.person.press(button, order.card))

    # Then we don't claim that nothing was charged
    await switch(rig, "seedream/4.5-text-to-image", switched_off=False)
    assert answer == text("already-confirmed", "en")
    await order.until_known()
    rig.kie.finish((await the_only_task(rig, "a paid pony")).task_id)
    assert await order.end() == "completed"


async def switch(rig, model_id: str, *, switched_off: bool) -> None:
    """Take a model off sale, or put it back, as an administrator does."""
    await rig.pool.execute(
        "INSERT INTO model_switches (model_id, switched_off, actor, changed_at)"
        " VALUES ($1, $2, 'test', now()) ON CONFLICT (model_id) DO UPDATE"
        " SET switched_off = excluded.switched_off",
        model_id, switched_off,
    )  # fmt: skip
