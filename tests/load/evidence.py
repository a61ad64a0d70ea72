"""What must be true after the storm: each function names what is not as it should be."""

import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from PIL import Image

from service.stubs.telegram_messages import ChatMessage
from tests.load.crowd import PRICE_KOPECKS, Order
from tests.load.town import WELCOME_RUB, Town

STATES = "SELECT prompt, state FROM generations JOIN quotes USING (quote_id)"
OPEN_WORK = """
    SELECT count(*) FILTER (WHERE finished_at IS NOT NULL) = $1
        AND NOT EXISTS (SELECT FROM updates WHERE handled_at IS NULL AND parked_at IS NULL)
        AND NOT EXISTS (SELECT FROM outbox WHERE state = 'due')
        AND NOT EXISTS (SELECT FROM deliveries WHERE state = 'due')
    FROM generations
"""
PARKED = """
    SELECT 'update', update_id, error FROM updates WHERE parked_at IS NOT NULL
    UNION ALL SELECT 'task', task_id, error FROM tasks WHERE parked_at IS NOT NULL
    UNION ALL SELECT 'outbox', outbox_id, error FROM outbox WHERE state <> 'sent'
    UNION ALL SELECT 'delivery', delivery_id, error FROM deliveries WHERE state <> 'sent'
"""
#: Messages of one chat of which a later one was said first.
OVERTAKEN = """
    SELECT outbox_id FROM (
        SELECT outbox_id, ended_at,
            max(ended_at) OVER (
                PARTITION BY chat_id ORDER BY outbox_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS before
        FROM outbox
    ) AS said WHERE ended_at < before
"""
SPENT = """
    SELECT user_id, sum(balance_kopecks) FROM accounts
    WHERE user_id IS NOT NULL AND kind IN ('available', 'bonus') GROUP BY user_id
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def states(town: Town) -> dict[str, str]:
    """Give the state of each generation by its prompt."""
    rows = await town.pool.fetch(
        "SELECT prompt, state FROM generations JOIN quotes USING (quote_id)"
    )
    assert len({row["prompt"] for row in rows}) == len(rows), "a prompt was bought twice"
    return {row["prompt"]: row["state"] for row in rows}


async def unacknowledged(town: Town) -> list[Any]:
    """Name updates that Telegram did not get a 200 for, or that are not in the inbox once."""
    deliveries = town.telegram.deliveries
    rows = await town.pool.fetch("SELECT update_id FROM updates WHERE handled_at IS NOT NULL")
    handled = {row["update_id"] for row in rows}
    return [
        delivery
        for delivery in deliveries
        if delivery.status != 200 or delivery.update_id not in handled
    ] + list(handled - {delivery.update_id for delivery in deliveries})


async def handled_twice(town: Town, orders: Sequence[Order]) -> list[Any]:
    """Name prompts with more or less than one quote and one card, and starts said twice."""
    rows = await town.pool.fetch("SELECT prompt, count(*) FROM quotes GROUP BY prompt")
    quoted = Counter({row["prompt"]: row["count"] for row in rows})
    sent = Counter(call.parameters["chat_id"] for call in _calls(town, "sendMessage"))
    wanted = Counter(order.person.user_id for order in orders)
    return [order.prompt for order in orders if quoted[order.prompt] != 1] + [
        (chat_id, sent[chat_id]) for chat_id, cards in wanted.items() if sent[chat_id] != cards + 1
    ]


def out_of_order(town: Town, orders: Sequence[Order]) -> list[Any]:
    """Name chats whose cards did not arrive in the order of what was said."""
    said: dict[int, list[str]] = defaultdict(list)
    shown: dict[int, list[str]] = defaultdict(list)
    for order in orders:
        said[order.person.user_id].append(order.prompt)
    for call in _calls(town, "sendMessage"):
        chat_id = call.parameters["chat_id"]
        shown[chat_id] += [p for p in said[chat_id] if p in call.parameters["text"]]
    return [(chat_id, shown[chat_id]) for chat_id in said if shown[chat_id] != said[chat_id]]


async def wrong_money(town: Town, orders: Sequence[Order], ended: dict[str, str]) -> list[Any]:
    """Name people who have not exactly what their finished pictures left them."""
    paid = Counter(o.person.user_id for o in orders if ended[o.prompt] == "completed")
    rows = await town.pool.fetch(SPENT)
    left = {row["user_id"]: row["sum"] for row in rows}
    return [
        (user_id, left.get(user_id), paid[user_id])
        for user_id in {order.person.user_id for order in orders}
        if left.get(user_id) != WELCOME_RUB * 100 - paid[user_id] * PRICE_KOPECKS
    ]


def wrongly_told(orders: Sequence[Order], ended: dict[str, str]) -> list[Any]:
    """Name orders whose card does not end as done, or as failed with the money back."""
    words = {
        "completed": ("✅ Done", "0.80 ₽"),
        "failed": ("❌ That did not work", "0.80 ₽ came back to your account."),
    }
    return [
        (order.prompt, order.status)
        for order in orders
        if not all(word in order.status for word in words[ended[order.prompt]])
    ]


def wrongly_delivered(orders: Sequence[Order], ended: dict[str, str]) -> list[Any]:
    """Name orders whose picture came not at all, more than once, or to the wrong person."""
    pictures = Counter(
        (person.user_id, _prompt_of(message))
        for person in {order.person.user_id: order.person for order in orders}.values()
        for message in person.messages
        if message.photo is not None
    )
    wanted = Counter(
        (order.person.user_id, order.prompt)
        for order in orders
        if ended[order.prompt] == "completed"
    )
    return list((pictures - wanted).items()) + list((wanted - pictures).items())


async def extra_tasks(town: Town) -> set[str]:
    """Name tasks that only KIE knows, or only we."""
    rows = await town.pool.fetch("SELECT provider_task_id FROM tasks")
    return set(town.kie.tasks) ^ {row["provider_task_id"] for row in rows}


def misbehaviours(town: Town) -> dict[str, int]:
    """Count the callbacks that KIE sent not at all or twice, and the tasks it failed."""
    tasks = town.kie.tasks.values()
    return {
        "callbacks lost": sum(not task.callbacks for task in tasks),
        "doubled": sum(len(task.callbacks) > 1 for task in tasks),
        "tasks failed": sum(task.state == "fail" for task in tasks),
    }


def troubles(town: Town) -> list[Any]:
    """Give every error in any log."""
    return [(each.name, trouble) for each in town.processes for trouble in each.troubles()]


def _calls(town: Town, method: str) -> list[Any]:
    return [call for call in town.telegram.calls if call.method == method]


def _prompt_of(message: ChatMessage) -> str:
    """Read the prompt that the stub wrote into the picture's own bytes."""
    assert message.photo is not None
    with Image.open(io.BytesIO(message.photo)) as image:
        return str(image.info["prompt"])
