"""People who order pictures: each says prompts, waits for the cards, and presses confirm."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service.stubs.telegram_messages import Button, ChatMessage
from service.stubs.telegram_person import Person, Press
from service.stubs.telegram_server import TelegramStub

CONFIRM = "✅ Create for "
PRICE_KOPECKS = 80
#: What somebody waits for an answer at most; reached only when the test fails.
PATIENCE_S = 60


@dataclass
class Order:
    """One prompt on its way; the card becomes the status message."""

    person: Person
    prompt: str
    card: ChatMessage | None = None
    press: Press | None = None

    @property
    def status(self) -> str:
        """Give what the card says now."""
        assert self.card is not None
        return next(
            (m.text or "" for m in self.person.messages if m.message_id == self.card.message_id),
            "",
        )

    async def wait_for_card(self) -> None:
        """Wait until the bot shows the price of this prompt."""
        self.card = await self.person.wait_for(self._is_card, timeout_s=PATIENCE_S)

    def _is_card(self, message: ChatMessage) -> bool:
        return message.from_bot and self.prompt in (message.text or "") and bool(_confirm(message))

    async def confirm(self) -> None:
        """Press the button with the price."""
        assert self.card is not None
        button = _confirm(self.card)
        assert button is not None
        self.press = await self.person.press(button, self.card)


def _confirm(message: ChatMessage) -> Button | None:
    buttons = (button for row in message.buttons for button in row)
    return next((button for button in buttons if button.text.startswith(CONFIRM)), None)


def people_of(telegram: TelegramStub, count: int) -> list[Person]:
    """Give so many new people."""
    return [
        telegram.person(600_000_000 + number, first_name=f"P{number}") for number in range(count)
    ]


async def meet(people: Sequence[Person]) -> None:
    """Let everybody press Start and be greeted."""
    for person in people:
        await person.say("/start")
    async with asyncio.TaskGroup() as everybody:
        for person in people:
            greeted = person.wait_for(
                lambda m: m.from_bot and "Hello" in (m.text or ""), timeout_s=PATIENCE_S
            )
            everybody.create_task(greeted)


async def order_all(people: Sequence[Person], *, each: int, first: int = 1) -> list[Order]:
    """Let everybody order at the same time; gives the orders in the order each said them."""
    orders = await asyncio.gather(
        *(
            _order_some(person, [f"picture {first + n} for {person.user_id}" for n in range(each)],
                        at_once=2 if index % 2 else 1)
            for index, person in enumerate(people)
        )
    )  # fmt: skip
    return [order for some in orders for order in some]


async def _order_some(person: Person, prompts: list[str], *, at_once: int) -> list[Order]:
    """Say some prompts in one breath, wait for their cards, confirm them, and go on."""
    orders = [Order(person, prompt) for prompt in prompts]
    for start in range(0, len(orders), at_once):
        said = orders[start : start + at_once]
        for order in said:
            await person.say(order.prompt)
        for order in said:
            await order.wait_for_card()
        for order in said:
            await order.confirm()
    return orders
