"""GET /metrics: the names that rules and dashboards rely on."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.metrics import observe_call
from tests.factories import make_task, make_user
from tests.support.web_process import dead_url, ready_web, serving, until

PROMISED = {
    "kartina_leader", "kartina_updates_unhandled", "kartina_due_work",
    "kartina_due_work_oldest_seconds", "kartina_parked_work", "kartina_webhook_seconds",
    "kartina_update_seconds", "kartina_generations", "kartina_generation_seconds",
    "kartina_hold_oldest_seconds", "kartina_ledger_drift_kopecks", "kartina_topups",
    "kartina_outside_call_seconds", "kartina_provider_credits",
}  # fmt: skip
KINDS = {"updates", "outbox", "tasks", "deliveries"}


@pytest.fixture
async def web(database):
    async with ready_web(database.app_url) as process:
        yield process


async def scrape(web):
    """Give every family, and every sample by its name and labels."""
    status, page = await web.get("/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(page)}
    samples = {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families.values()
        for sample in family.samples
    }
    return families, samples


async def test_every_promised_name_is_there(web):
    families, samples = await scrape(web)
    assert set(families) >= PROMISED
    assert {labels[0] for name, labels in samples if name == "kartina_due_work"} == KINDS
    assert {labels[0] for name, labels in samples if name == "kartina_parked_work"} == KINDS
    assert ("kartina_topups_total", ()) in samples


async def test_gauges_tell_what_the_rows_say(web, owner, app):
    # Given an update that waits, one that was parked, money that is held, and KIE's credits
    past = datetime.now(UTC) - timedelta(seconds=300)
    await owner.execute(
        "INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at, parked_at)"
        " VALUES (1, 7, '{}', $1, now(), $1, NULL), (2, 7, '{}', $1, now(), $1, now())",
        past,
    )
    await make_task(app, await make_user(app, available=1000))
    await owner.execute("UPDATE provider SET credits = 77")

    # When it is scraped until the look is fresh
    seen = {}

    async def is_fresh():
        _, samples = await scrape(web)
        seen.update(samples)
        return samples["kartina_provider_credits", ()] == 77

    await until(is_fresh)

    # Then the figures are those of the rows
    assert seen["kartina_updates_unhandled", ()] == 1
    assert seen["kartina_due_work", ("updates",)] == 1
    assert seen["kartina_due_work", ("tasks",)] == 1
    assert seen["kartina_due_work_oldest_seconds", ("updates",)] >= 300
    assert seen["kartina_parked_work", ("updates",)] == 1
    assert seen["kartina_hold_oldest_seconds", ()] > 0
    assert seen["kartina_ledger_drift_kopecks", ()] == 0
    assert seen["kartina_leader", ("web",)] == 1


async def test_requests_and_calls_are_counted(web):
    # Given a count of what was answered before
    _, before = await scrape(web)

    # When an update comes, and a call is made
    await web.post_update({"update_id": 1})
    observe_call("telegram", "sendMessage", "ok", 0.02)

    # Then both are counted
    _, after = await scrape(web)
    for name, labels in (
        ("kartina_webhook_seconds_count", ()),
        ("kartina_webhook_answers_total", ("200",)),
        ("kartina_outside_call_seconds_count", ("ok", "sendMessage", "telegram")),
    ):
        assert after[name, labels] == before.get((name, labels), 0) + 1


async def test_money_from_nowhere_is_drift(database, owner, app):
    # Given a balance that somebody raised past every guard
    await make_user(app, available=1000)
    await owner.execute(
        "ALTER TABLE accounts DISABLE TRIGGER accounts_move_by_movements;"
        "UPDATE accounts SET balance_kopecks = balance_kopecks + 5 WHERE kind = 'available'"
    )

    # When a process looks, then the drift is told to the kopeck, and makes the health amber
    async with ready_web(database.app_url) as web:

        async def is_seen():
            _, samples = await scrape(web)
            return samples["kartina_ledger_drift_kopecks", ()] == 5

        await until(is_seen)
        assert "ledger" in (await web.get("/health"))[1]["reasons"]


async def test_without_postgresql_gauges_are_unknown_and_not_old():
    async with serving(dead_url()) as web:
        _, samples = await scrape(web)
    assert samples["kartina_database_up", ()] == 0
    assert math.isnan(samples["kartina_updates_unhandled", ()])
    assert math.isnan(samples["kartina_due_work", ("updates",)])
