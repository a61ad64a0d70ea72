"""One order, one debit, one delivery: whatever is doubled, early, forged, lost or late.

The names of tests carry the rows of the incident list they cover (W6-W11, C1-C8).
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.bells import DeliverResults, SettleTasks, SubmitTasks
from service.metrics import REGISTRY
from service.store import tasks
from tests.support.orders import (
    CAME_BACK,
    Order,
    buy,
    made_with,
    settled_down,
    spendable,
    the_only_task,
)
from tests.support.wired import start_wired

QUICK = "[[latency:2]]"


@pytest.fixture(scope="module")
async def rig(databases, tmp_path_factory):
    """One product for all tests of this file: each has people of its own."""
    folder = tmp_path_factory.mktemp("settlement")
    async with databases.clone() as database, start_wired(database, folder) as started:
        yield started
        # Whatever the tests did: in the end the whole ledger adds up.
        assert await started.audit() == []


def counted(name: str, **labels: str) -> float:
    """Give the present value of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_w6_c3_three_callbacks_polling_and_repeated_bells_are_one_debit_and_one_picture(rig):
    # Given an order whose callback comes three times at once
    order = await buy(rig, f"a heron {QUICK} [[T12:together]]")
    task_ids = tuple(await order.task_ids())

    # When every bell of its way is rung again and again, by the poller's rows too
    for _ in range(10):
        rig.bells.ring_soon(SubmitTasks())
        rig.bells.ring_soon(SettleTasks(task_ids))
        await rig.pool.execute(
            "UPDATE tasks SET due_at = now() WHERE generation_id = $1 AND state = 'processing'",
            order.generation_id,
        )
        await asyncio.sleep(0.01)
    await order.end()
    await order.delivered()
    delivery_id = await rig.fetchval(
        "SELECT delivery_id FROM deliveries WHERE generation_id = $1", order.generation_id
    )
    for _ in range(5):
        rig.bells.ring_soon(SettleTasks(task_ids))
        rig.bells.ring_soon(DeliverResults((delivery_id,)))
    await settled_down(order)

    # Then KIE made one task, one picture came, and it was paid once
    assert len(made_with(rig, "a heron")) == 1
    assert len(order.pictures) == 1
    assert await order.moved("capture") == order.spendable - await spendable(rig, order.person)
    assert await order.moved("capture") == await order.sold_for()


async def test_w7_a_callback_before_the_answer_is_stored_is_applied_at_once(rig):
    # Given a KIE that calls back before it answers createTask
    order = await buy(rig, "an early owl [[T13:early]]")

    # When the answer is stored at last
    await order.until_known()

    # Then it is looked at once, and settled
    assert await order.end() == "completed"
    assert (await the_only_task(rig, "an early owl")).polls == 1


async def test_w7_a_bell_during_the_submission_leaves_the_callback_to_its_answer(rig):
    # Given a task that is being submitted, and a callback that came for it already
    order = await buy(rig, "a patient owl [[T9]]")
    await order.until_known()
    (task_id,) = await order.task_ids()
    await rig.pool.execute(
        "UPDATE tasks SET state = 'submitting', due_at = now() + interval '1 h'"
        " WHERE task_id = $1", task_id,
    )  # fmt: skip
    await post_callback(rig, order, {"code": 200, "data": {"state": "success"}})

    # When the callback's bell has been answered
    rig.bells.ring_soon(SettleTasks((task_id,)))
    await settled_down(order)

    # Then the callback is still open: createTask's answer makes the task due, not in an hour
    task = await the_only_task(rig, "a patient owl")
    later = datetime.now(UTC) + timedelta(hours=1)
    is_due = await tasks.mark_submitted(
        rig.pool, task_id, provider_task_id=task.task_id, now=datetime.now(UTC), due_at=later
    )
    assert is_due
    rig.kie.finish(task.task_id)
    assert await order.end() == "completed"


async def post_callback(rig, order: Order, body: dict) -> int:
    """Post a body with the task's own token, as only KIE can; gives the HTTP status."""
    token = await rig.fetchval(
        "SELECT callback_token FROM tasks WHERE generation_id = $1", order.generation_id
    )
    async with rig.http.post(f"{rig.url}/kie/callback/{token}", json=body) as answer:
        return answer.status


async def test_w8_without_any_callback_every_order_ends_by_polling(rig):
    # Given a KIE whose callbacks are all blocked
    # When several people order
    orders = await asyncio.gather(
        *(buy(rig, f"a silent swan {each} {QUICK} [[T10]]") for each in range(5))
    )

    # Then each gets a picture
    for order in orders:
        assert await order.end() == "completed"
        await order.delivered()
    assert (
        await rig.fetchval(
            "SELECT count(*) FROM callbacks JOIN tasks USING (task_id)"
            " WHERE generation_id = ANY($1)",
            [order.generation_id for order in orders],
        )
        == 0
    )


@pytest.mark.parametrize(
    "claim",
    [
        {"state": "fail", "failCode": "500", "failMsg": "forged"},
        {"state": "success", "resultJson": '{"resultUrls":["http://127.0.0.1:9/forged.png"]}'},
    ],
    ids=["failed", "made"],
)
async def test_w9_a_forged_body_under_a_valid_token_changes_nothing(rig, claim):
    # Given a task that KIE still works on
    order = await buy(rig, f"a true toad {claim['state']} [[T9]]")
    await order.until_known()
    task = await the_only_task(rig, f"a true toad {claim['state']}")
    polls = task.polls

    # When somebody who knows its token and id tells a lie
    body = {"code": 200, "data": {"taskId": task.task_id, **claim}}
    assert await post_callback(rig, order, body) == 200

    # Then KIE is asked, and its word counts: the task runs on
    async with asyncio.timeout(10):
        while task.polls == polls:
            await asyncio.sleep(0.01)
    await settled_down(order)
    assert await rig.fetchval(
        "SELECT state = 'processing' FROM tasks WHERE generation_id = $1", order.generation_id
    )
    assert await order.moved("capture") == await order.moved("release") == 0
    # And when KIE has made it, the picture is KIE's
    rig.kie.finish(task.task_id)
    assert await order.end() == "completed"
    await order.delivered()
    assert len(order.pictures) == 1


async def test_w9_the_id_of_another_task_under_a_valid_token_does_not_change_owners(rig):
    # Given somebody's finished picture, and another's order whose createTask was never answered
    first = await buy(rig, f"a gift horse {QUICK}")
    await first.end()
    second = await buy(rig, "a jealous mule [[T25:reset]] [[T10]] [[T9]]")
    await rig.until(
        "SELECT bool_and(state = 'unknown') FROM tasks WHERE generation_id = $1",
        second.generation_id,
    )

    # When a callback with the second's token names the first's task
    stolen = made_with(rig, "a gift horse")[0].task_id
    assert await post_callback(rig, second, {"code": 200, "data": {"taskId": stolen}}) == 200
    await rig.until(
        "SELECT bool_and(handled_at IS NOT NULL) FROM callbacks JOIN tasks USING (task_id)"
        " WHERE generation_id = $1",
        second.generation_id,
    )

    # Then the second has no picture of the first's, and gets the money back in the end
    await second.reach_deadline()
    assert await second.end() == "failed"
    assert second.pictures == []
    assert await spendable(rig, second.person) == second.spendable


async def test_w10_states_nobody_knows_are_counted_and_end_at_the_deadline(rig):
    # Given a KIE that says a word we never heard, for ever
    before = counted("kartina_provider_states_unknown_total")
    order = await buy(rig, "a strange stork [[T29:state]] [[T9]]")
    task = await the_only_task(rig, "a strange stork")
    async with asyncio.timeout(15):
        while task.polls < 2:
            await asyncio.sleep(0.01)

    # When the deadline passes
    await order.reach_deadline()

    # Then the money is back, and the word was counted each time
    assert await order.end() == "failed"
    assert CAME_BACK in order.status
    assert await spendable(rig, order.person) == order.spendable
    assert counted("kartina_provider_states_unknown_total") - before >= 2


async def test_w11_a_callback_that_names_an_unknown_task_is_kept_with_200(rig):
    # Given a running task
    order = await buy(rig, "a lost lark [[T9]]")
    await order.until_known()

    # When a callback with its token names a task that nobody knows
    status = await post_callback(rig, order, {"code": 200, "data": {"taskId": "f" * 32}})

    # Then it is stored as not matching, and the task goes its way
    assert status == 200
    assert (
        await rig.fetchval(
            "SELECT count(*) FROM callbacks JOIN tasks USING (task_id)"
            " WHERE generation_id = $1 AND NOT matches",
            order.generation_id,
        )
        == 1
    )
    rig.kie.finish((await the_only_task(rig, "a lost lark")).task_id)
    assert await order.end() == "completed"


@pytest.mark.parametrize(
    ("scenario", "says", "says_not"),
    [("T24", CAME_BACK, "✅"), ("", "✅ Done", CAME_BACK)],
    ids=["failed", "made"],
)
async def test_c4_what_the_message_says_of_money_is_what_the_ledger_has(
    rig, scenario, says, says_not
):
    # Given an order that fails, or does not
    order = await buy(rig, f"an honest hen {QUICK} [[{scenario or 'states'}]]")

    # When it ends
    await order.end()
    await order.person.wait_until(lambda: says in order.status)

    # Then the message names the sum that the ledger moved, and nothing else
    kind = "release" if scenario else "capture"
    kopecks = await order.moved(kind)
    assert kopecks == await order.sold_for()
    assert f"{kopecks / 100:.2f} ₽" in order.status
    assert says_not not in order.status


@pytest.mark.parametrize("made", [1, 2, 3])
async def test_c5_of_one_task_that_makes_fewer_pictures_exactly_their_shares_come_back(rig, made):
    # Given four pictures ordered in one request
    order = await buy(rig, f"wan wolves {made} {QUICK} [[T20:{made}]]", model="wan27", pictures=4)
    assert len(await order.task_ids()) == 1

    # When KIE makes fewer
    assert await order.end() == "completed"
    await order.delivered()

    # Then each missing picture's share is back, to the kopeck
    share = await order.sold_for() // 4
    assert share * 4 == await order.sold_for()
    assert len(order.pictures) == made
    assert await order.moved("capture") == share * made
    assert await order.moved("release") == share * (4 - made)
    assert await spendable(rig, order.person) == order.spendable - share * made
    assert CAME_BACK in order.status


@pytest.mark.parametrize("failed", [1, 2, 3, 4])
async def test_c5_of_four_tasks_of_which_some_fail_exactly_their_shares_come_back(rig, failed):
    # Given four pictures ordered, one request each
    rig.kie.script(*["T24 latency:2"] * failed, *["latency:2"] * (4 - failed))
    order = await buy(rig, f"zebras {failed}", pictures=4)
    assert len(await order.task_ids()) == 4

    # When some of the tasks fail
    state = await order.end()

    # Then each failed one's share is back, and the message says so
    share = await order.sold_for() // 4
    assert state == ("failed" if failed == 4 else "completed")
    await order.person.wait_until(lambda: CAME_BACK in order.status)
    assert await order.moved("release") == share * failed
    assert await spendable(rig, order.person) == order.spendable - share * (4 - failed)
    if failed < 4:
        await order.delivered()
    assert len(order.pictures) == 4 - failed


async def test_c7_an_ambiguous_create_is_matched_by_its_token_and_never_sent_again(rig):
    # Given four tasks whose createTask answers are all lost in different ways
    rig.kie.script(*(f"T25:{how} latency:20" for how in ("reset", "timeout", "502", "reset")))
    order = await buy(rig, "ambiguous apes", pictures=4)

    # When KIE calls back
    assert await order.end() == "completed"
    await order.delivered()

    # Then every task of KIE's is one of ours, and there is none besides
    made = made_with(rig, "ambiguous apes")
    ours = await rig.pool.fetch(
        "SELECT provider_task_id FROM tasks WHERE generation_id = $1", order.generation_id
    )
    assert {task.task_id for task in made} == {row["provider_task_id"] for row in ours}
    assert len(made) == 4
    assert await order.moved("capture") == await order.sold_for()


async def test_c7_an_ambiguous_create_without_a_callback_is_given_back_at_the_deadline(rig):
    # Given a createTask whose answer is lost, and a callback that never comes
    order = await buy(rig, f"a vanished viper {QUICK} [[T25:reset]] [[T10]]")
    await rig.until(
        "SELECT bool_and(state = 'unknown') FROM tasks WHERE generation_id = $1",
        order.generation_id,
    )

    # When the deadline passes
    await order.reach_deadline()

    # Then the money is back, and KIE was asked for one task only
    assert await order.end() == "failed"
    assert await spendable(rig, order.person) == order.spendable
    assert len(made_with(rig, "a vanished viper")) == 1


@pytest.mark.parametrize("kie_has_it", [True, False])
async def test_c7_a_crash_between_submitting_and_the_answer_makes_no_second_task(rig, kie_has_it):
    # Given a row as a process leaves it that is killed between createTask and its answer
    words = f"a broken bridge {kie_has_it}"
    order = await buy(rig, f"{words} [[T9]]")
    await order.until_known()
    task = await the_only_task(rig, words)
    await rig.pool.execute(
        "UPDATE tasks SET state = 'submitting', provider_task_id = NULL, submitted_at = NULL,"
        " due_at = now() WHERE generation_id = $1",
        order.generation_id,
    )

    # When KIE calls back with the task's token, or nothing ever comes
    if kie_has_it:
        rig.kie.finish(task.task_id)
        assert await order.end() == "completed"
        await order.delivered()
    else:
        await rig.until(
            "SELECT bool_and(state = 'unknown') FROM tasks WHERE generation_id = $1",
            order.generation_id,
        )
        await order.reach_deadline()
        assert await order.end() == "failed"

    # Then KIE was asked once, and the money followed the picture
    assert len(made_with(rig, words)) == 1
    kept = await order.sold_for() if kie_has_it else 0
    assert await spendable(rig, order.person) == order.spendable - kept


async def test_c8_a_result_after_the_release_is_brought_free_once_and_counted(rig):
    # Given an order that was given up at its deadline, with the money back
    before = counted("kartina_late_results_total")
    order = await buy(rig, "a tardy turtle [[T9]] [[T12:together]]")
    await order.until_known()
    await order.reach_deadline()
    assert await order.end() == "failed"
    assert await spendable(rig, order.person) == order.spendable

    # When KIE makes it after all, and says so three times
    task = await the_only_task(rig, "a tardy turtle")
    rig.kie.finish(task.task_id)
    await order.person.wait_for(lambda each: each.photo is not None, timeout_s=20)
    for _ in range(5):
        rig.bells.ring_soon(SettleTasks(tuple(await order.task_ids())))
    await settled_down(order)

    # Then it came once, free, and was counted once
    assert len(order.pictures) == 1
    assert await spendable(rig, order.person) == order.spendable
    assert await order.moved("capture") == 0
    assert counted("kartina_late_results_total") - before == 1


async def test_a_task_whose_look_kills_the_process_is_put_aside_and_its_money_comes_back(rig):
    # Given a task that was looked at so often that it must have killed its process each time
    order = await buy(rig, "a deadly dodo [[T9]]")
    await order.until_known()
    await rig.pool.execute(
        "UPDATE tasks SET attempts = 8, due_at = now() WHERE generation_id = $1",
        order.generation_id,
    )

    # When its turn comes again
    assert await order.end() == "failed"

    # Then people can look at the row, and the user has the money
    assert await rig.fetchval(
        "SELECT parked_at IS NOT NULL AND error = 'the process was killed' FROM tasks"
        " WHERE generation_id = $1",
        order.generation_id,
    )
    assert await spendable(rig, order.person) == order.spendable
