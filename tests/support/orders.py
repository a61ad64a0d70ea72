"""People who order pictures: from the prompt to the end of the generation, with its money."""

import asyncio
from dataclasses import dataclass

from service.bot.callbacks import PickModel, SetInput
from service.stubs.kie_server import StubTask
from service.stubs.telegram_messages import Button, ChatMessage
from service.stubs.telegram_person import Person
from service.texts import text
from tests.support.rig import PATIENCE_S, Rig

CONFIRM = "✅ Create for "
DONE = "✅"
FAILED = "❌"
CAME_BACK = "came back to your account"
ORDER_OF = "SELECT generation_id FROM generations WHERE user_id = $1 ORDER BY 1 DESC LIMIT 1"
HAS_ENDED = "SELECT finished_at IS NOT NULL FROM generations WHERE generation_id = $1"
MOVED = (
    "SELECT coalesce(sum(movements.amount_kopecks), 0)::bigint FROM movements"
    " JOIN holds USING (hold_id) JOIN tasks USING (task_id)"
    " WHERE tasks.generation_id = $1 AND movements.kind = $2"
)


@dataclass
class Order:
    """One card of one person, and what became of it."""

    rig: Rig
    person: Person
    card: ChatMessage
    spendable: int  # kopecks before the confirmation
    generation_id: int = 0

    @property
    def confirm_button(self) -> Button:
        """Give the button that buys, as the card shows it now."""
        return next(
            button for row in self.card.buttons for button in row if button.text.startswith(CONFIRM)
        )

    @property
    def price_kopecks(self) -> int:
        """Give the price the button shows."""
        rubles = self.confirm_button.text.removeprefix(CONFIRM).removesuffix(" ₽")
        return round(float(rubles.replace(",", "")) * 100)

    @property
    def status(self) -> str:
        """Give what the card says now: once confirmed, where the generation stands."""
        return self.card.text or ""

    async def confirm(self) -> str:
        """Press the button; gives the bot's answer, and remembers the generation."""
        answer = await (await self.person.press(self.confirm_button, self.card))
        self.generation_id = await self.rig.fetchval(ORDER_OF, self.person.user_id) or 0
        return answer

    async def end(self, *, limit_s: float = PATIENCE_S) -> str:
        """Wait for the generation's end and for the status message to say so; gives the state."""
        await self.rig.until(HAS_ENDED, self.generation_id, limit_s=limit_s)
        state = await self.rig.fetchval(
            "SELECT state FROM generations WHERE generation_id = $1", self.generation_id
        )
        if state == "failed":
            await self.person.wait_until(lambda: FAILED in self.status)
        return str(state)

    async def delivered(self) -> None:
        """Wait until the status message says that the pictures are there."""
        await self.person.wait_until(lambda: DONE in self.status, timeout_s=PATIENCE_S)

    @property
    def pictures(self) -> list[ChatMessage]:
        """Give the pictures in the chat."""
        return [each for each in self.person.messages if each.photo or each.document]

    async def task_ids(self) -> list[int]:
        """Give the generation's tasks."""
        rows = await self.rig.pool.fetch(
            "SELECT task_id FROM tasks WHERE generation_id = $1 ORDER BY 1", self.generation_id
        )
        return [row["task_id"] for row in rows]

    async def until_known(self) -> None:
        """Wait until createTask's answer is stored."""
        await self.rig.until(
            "SELECT bool_and(provider_task_id IS NOT NULL) FROM tasks WHERE generation_id = $1",
            self.generation_id,
        )

    async def moved(self, kind: str) -> int:
        """Give the kopecks that the generation's holds moved in this way."""
        return await self.rig.fetchval(MOVED, self.generation_id, kind)

    async def sold_for(self) -> int:
        """Give the price the generation was sold for, in kopecks."""
        return await self.rig.fetchval(
            "SELECT price_kopecks FROM generations WHERE generation_id = $1", self.generation_id
        )

    async def reach_deadline(self) -> None:
        """Let the deadline of what still runs pass."""
        await self.rig.pool.execute(
            "UPDATE tasks SET deadline_at = now(), due_at = least(due_at, now()), rings = 0"
            " WHERE generation_id = $1 AND settled_at IS NULL",
            self.generation_id,
        )


async def draw_card(
    rig: Rig,
    prompt: str,
    *,
    person: Person | None = None,
    model: str = "",
    pictures: int = 1,
) -> Order:
    """Let somebody write a prompt, and choose the model (by its code) and the number."""
    person = person or rig.person()
    said = await person.say(prompt)
    card = await _card(person, lambda each: each.message_id > said.message_id)
    if model:
        await _press_unseen(person, card, PickModel(code=model).pack())
    if pictures > 1:
        value = SetInput(code=model or "zi", name="count", value=str(pictures)).pack()
        await _press_unseen(person, card, value)
        await person.wait_until(lambda: f"{pictures} pictures" in (card.text or ""))
    return Order(rig, person, card, await spendable(rig, person))


async def buy(rig: Rig, prompt: str, **choices: object) -> Order:
    """Draw a card and confirm it, again as long as KIE is thought to be away."""
    order = await draw_card(rig, prompt, **choices)
    async with asyncio.timeout(PATIENCE_S):
        while await order.confirm() != text("confirmed", "en"):
            await asyncio.sleep(0.05)
    return order


async def spendable(rig: Rig, person: Person) -> int:
    """Give the kopecks a person can spend, as the accounts have them."""
    return await rig.fetchval(
        "SELECT coalesce(sum(balance_kopecks), 0)::bigint FROM accounts"
        " WHERE user_id = $1 AND kind IN ('available', 'bonus')",
        person.user_id,
    )


async def settled_down(order: Order) -> None:
    """Let bells that were rung before be answered: a later word to the bot has its reply."""
    person = order.person
    said = await person.say("/balance")
    await person.wait_for(lambda each: each.from_bot and each.message_id > said.message_id)
    await order.rig.until("SELECT count(*) = 0 FROM outbox WHERE state = 'due'")


def made_with(rig: Rig, words: str) -> list[StubTask]:
    """List the tasks KIE made for a prompt."""
    return [task for task in rig.kie.tasks.values() if words in task.prompt]


async def the_only_task(rig: Rig, words: str) -> StubTask:
    """Wait until KIE has the task of a prompt."""
    async with asyncio.timeout(PATIENCE_S):
        while not made_with(rig, words):
            await asyncio.sleep(0.01)
    (task,) = made_with(rig, words)
    return task


async def _card(person: Person, is_new: object) -> ChatMessage:
    return await person.wait_for(
        lambda each: (
            each.from_bot
            and is_new(each)
            and any(b.text.startswith(CONFIRM) for row in each.buttons for b in row)
        )
    )


async def _press_unseen(person: Person, card: ChatMessage, data: str) -> None:
    """Press a button of a screen we did not open; wait for the card that follows."""
    edits = card.edits
    await (await person.press(Button("?", data=data), card))
    await person.wait_until(lambda: card.edits > edits)
