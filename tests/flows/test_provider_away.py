"""What KIE can take, and what happens while it takes nothing: budget, fairness, away, C9, C10."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from aiohttp import web

from service.flows.probe_provider import PROBE_S
from service.metrics import REGISTRY
from service.stubs.kie_server import KieStubOptions
from service.texts import text
from tests.support.front_door import FrontDoor
from tests.support.orders import buy, draw_card, spendable
from tests.support.rig import KIE_KEY, TIME_FACTOR, start_rig
from tests.support.wired import start_wired

QUICK = "[[latency:2]]"
#: The usual factor leaves a window so short that we could not exceed the budget if we tried.
SLOWER = 0.1


@pytest.fixture
async def door():
    """The door in front of KIE."""
    async with FrontDoor() as opened:
        yield opened


@pytest.fixture
async def telegram_door():
    """The door in front of Telegram."""
    async with FrontDoor() as opened:
        yield opened


def calls(method: str, outcome: str = "") -> float:
    """Give how many calls to KIE were made so far, of one outcome or of all."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        if metric.name == "kartina_outside_call_seconds"
        for sample in metric.samples
        if sample.name.endswith("_count")
        and sample.labels["peer"] == "kie"
        and sample.labels["method"] == method
        and outcome in {"", sample.labels["outcome"]}
    )


async def test_while_kie_is_away_nothing_is_sold_and_afterwards_all_goes_on(
    database, tmp_path, door
):
    # Given a running task, a card, and an order at a KIE whose host is gone
    async with start_rig(database, tmp_path, KIE_API_URL=door.url) as rig:
        door.target = rig.kie.url
        running = await buy(rig, "a runner [[T9]]")
        await rig.until("SELECT count(*) = 1 FROM tasks WHERE state = 'processing'")
        card = await draw_card(rig, f"a late rider {QUICK}")
        await door.shut()
        waiting = await buy(rig, f"a waiter {QUICK}")

        # When five calls have failed
        await rig.until("SELECT away_since IS NOT NULL FROM provider")

        # Then a confirmation is refused before any hold, in a friendly line
        assert await card.confirm() == text("provider-away", "en")
        assert await spendable(rig, card.person) == card.spendable
        assert card.generation_id == 0
        # And /health says so
        async with rig.http.get(f"{rig.url}/health") as answer:
            assert (await answer.json())["provider"]["ok"] is False
        # And only one probe in ten (scaled) seconds calls KIE
        await probes_are_few(rig)

        # When it is back
        await door.open()
        await rig.until("SELECT away_since IS NULL FROM provider")

        # Then what waited is made, what ran ends, and the card can be bought
        assert await waiting.end() == "completed"
        for task in rig.kie.tasks.values():
            rig.kie.finish(task.task_id)
        assert await running.end() == "completed"
        assert await card.confirm() == text("confirmed", "en")
        assert await card.end() == "completed"
        assert await rig.audit() == []


async def probes_are_few(rig) -> None:
    """Watch some probes; nothing else calls KIE meanwhile, and they keep their distance."""
    await asyncio.sleep(0.1)  # calls that began before KIE counted as away may end
    others = calls("createTask") + calls("recordInfo")
    first = calls("credit")
    next_at = {await rig.fetchval("SELECT probe_at FROM provider")}
    async with asyncio.timeout(20):
        while len(next_at) < 5:
            next_at.add(await rig.fetchval("SELECT probe_at FROM provider"))
            await asyncio.sleep(0.01)
    moments = sorted(next_at - {None})
    pause = timedelta(seconds=PROBE_S * TIME_FACTOR)
    assert all(later - earlier >= pause for earlier, later in pairwise(moments))
    assert calls("credit") - first <= len(next_at)
    assert calls("createTask") + calls("recordInfo") == others


async def test_the_deadline_holds_while_kie_is_away(database, tmp_path, door):
    # Given an order that waits and one that runs, while KIE is away
    async with start_rig(database, tmp_path, KIE_API_URL=door.url) as rig:
        door.target = rig.kie.url
        running = await buy(rig, "a runner [[T9]]")
        await rig.until("SELECT count(*) = 1 FROM tasks WHERE state = 'processing'")
        await door.shut()
        waiting = await buy(rig, f"a waiter {QUICK}")
        await rig.until("SELECT away_since IS NOT NULL FROM provider")

        # When their deadlines pass
        await running.reach_deadline()
        await waiting.reach_deadline()

        # Then both people have their money back
        for order in (running, waiting):
            assert await order.end() == "failed"
            assert await spendable(rig, order.person) == order.spendable
        assert await rig.audit() == []


async def test_a_kie_that_asks_for_a_day_does_not_outlive_the_deadline(database, tmp_path, door):
    # Given a KIE that answers 429 and wants to be left alone for a day
    async def refuse(name: str) -> None:
        if name == "createTask":
            raise web.HTTPTooManyRequests(headers={"Retry-After": "86400"})

    door.at_each = refuse
    async with start_rig(database, tmp_path, KIE_API_URL=door.url) as rig:
        door.target = rig.kie.url

        # When a picture is ordered
        order = await buy(rig, f"a sloth {QUICK}")
        await rig.until("SELECT bool_and(error IS NOT NULL) FROM tasks")

        # Then the task is due at its deadline, and the money comes back then
        assert await rig.fetchval("SELECT bool_and(due_at = deadline_at) FROM tasks")
        await order.reach_deadline()
        assert await order.end() == "failed"
        assert await spendable(rig, order.person) == order.spendable


async def test_the_budget_of_creates_is_never_exceeded(database, tmp_path):
    # Given a KIE that refuses the 21st create in its ten (scaled) seconds, and says so
    options = KieStubOptions(
        api_key=KIE_KEY, time_factor=SLOWER, creates_per_10s=20, reads_per_s=10_000
    )
    before = calls("createTask", "busy")
    async with start_rig(
        database, tmp_path, time_factor=SLOWER, kie_options=options, KIE_CREATES_PER_10S="20"
    ) as rig:
        # When fifteen people order four pictures each at the same time
        orders = await asyncio.gather(
            *(buy(rig, f"a crowd {n} {QUICK}", pictures=4) for n in range(15))
        )
        ends = [await order.end() for order in orders]

        # Then all are made, and KIE never had to refuse a create
        assert ends == ["completed"] * 15
        assert len(rig.kie.tasks) == 60
        assert calls("createTask", "busy") == before
        assert await rig.audit() == []


async def test_who_has_fewer_running_tasks_goes_first(database, tmp_path):
    # Given somebody whose two running tasks used up the budget, with six more waiting
    async with start_rig(database, tmp_path, KIE_CREATES_PER_10S="2") as rig:
        # Slots that come free one by one, far enough apart to see the order.
        greedy = rig.person()
        await buy(rig, "greedy [[T9]]", person=greedy, pictures=4)
        await buy(rig, "greedy too [[T9]]", person=greedy)
        await rig.until("SELECT count(*) >= 2 FROM tasks WHERE state = 'processing'")

        # When somebody else orders one picture
        made_before = len(rig.kie.tasks)
        modest = await buy(rig, "modest [[T9]]")
        await rig.until(
            "SELECT bool_and(state = 'processing') FROM tasks WHERE generation_id = $1",
            modest.generation_id,
        )

        # Then it does not wait for the others: at most those under way come before it
        prompts = [task.prompt for task in rig.kie.tasks.values()]
        place = next(n for n, prompt in enumerate(prompts) if "modest" in prompt)
        assert place <= made_before + 2
        assert len(prompts) < 9


async def test_c9_no_transaction_is_open_while_the_outside_is_called(
    database, tmp_path, door, telegram_door
):
    # Given doors before KIE and Telegram that hold every call, and look what is open meanwhile
    found = []
    async with start_wired(
        database, tmp_path, KIE_API_URL=door.url, TELEGRAM_API_URL=telegram_door.url
    ) as rig:
        door.target, telegram_door.target = rig.kie.url, rig.telegram.url

        async def look(name: str) -> None:
            arrived_at = await rig.fetchval("SELECT clock_timestamp()")
            await asyncio.sleep(0.15)
            # Whoever was idle in a transaction when the call came and still is waits for it.
            open_ones = await rig.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE 'kartina w%' AND state LIKE 'idle in transaction%'"
                " AND state_change <= $1",
                arrived_at,
            )
            found.append((name, open_ones))

        door.at_each = telegram_door.at_each = look

        # When a picture is ordered, made and delivered, and another fails
        order = await buy(rig, f"a watched wren {QUICK}")
        assert await order.end() == "completed"
        await order.delivered()
        assert await (await buy(rig, f"a failing finch {QUICK} [[T24]]")).end() == "failed"

    # Then nobody kept a transaction open during any of those calls
    assert {"createTask", "recordInfo", "sendMessage", "editMessageText", "sendPhoto"} <= {
        name for name, _ in found
    }
    assert [name for name, open_ones in found if open_ones] == []


class SweeperOnly:
    """Bells that nobody hears, but for the sweeper's: as while RabbitMQ loses messages."""

    is_up = True

    def __init__(self, real) -> None:
        self._real = real
        self.lost = 0

    def ring_soon(self, bell) -> None:
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is not None and task.get_name() == "sweeper":
            self._real.ring_soon(bell)
        else:
            self.lost += 1


async def test_c10_when_every_bell_is_lost_the_sweeper_brings_it_to_the_end(database, tmp_path):
    # Given a product in which no bell arrives but the sweeper's
    made = []

    def only_the_sweepers(real):
        made.append(SweeperOnly(real))
        return made[0]

    async with start_wired(database, tmp_path, through=only_the_sweepers) as rig:
        # When a picture is ordered
        order = await buy(rig, f"a slow snail {QUICK}")

        # Then it is made, paid once and delivered
        assert await order.end() == "completed"
        await order.delivered()
        assert len(order.pictures) == 1
        assert made[0].lost > 0
        assert await rig.audit() == []
