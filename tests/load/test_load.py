"""The main job under load, in processes of its own, while KIE loses, doubles and fails."""

import asyncio
import contextlib
import os
import signal
import time

import pytest

from service.flows.audit_ledger import audit_ledger
from service.local.rabbitmq import PrivateRabbit
from tests.load import evidence
from tests.load.crowd import meet, order_all, people_of
from tests.load.town import TIME_FACTOR, run_town

PEOPLE, ORDERS_EACH = 50, 4
SEED = 11
MIX = {"callback_lost": 0.1, "callback_doubled": 0.1, "fail": 0.1}
#: All of it ends much sooner; reached only when the test fails.
LIMIT_S = 90
#: Dramatiq's own words for a connection that is away: the one error that must be there.
CONSUMER_LOST = "Consumer encountered a connection error"


@pytest.fixture
def report(request):
    """Write a line to the terminal, whatever is captured."""
    plugins = request.config.pluginmanager

    def write(line: str) -> None:
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            plugins.get_plugin("terminalreporter").ensure_newline()
            plugins.get_plugin("terminalreporter").write_line(line)

    return write


@pytest.fixture
async def empty_database(databases):
    """A database that nobody has migrated yet."""
    async with databases.clone("template1") as cloned:
        yield cloned


@pytest.fixture(scope="module")
async def rabbit(tmp_path_factory):
    """A RabbitMQ of these tests' own, so that it may be stopped."""
    server = PrivateRabbit(tmp_path_factory.mktemp("own-rabbitmq"))
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.erase)


@pytest.mark.parametrize("instances", [1, 2])
async def test_50_people_get_200_pictures_each_once_and_pay_for_what_was_made(
    empty_database, tmp_path, rabbit_url, report, instances
):
    # Given so many webs and workers, a KIE that loses and doubles callbacks and fails tasks, and
    # a Telegram that delivers many updates twice
    async with run_town(
        empty_database, tmp_path, rabbit_url=rabbit_url, instances=instances
    ) as town:
        town.kie.mix(MIX, seed=SEED)
        people = people_of(town.telegram, PEOPLE)
        town.telegram.delivery.double_next(60)
        await meet(people)
        town.telegram.delivery.double_next(60)
        town.telegram.delivery.repeat_next(60)

        # When everybody orders four pictures
        started = time.monotonic()
        orders = await order_all(people, each=ORDERS_EACH)

        # Then every generation ends
        await town.until(evidence.OPEN_WORK, len(orders), limit_s=LIMIT_S)
        _report(report, town, seconds=time.monotonic() - started)
        await check(town, orders)
        # And everything that was to go wrong did
        ended = await evidence.states(town)
        assert set(ended.values()) == {"completed", "failed"}
        assert min(evidence.misbehaviours(town).values()) > 0
        # And every button was answered, and every web did its share
        assert [order.prompt for order in orders if not order.press.is_answered] == []
        assert min([await town.updates_taken(web) for web in town.webs]) > 0
        assert evidence.troubles(town) == []


async def test_while_rabbitmq_is_stopped_updates_get_200_and_all_ends_once_it_is_back(
    empty_database, tmp_path, rabbit, report
):
    async with run_town(empty_database, tmp_path, rabbit_url=rabbit.url) as town:
        # Given people who order pictures, some of which are being made
        town.kie.mix(MIX, seed=SEED)
        everyone = people_of(town.telegram, 30)
        people, newcomers = everyone[:20], everyone[20:]
        await meet(people)
        started = time.monotonic()
        async with asyncio.TaskGroup() as both:
            ordering = both.create_task(order_all(people, each=3))
            await town.until("SELECT count(*) >= 10 FROM generations", limit_s=LIMIT_S)

            # When RabbitMQ stops for a minute, and more people come meanwhile
            await asyncio.to_thread(rabbit.stop)
            arriving = both.create_task(meet_and_order(newcomers, each=2))
            await asyncio.sleep(60 * TIME_FACTOR)

            # Then every update got its 200 at once, though nobody could be told of it
            await town.telegram.delivery.wait_idle()
            assert {(each.status, each.attempts) for each in town.telegram.deliveries} == {(200, 1)}
            assert await town.is_queue_up() is False
            assert not any(person.messages[-1].from_bot for person in newcomers)
            await asyncio.to_thread(rabbit.start)
        orders = [*ordering.result(), *arriving.result()]

        # And once it is back everything ends, as if nothing had happened
        await town.until(evidence.OPEN_WORK, len(orders), limit_s=LIMIT_S)
        _report(report, town, seconds=time.monotonic() - started)
        await check(town, orders)
        assert await town.is_queue_up() is True
        losses = {trouble["event"] for _, trouble in evidence.troubles(town)}
        assert [loss for loss in losses if not loss.startswith(CONSUMER_LOST)] == []


async def test_a_rabbitmq_that_hangs_costs_no_update_and_keeps_no_process_from_ending(
    empty_database, tmp_path, rabbit
):
    async with run_town(empty_database, tmp_path, rabbit_url=rabbit.url) as town:
        # Given a RabbitMQ that says nothing any more, and does not break off either
        with frozen(rabbit.pid):
            # When somebody writes, then it is kept
            (person,) = people_of(town.telegram, 1)
            await person.say("/start")
            await town.telegram.delivery.wait_idle()
            assert [each.status for each in town.telegram.deliveries] == [200]

            # And when the processes are asked to end, then they do
            statuses = await asyncio.gather(*(process.stop() for process in town.processes))
            assert statuses == [0, 0]


@contextlib.contextmanager
def frozen(pid: int):
    """Let a process stand still until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def meet_and_order(people, *, each: int) -> list:
    """Let people come and order."""
    await meet(people)
    return await order_all(people, each=each)


async def check(town, orders) -> None:
    """Everything that must hold after any storm."""
    ended = await evidence.states(town)
    assert set(ended) == {order.prompt for order in orders}
    assert await town.pool.fetch(evidence.PARKED) == []
    # Every update was acknowledged, and took effect once
    assert await evidence.unacknowledged(town) == []
    assert await evidence.handled_twice(town, orders) == []
    # Order was kept in each chat
    assert evidence.out_of_order(town, orders) == []
    assert await town.pool.fetch(evidence.OVERTAKEN) == []
    # The money is right, and people were told so
    assert await audit_ledger(town.database.owner_url) == []
    assert await evidence.wrong_money(town, orders, ended) == []
    assert evidence.wrongly_told(orders, ended) == []
    # Each picture came once, and nothing more was ordered at KIE
    assert evidence.wrongly_delivered(orders, ended) == []
    assert await evidence.extra_tasks(town) == set()
    assert await town.pool.fetchval(evidence.DEADLOCKS) == 0


def _report(report, town, *, seconds: float) -> None:
    memory = ", ".join(f"{each.name} {each.memory_mb():.0f} MB" for each in town.processes)
    drawn = ", ".join(f"{count} {name}" for name, count in evidence.misbehaviours(town).items())
    report(f"load: time factor {TIME_FACTOR}, seed {SEED}, {seconds:.1f} s, {drawn}, {memory}")
