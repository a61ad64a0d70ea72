"""Every model on sale, bought by a person with buttons and words: what KIE gets, what it costs.

Requests are compared with tests/golden/requests/, prices with tests/golden/prices.json; both were
written by hand from KIE's documentation.
"""

import asyncio
import json
from pathlib import Path

import pytest

from service.bot.callbacks import OpenInput, PickModel, SetInput
from service.domain.catalogue import count_choices, load_catalogue
from service.domain.money import Kopecks, format_rubles
from service.stubs.telegram_messages import Button
from tests.support.rig import start_rig

GOLDEN = Path(__file__).parents[1] / "golden"
REQUESTS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((GOLDEN / "requests").glob("*.json"))
}
PRICES = json.loads((GOLDEN / "prices.json").read_text(encoding="utf-8"))
ORDERS = ("default", "everything", "four")
MODELS = load_catalogue().on_sale()
PROMPT = "a red apple"
CONFIRM = "✅ Create for "
#: What a test waits for at most; reached only when it fails.
PATIENCE_S = 60
SHARES = """
SELECT tasks.provider_task_id, tasks.state, sum(holds.captured_kopecks)::bigint AS paid_kopecks
FROM tasks JOIN holds USING (task_id)
WHERE tasks.generation_id = (SELECT max(generation_id) FROM generations WHERE user_id = $1)
GROUP BY tasks.task_id ORDER BY tasks.ordinal
"""


@pytest.fixture
async def rich_rig(database, tmp_path):
    """The whole product, with enough money for everybody to buy everything."""
    async with start_rig(database, tmp_path, WELCOME_BALANCE_RUB="5000") as rig:
        yield rig


class Buyer:
    """Somebody who composes pictures with one model, one after the other."""

    def __init__(self, rig, model):
        self.rig = rig
        self.model = model
        self.person = rig.person(first_name=model.code)

    async def arrive(self):
        await self.person.say("/start")
        self.menu = await self._answer_to(0)

    async def compose(self, parameters, pictures=None):
        """Start the model anew, choose everything, write the prompt; gives the card."""
        await self._press(PickModel(code=self.model.code))
        # Twice: what had to give way to a later choice is chosen again.
        for _ in range(2 if self.model.forbidden else 1):
            for name, value in parameters.items():
                await self._choose(name, value)
        await self._set("count", pictures or count_choices(self.model)[0])
        said = await self.person.say(PROMPT)
        return await self._answer_to(said.message_id)

    async def _choose(self, name, value):
        item = self.model.input(name)
        if item.choices or isinstance(value, bool):
            await self._set(name, value)
            return
        await self._press(OpenInput(code=self.model.code, name=name))
        said = await self.person.say(str(value))
        await self._answer_to(said.message_id)

    async def _set(self, name, value):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        await self._press(SetInput(code=self.model.code, name=name, value=text))

    async def _press(self, data):
        press = await self.person.press(Button("", data.pack()), self.menu)
        answer = await press.answer(timeout_s=PATIENCE_S)
        assert answer == "" or self.model.forbidden, f"{self.model.code}: {answer}"

    async def _answer_to(self, message_id):
        return await self.person.wait_for(
            lambda message: message.from_bot and message.message_id > message_id,
            timeout_s=PATIENCE_S,
        )

    async def buy(self, card):
        """Confirm a card; gives how KIE's tasks and the money of each ended."""
        before = len(self._done())
        answer = await (await self.person.press(_confirm_button(card), card)).answer(
            timeout_s=PATIENCE_S
        )
        assert answer
        await self.person.wait_until(lambda: len(self._done()) > before, timeout_s=PATIENCE_S)
        return await self.rig.pool.fetch(SHARES, self.person.user_id)

    def _done(self):
        return [message for message in self.person.messages if "✅ Done" in (message.text or "")]


def _confirm_button(card):
    buttons = [button for row in card.buttons for button in row]
    return next(button for button in buttons if button.text.startswith(CONFIRM))


def _written(kopecks):
    return format_rubles(Kopecks(kopecks), "en")


def _picture_kopecks(model, parameters):
    """Give the golden price of one picture: of the row that fits most of the parameters."""
    rows = [
        row
        for row in PRICES
        if row["model"] == model.id and row["parameters"].items() <= parameters.items()
    ]
    return max(rows, key=lambda row: len(row["parameters"]))["picture_kopecks"]


async def _everybody(buyers, work):
    async with asyncio.TaskGroup() as group:
        for buyer in buyers:
            group.create_task(work(buyer))


async def _buy_all(buyer):
    await buyer.arrive()
    golden = REQUESTS[buyer.model.code]
    for name in ORDERS:
        order, where = golden[name], f"{buyer.model.code} {name}"
        card = await buyer.compose(order["parameters"], order["pictures"])
        each = _picture_kopecks(buyer.model, order["parameters"])
        total = _written(each * order["pictures"])
        assert _confirm_button(card).text == CONFIRM + total, where

        tasks = await buyer.buy(card)
        sent = [buyer.rig.kie.tasks[task["provider_task_id"]] for task in tasks]
        assert [task.model for task in sent] == [golden["model"]] * len(sent), where
        asked = [request["input"] for request in order["requests"]]
        assert [dict(task.input) for task in sent] == asked, where
        paid = [each * request["pictures"] for request in order["requests"]]
        assert [task["paid_kopecks"] for task in tasks] == paid, where
        assert {task["state"] for task in tasks} == {"succeeded"}, where


async def test_every_model_on_sale_is_bought_through_the_front_door(rich_rig):
    # Given somebody for each of the 31 models on sale, and a golden file for each
    assert len(MODELS) == 31
    assert {model.code for model in MODELS} == set(REQUESTS)
    buyers = [Buyer(rich_rig, model) for model in MODELS]

    # When each buys the card as it starts, one with everything changed, and four pictures
    # Then KIE gets exactly the golden requests, and the price of the card is what is paid
    await _everybody(buyers, _buy_all)
    # And nothing else was asked of KIE, and the ledger adds up
    wanted = sum(len(REQUESTS[m.code][name]["requests"]) for m in MODELS for name in ORDERS)
    assert len(rich_rig.kie.tasks) == wanted
    assert await rich_rig.audit() == []


async def _price_all(buyer):
    await buyer.arrive()
    for row in PRICES:
        if row["model"] != buyer.model.id:
            continue
        for pictures in count_choices(buyer.model):
            where = f"{buyer.model.code} {row['parameters']} x {pictures}"
            card = await buyer.compose(row["parameters"], pictures)
            total = _written(row["picture_kopecks"] * pictures)
            assert _confirm_button(card).text == CONFIRM + total, where
            assert _written(row["picture_kopecks"]) in card.text, where
            quote = await buyer.rig.pool.fetchrow(
                "SELECT picture_kopecks, price_kopecks, cost_usd_micros FROM quotes"
                " WHERE user_id = $1 ORDER BY quote_id DESC LIMIT 1",
                buyer.person.user_id,
            )
            assert dict(quote) == {
                "picture_kopecks": row["picture_kopecks"],
                "price_kopecks": row["picture_kopecks"] * pictures,
                "cost_usd_micros": row["cost_usd_micros"] * pictures,
            }, where


async def test_every_combination_that_has_a_price_of_its_own_shows_it_on_the_card(rich_rig):
    # Given each model with each combination of the facts' price_by, and each number of pictures
    buyers = [Buyer(rich_rig, model) for model in MODELS]

    # When somebody chooses them with buttons / Then card and quote say the golden price
    await _everybody(buyers, _price_all)
