"""Each row of the fact sheet's section 7 ends in delivery, or in failure with the money back.

T33 (price list) is a row of the stub's own tests: we never read that list. T31 concerns input
images, which are not sold yet; a prompt without one must not mind. T23 and T32 are forced here.
A T21 that lasts is delivery's: KIE made the picture, so it stays paid and is tried for 7 days.
"""

import asyncio
from dataclasses import dataclass, field

import pytest

from service.stubs.kie_server import KieStubOptions
from tests.support.orders import CAME_BACK, Order, buy, spendable
from tests.support.rig import KIE_KEY, TIME_FACTOR, start_rig

HMAC_KEY = "rig-hmac-key"
DELIVERED = "delivered"
QUICK = "[[latency:2]]"


@dataclass(frozen=True)
class Row:
    """One misbehaviour and the end we promise: delivered, or the reason of the failure."""

    scenario: str
    end: str = DELIVERED
    tasks: int = 1  # that KIE made and billed
    pictures: int = 1
    helps: str = ""  # finish: KIE ends the task late; deadline: our deadline passes

    def __str__(self) -> str:
        return self.scenario


ROWS = [
    Row("T1:create", "no-answer", tasks=0, helps="deadline"),
    Row("T1:record"),
    Row("T2"),
    Row("T2*0", "deadline", helps="deadline"),
    Row("T3:retry_after"),
    Row("T3:bare"),
    Row("T4"),
    Row("T5:field", "invalid", tasks=0),
    Row("T5:server", "no-answer", tasks=0, helps="deadline"),
    Row("T6:402", "no-credit", tasks=0),
    Row("T6:429", "no-credit", tasks=0),
    Row("T6:500", "no-credit", tasks=0),
    Row("T6:late", "no-credit"),
    Row("T7"),
    Row("T7*0", "no-answer"),
    Row("T8"),
    Row("T8*0", "no-answer"),
    Row("T9:generating", "deadline", helps="deadline"),
    Row("T9:waiting", "deadline", helps="deadline"),
    Row("T9:408", "provider", helps="finish"),
    Row("T9:fail", "provider", helps="finish"),
    Row("T10"),
    Row("T11:120"),
    Row("T12:2"),
    Row("T12:3"),
    Row("T12:together"),
    Row("T13:early"),
    Row("T13:unknown"),
    Row("T14:task_id"),
    Row("T14:top"),
    Row("T15:right"),
    Row("T15:wrong"),
    Row("T15:old"),
    Row("T15:missing"),
    Row("T15:changed"),
    Row("T16:500"),
    Row("T16:hang"),
    Row("T17:empty", "no-result"),
    Row("T17:braces", "no-result"),
    Row("T17:null", "no-result"),
    Row("T17:broken", "no-result"),
    Row("T17:no_urls", "no-result"),
    Row("T17:none", "no-result"),
    Row("T17:empty*2"),
    Row("T18:object"),
    Row("T18:resultObject"),
    Row("T18:resultImageUrl"),
    Row("T19:success"),
    Row("T19:generating"),
    Row("T19:success*0", "no-result"),
    Row("T20:6", pictures=6),
    Row("T21:404*1"),
    Row("T21:403*1"),
    Row("T21:html*1"),
    Row("T21:truncated*1"),
    Row("T21:type"),
    Row("T21:jpg"),
    Row("T22:content", "moderated"),
    Row("T22:openai", "moderated"),
    Row("T22:policy", "moderated"),
    Row("T22:flagged", "moderated"),
    Row("T22:word", "moderated"),
    Row("T23", "image"),
    Row("T24", "provider"),
    Row("T25:reset"),
    Row("T25:timeout"),
    Row("T25:502"),
    Row("T26:paused", "deadline", tasks=0, helps="deadline"),
    Row("T26:disabled", "unavailable", tasks=0),
    Row("T26:removed", "unavailable", tasks=0),
    Row("T27:create", "bad-key", tasks=0),
    Row("T27:record"),
    Row("T27:record*0", "deadline", helps="deadline"),
    Row("T28:502", "no-answer", tasks=0, helps="deadline"),
    Row("T28:1010", "no-answer", tasks=0, helps="deadline"),
    Row("T28:record"),
    Row("T28:record1010"),
    Row("T29:all"),
    Row("T29:msg"),
    Row("T29:keys"),
    Row("T29:state"),
    Row("T30:seconds"),
    Row("T30:milliseconds"),
    Row("T30:old"),
    Row("T31"),
    Row("T32", "image"),
    Row("T34"),
    Row("T34*0", "deadline", tasks=0, helps="deadline"),
]


@dataclass
class Evening:
    """Everybody's orders, all under way in one product at once."""

    rig: object
    orders: dict[Row, asyncio.Task[Order]] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def evening(databases, tmp_path_factory):
    """Order a picture for every row at the same moment: rows must not disturb each other."""
    options = KieStubOptions(
        api_key=KIE_KEY, hmac_key=HMAC_KEY, time_factor=TIME_FACTOR, creates_per_10s=10_000,
        reads_per_s=10_000,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("hostile")
    async with (
        databases.clone() as database,
        start_rig(database, folder, kie_options=options, KIE_WEBHOOK_HMAC_KEY=HMAC_KEY) as rig,
    ):
        started = Evening(rig)
        for row in ROWS:
            started.orders[row] = asyncio.create_task(buy(rig, f"a fox {QUICK} [[{row}]]"))
        yield started
        await asyncio.gather(*started.orders.values(), return_exceptions=True)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_row_ends_in_delivery_or_with_the_money_back(evening, row):
    # Given an order at a KIE that misbehaves in this way
    rig = evening.rig
    order = await evening.orders[row]

    # When it runs to its end, which KIE or the clock may have to bring about
    await help_to_end(order, row)
    state = await order.end()

    # Then the pictures are there and paid as the card said, or the money is back and we say why
    left = await spendable(rig, order.person)
    if row.end == DELIVERED:
        assert state == "completed", await reason(order)
        await order.delivered()
        assert len(order.pictures) == row.pictures
        assert left == order.spendable - await order.sold_for()
    else:
        assert await reason(order) == row.end
        assert CAME_BACK in order.status
        assert left == order.spendable
        assert order.pictures == []
    # And KIE made no more than that
    assert len(made_for(rig, row)) == row.tasks


async def test_after_all_rows_the_ledger_adds_up_and_nothing_is_held(evening):
    # Given all those orders, ended
    rig = evening.rig
    orders = await asyncio.gather(*evening.orders.values())
    for row, order in zip(ROWS, orders, strict=True):
        await help_to_end(order, row)
        await order.end()

    # When the ledger is checked, Then it adds up, nothing is held and nothing was put aside
    assert await rig.audit() == []
    assert await rig.fetchval("SELECT count(*) FROM holds WHERE resolved_at IS NULL") == 0
    assert await rig.fetchval("SELECT count(*) FROM tasks WHERE parked_at IS NOT NULL") == 0


async def help_to_end(order: Order, row: Row) -> None:
    """Bring about the end of a task that would take its real time."""
    if row.helps == "finish":
        await order.rig.until(
            "SELECT bool_and(state IN ('processing', 'failed')) FROM tasks"
            " WHERE generation_id = $1",
            order.generation_id,
        )
        for task in made_for(order.rig, row):
            order.rig.kie.finish(task.task_id)
    if row.helps == "deadline":
        await order.rig.until(
            "SELECT bool_and(state IN ('processing', 'unknown', 'failed') OR error IS NOT NULL)"
            " FROM tasks WHERE generation_id = $1",
            order.generation_id,
        )
        await order.reach_deadline()


def made_for(rig, row: Row) -> list:
    """List the tasks KIE made for a row."""
    return [task for task in rig.kie.tasks.values() if f"[[{row}]]" in task.prompt]


async def reason(order: Order) -> object:
    """Give why a generation failed; None: it did not."""
    return await order.rig.fetchval(
        "SELECT reason FROM generations WHERE generation_id = $1", order.generation_id
    )
