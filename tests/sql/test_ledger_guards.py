"""Every guard of the ledger is what refuses its probe: without it the wrong thing is done."""

import asyncpg
import pytest

from service.store.ledger import MovementKind
from tests.factories import give, make_purchase, make_user, settle
from tests.support.databases import connected
from tests.support.guard_probes import CONSTRAINTS, EFFECTS, INDEXES, INSIDE, TRIGGERS

LEDGER = ["accounts", "movements", "movement_rules", "holds"]
WITH_TRIGGERS = [*LEDGER, "tasks", "users"]

LIST_CONSTRAINTS = """
SELECT conrelid::regclass || '.' || conname AS guard FROM pg_constraint
WHERE conrelid = ANY ($1::text[]::regclass[]) AND contype IN ('c', 'f', 'p', 'u', 'x')
"""
LIST_TRIGGERS = """
SELECT tgrelid::regclass || '.' || tgname AS guard FROM pg_trigger
WHERE tgrelid = ANY ($1::text[]::regclass[]) AND NOT tgisinternal
"""
LIST_INDEXES = """
SELECT indrelid::regclass || '.' || indexrelid::regclass AS guard FROM pg_index
WHERE indrelid = ANY ($1::text[]::regclass[]) AND indisunique
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
"""
REFUSALS = CONSTRAINTS | INDEXES | TRIGGERS


@pytest.fixture(scope="module")
async def scene(databases):
    """A database with little but of every kind, which the probes are tried on copies of."""
    async with databases.clone() as database:
        async with connected(database.owner_url) as connection:
            await make_user(connection, user_id=1, bonus=100)
            await give(connection, MovementKind.TOP_UP, 1, 1_070, key="charge:1")
            await make_user(connection, user_id=2, available=500)
            await make_user(connection, user_id=3)
            purchase = await make_purchase(connection, 1, 300, 50, 70)
            await settle(connection, 1, purchase.task_ids[1], capture=50)
            await settle(connection, 1, purchase.task_ids[2], capture=0)
        yield database


@pytest.fixture
async def owner(databases, scene):
    """The owner's connection to a copy of the scene."""
    async with databases.clone(scene.name) as copy, connected(copy.owner_url) as connection:
        yield connection


def removal(guard):
    """Write what takes a guard away."""
    table, name = guard.split(".")
    if guard in CONSTRAINTS:
        return f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE"
    return f"DROP INDEX {name}" if guard in INDEXES else f"DROP TRIGGER {name} ON {table}"


@pytest.mark.parametrize(
    ("listing", "tables", "proven"),
    [
        (LIST_CONSTRAINTS, LEDGER, CONSTRAINTS),
        (LIST_INDEXES, LEDGER, INDEXES),
        (LIST_TRIGGERS, WITH_TRIGGERS, TRIGGERS | EFFECTS),
    ],
)
async def test_every_guard_of_the_ledger_has_a_proof(owner, listing, tables, proven):
    # Given the guards that the database has
    guards = {row["guard"] for row in await owner.fetch(listing, tables)}

    # Then each has a probe below; probes of further tables are welcome
    assert guards == {guard for guard in proven if guard.split(".")[0] in tables}


@pytest.mark.parametrize("guard", REFUSALS)
async def test_without_the_guard_the_wrong_thing_is_done(owner, guard):
    # Given the guard, with nothing standing before it
    probe = REFUSALS[guard]
    if probe.cleared:
        await owner.execute(probe.cleared)

    # When the probe is tried, then this guard refuses it
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await owner.execute(probe.statement)
    assert refusal.value.constraint_name == (probe.refusal or guard.split(".")[1])

    # But when the guard is gone, it is done, or only the named second guard is left
    await owner.execute(removal(guard))
    if probe.backup:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
            await owner.execute(probe.statement)
        assert refusal.value.constraint_name == probe.backup
    else:
        done = await owner.execute(probe.statement)
        assert not done.endswith(" 0"), "the probe did nothing"


@pytest.mark.parametrize("guard", EFFECTS)
async def test_without_the_trigger_its_effect_is_missing(owner, guard):
    # Given the trigger, its effect is there
    undone = owner.transaction()
    await undone.start()
    await owner.execute(EFFECTS[guard])
    await undone.rollback()

    # When the trigger is gone
    await owner.execute(removal(guard))

    # Then the same statement fails
    with pytest.raises(asyncpg.PostgresError):
        await owner.execute(EFFECTS[guard])


@pytest.mark.parametrize("rule", INSIDE)
async def test_what_the_triggers_refuse_from_inside(owner, rule):
    # When something wrong is tried that only a trigger's own rule forbids, then it is refused
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await owner.execute(INSIDE[rule])
    assert refusal.value.constraint_name == rule
