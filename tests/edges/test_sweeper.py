"""The sweeper: a lost bell costs time and nothing else, and old rows are forgotten."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from service.bells import DeliverResults, HandleChats, ProbeProvider, SettleTasks, SubmitTasks
from service.flows.sweep import Sweeper
from service.flows.web_deps import WebDeps
from service.store.database import Database
from tests.factories import make_purchase, make_user, submit
from tests.support.web_process import RecordedBells, ScriptedTelegram, ready_web, until

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEEP = (
    "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at, handled_at,"
    " parked_at) VALUES ($1, $2, '{}', $3, $4, $3, $5, $6)"
)
SAY = (
    "INSERT INTO outbox (outbox_id, chat_id, kind, content, state, due_at, rung_at, created_at,"
    " ended_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'sorry', '{}', $3, $4, $5, $4, $6)"
)


@dataclass
class MovableClock:
    """A clock that the test moves."""

    moment: datetime = START

    def now(self):
        return self.moment

    def move(self, **span):
        self.moment += timedelta(**span)


@pytest.fixture
async def deps(database):
    opened = Database(database.app_url, size=2, name="test")
    await opened.open()
    # KIE's credit is known for days, so that no bell asks for it.
    known_at = START + timedelta(days=100)
    await opened.pool.execute("UPDATE provider SET credits = 1, credits_at = $1", known_at)
    yield WebDeps(
        database=opened,
        messenger=ScriptedTelegram(),
        bells=RecordedBells(),
        clock=MovableClock(),
    )
    await opened.close()


@pytest.fixture
def sweeper(deps):
    return Sweeper(deps)


async def an_update(owner, update_id, chat_id=7, *, due_s=0, rung_s=0, handled=None, parked=None):
    due_at, rung_at = START + timedelta(seconds=due_s), START + timedelta(seconds=rung_s)
    await owner.execute(KEEP, update_id, chat_id, due_at, rung_at, handled, parked)


async def a_message(owner, outbox_id, chat_id=7, *, state="due", due_s=0, ended=None):
    due_at = START + timedelta(seconds=due_s)
    await owner.execute(SAY, outbox_id, chat_id, state, due_at, START, ended)


async def rings(deps, sweeper):
    """Sweep once, give what was rung by it."""
    deps.bells.rung.clear()
    await sweeper.ring_due()
    return list(deps.bells.rung)


async def test_a_lost_bell_is_rung_again_after_5_s_and_then_ever_more_seldom(deps, sweeper, owner):
    # Given an update whose bell was lost
    await an_update(owner, 1)

    # When the sweeper passes each second for three minutes
    moments = []
    for second in range(181):
        if await rings(deps, sweeper):
            moments.append(second)
        deps.clock.move(seconds=1)

    # Then it rings after 5 s, and waits twice as long each time, a minute at most
    assert moments == [5, 15, 35, 75, 135]


async def test_a_flood_of_one_chat_is_one_bell(deps, sweeper, owner):
    # Given many updates and messages of two chats
    for number in range(10):
        await an_update(owner, number, chat_id=7 + number % 2)
        await a_message(owner, number, chat_id=7 + number % 2)
    deps.clock.move(seconds=6)

    # When the sweeper passes, then one bell names both chats
    assert await rings(deps, sweeper) == [HandleChats((7, 8))]
    assert await rings(deps, sweeper) == []


async def test_only_the_lowest_row_of_a_chat_decides(deps, sweeper, owner):
    # Given a chat whose lowest update and oldest message wait for a retry, with due ones behind
    await an_update(owner, 1, due_s=100)
    await an_update(owner, 2)
    await a_message(owner, 1, due_s=100)
    await a_message(owner, 2)
    deps.clock.move(seconds=50)

    # When the sweeper passes before and after that, then it rings only after
    assert await rings(deps, sweeper) == []
    deps.clock.move(seconds=60)
    assert await rings(deps, sweeper) == [HandleChats((7,))]


async def test_what_ended_is_left_alone(deps, sweeper, owner):
    # Given rows that were handled, sent or parked
    await an_update(owner, 1, handled=START)
    await an_update(owner, 2, parked=START)
    for number, state in enumerate(("sent", "unreachable", "parked")):
        await a_message(owner, number, state=state, ended=START)
    deps.clock.move(seconds=100)

    # When the sweeper passes, then nothing rings
    assert await rings(deps, sweeper) == []


async def test_tasks_are_rung_by_how_far_they_have_come(deps, sweeper, owner, app):
    # Given a task in the queue, and three that KIE may have
    user_id = await make_user(app, available=10_000)
    queued, running, unknown, submitting = (
        await make_purchase(app, user_id, 100, 100, 100, 100, now=START)
    ).task_ids
    await submit(app, running, now=START)
    await owner.execute("UPDATE tasks SET state = 'unknown' WHERE task_id = $1", unknown)
    await owner.execute("UPDATE tasks SET state = 'submitting' WHERE task_id = $1", submitting)
    await owner.execute("UPDATE tasks SET due_at = $1, rung_at = $1", START)
    deps.clock.move(seconds=6)

    # When the sweeper passes
    rung = await rings(deps, sweeper)

    # Then one bell submits, and one asks for the others
    assert rung == [SubmitTasks(), SettleTasks(tuple(sorted((running, unknown, submitting))))]
    assert queued not in rung[1].task_ids


async def test_deliveries_are_rung(deps, sweeper, owner, app):
    # Given a delivery that is due
    user_id = await make_user(app, available=1000)
    bought = await make_purchase(app, user_id, 100, now=START + timedelta(days=1))
    delivery_id = await owner.fetchval(
        "INSERT INTO deliveries (kind, generation_id, chat_id, due_at, rung_at, expires_at,"
        " created_at) VALUES ('results', $1, 7, $2, $2, $2, $2) RETURNING delivery_id",
        bought.generation_id,
        START,
    )
    deps.clock.move(seconds=6)

    # When the sweeper passes, then its bell rings
    assert await rings(deps, sweeper) == [DeliverResults((delivery_id,))]


async def test_a_provider_that_is_away_is_probed_and_not_in_a_flood(deps, sweeper, owner):
    # Given a KIE that is away, and may be asked from the 10th second on
    await owner.execute(
        "UPDATE provider SET away_since = $1, probe_at = $2", START, START + timedelta(seconds=10)
    )

    # When the sweeper passes each second
    moments = []
    for second in range(20):
        if await rings(deps, sweeper) == [ProbeProvider()]:
            moments.append(second)
        deps.clock.move(seconds=1)

    # Then it rings when a probe is due, and not each time
    assert moments == [10, 15]


async def test_the_credit_left_at_kie_is_read_every_minute(deps, sweeper, owner):
    # Given a KIE that is here, whose credit was read just now
    await owner.execute("UPDATE provider SET credits_at = $1", START)

    # When the sweeper passes, then nobody is asked before a minute has gone by
    assert await rings(deps, sweeper) == []
    deps.clock.move(seconds=61)
    assert await rings(deps, sweeper) == [ProbeProvider()]


async def test_one_pass_rings_for_a_thousand_at_most(deps, sweeper, owner):
    # Given 1,500 chats with lost bells
    await owner.execute(
        "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at)"
        " SELECT n, n, '{}', $1, $1, $1 FROM generate_series(1, 1500) AS n",
        START,
    )
    deps.clock.move(seconds=6)

    # When the sweeper passes twice, then the second pass rings for the rest
    (first,), (second,) = await rings(deps, sweeper), await rings(deps, sweeper)
    assert (len(first.chat_ids), len(second.chat_ids)) == (1000, 500)
    assert not set(first.chat_ids) & set(second.chat_ids)


async def test_a_row_that_a_worker_holds_keeps_the_sweeper_waiting_for_nothing(
    deps, sweeper, owner
):
    # Given two chats, one of whose rows a worker has locked
    await an_update(owner, 1, chat_id=7)
    await an_update(owner, 2, chat_id=8)
    deps.clock.move(seconds=6)
    async with owner.transaction():
        await owner.execute("SELECT FROM updates WHERE update_id = 1 FOR UPDATE")

        # When the sweeper passes, then the other chat is rung at once
        assert await rings(deps, sweeper) == [HandleChats((8,))]


async def test_old_rows_are_forgotten_and_open_ones_never(deps, sweeper, owner, app):
    # Given handled updates of various ages, messages and callbacks, and what is still open
    def ago(**span):
        return START - timedelta(**span)

    await an_update(owner, 1, handled=ago(days=6))
    await an_update(owner, 2, handled=ago(days=8))
    await an_update(owner, 3, handled=ago(days=61))
    await an_update(owner, 4, due_s=-90 * 86_400)
    await an_update(owner, 5, due_s=-90 * 86_400, parked=ago(days=90))
    await a_message(owner, 1, state="sent", ended=ago(days=29))
    await a_message(owner, 2, state="sent", ended=ago(days=31))
    await a_message(owner, 3, state="parked", ended=ago(days=31))
    await a_message(owner, 4, due_s=-90 * 86_400)
    (task_id,) = (await make_purchase(app, await make_user(app, available=1000), 100)).task_ids
    for days in (59, 61):
        await owner.execute(
            "INSERT INTO callbacks (task_id, body, matches, received_at)"
            " VALUES ($1, '{}', true, $2)",
            task_id,
            ago(days=days),
        )

    # When the sweeper forgets
    await sweeper.forget_old()

    # Then bodies go after 7 days, ids after 60, messages after 30, callbacks after 60
    rows = await owner.fetch("SELECT update_id, body IS NULL AS empty FROM updates ORDER BY 1")
    assert [tuple(row) for row in rows] == [(1, False), (2, True), (4, False), (5, False)]
    assert await owner.fetchval("SELECT array_agg(outbox_id ORDER BY outbox_id) FROM outbox") == [
        1,
        3,
        4,
    ]
    assert await owner.fetchval("SELECT count(*) FROM callbacks") == 1


async def test_many_old_rows_go_in_batches(deps, sweeper, owner):
    # Given 2,500 updates handled long ago
    await owner.execute(
        "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at, handled_at)"
        " SELECT n, n, '{}', $1, $1, $1, $2 FROM generate_series(1, 2500) AS n",
        START,
        START - timedelta(days=61),
    )

    # When the sweeper forgets, then all are gone
    await sweeper.forget_old()
    assert await owner.fetchval("SELECT count(*) FROM updates") == 0


async def test_in_a_running_process_a_lost_bell_is_rung_again(database, owner):
    # Given a process, and an update whose bell nobody rang
    async with ready_web(database.app_url, TIME_FACTOR="0.01") as web:
        await owner.execute(
            "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at)"
            " VALUES (1, 7, '{}', now(), now(), now())"
        )

        # When the sweeper comes by, then it rings
        await until(lambda: HandleChats((7,)) in web.bells.rung)


async def test_the_sweeper_survives_a_database_that_fails_for_a_moment(database, owner):
    # Given a process whose sweeper fails
    async with ready_web(database.app_url, TIME_FACTOR="0.01") as web:
        await owner.execute("ALTER TABLE outbox RENAME TO outbox_elsewhere")
        await owner.execute(
            "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at)"
            " VALUES (1, 7, '{}', now(), now(), now())"
        )

        # When the database is well again, then it rings
        await owner.execute("ALTER TABLE outbox_elsewhere RENAME TO outbox")
        await until(lambda: HandleChats((7,)) in web.bells.rung)
