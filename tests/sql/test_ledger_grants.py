"""What the program's own login can't do to money, however hard it tries."""

import asyncpg
import pytest

from service.flows.audit_ledger import audit_ledger
from service.store import ledger
from tests.factories import make_purchase, make_user
from tests.support.guard_probes import AVAILABLE, FROM_STARS, STARS, movement

#: What the login may do nowhere, and where it may not do what it may do elsewhere.
NOWHERE = {"TRUNCATE", "REFERENCES", "TRIGGER"}
REFUSED = {
    "movements": {"UPDATE", "DELETE"},
    "accounts": {"INSERT", "UPDATE", "DELETE"},
    "movement_rules": {"INSERT", "UPDATE", "DELETE"},
    "holds": {"DELETE"},
    "tasks": {"DELETE"},
    "generations": {"DELETE"},
    "quotes": {"DELETE"},
    "schema_migrations": {"INSERT", "UPDATE", "DELETE"},
    "rates": {"UPDATE", "DELETE"},
}
LIST_REFUSED = """
SELECT relname AS table_name, privilege FROM pg_class
CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS privilege
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND NOT has_table_privilege(oid, privilege)
"""
ATTACKS = {
    "a movement is rewritten": ("UPDATE", "movements", "UPDATE movements SET note = 'mine'"),
    "a movement is deleted": ("DELETE", "movements", "DELETE FROM movements"),
    "movements are emptied": ("TRUNCATE", "movements", "TRUNCATE movements"),
    "a balance is raised": ("UPDATE", "accounts", "UPDATE accounts SET balance_kopecks = 10"),
    "an account is opened": (
        "INSERT", "accounts", "INSERT INTO accounts (user_id, kind) VALUES (999, 'bonus')",
    ),
    "an account is deleted": ("DELETE", "accounts", "DELETE FROM accounts"),
    "accounts are emptied": ("TRUNCATE", "accounts", "TRUNCATE accounts CASCADE"),
    "a rule is added": (
        "INSERT", "movement_rules", "INSERT INTO movement_rules VALUES ('gift', 'x', 'y')",
    ),
    "a rule is changed": ("UPDATE", "movement_rules", "UPDATE movement_rules SET kind = 'gift'"),
    "a rule is deleted": ("DELETE", "movement_rules", "DELETE FROM movement_rules"),
    "a hold is deleted": ("DELETE", "holds", "DELETE FROM holds"),
    "a task is deleted": ("DELETE", "tasks", "DELETE FROM tasks"),
}  # fmt: skip
WITHOUT_A_GRANT = {
    "a trigger is switched off": "ALTER TABLE movements DISABLE TRIGGER movements_are_kept",
    "a trigger is dropped": "DROP TRIGGER movements_are_kept ON movements",
    "a constraint is dropped": "ALTER TABLE accounts DROP CONSTRAINT accounts_balance_not_negative",
    "a trigger's function is replaced": (
        "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NEW; END'"
    ),
    "triggers are skipped as replicas do": "SET session_replication_role = 'replica'",
    "another role is taken on": "SET ROLE pg_write_all_data",
}
OWN_TABLE = f"""
CREATE TEMP TABLE own (debit_id bigint, debit_version bigint, debit_balance_kopecks bigint,
    credit_id bigint, credit_version bigint, credit_balance_kopecks bigint);
CREATE TRIGGER own AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION move_balances();
INSERT INTO own SELECT {STARS}, version + 1, -1000000, 2, 3, 1000000
FROM accounts WHERE account_id = {STARS};
"""


@pytest.fixture
async def buyer(app):
    """A user with 1,000 kopecks, 300 of them held: accounts 1 to 3, task 1, hold 1."""
    user_id = await make_user(app, user_id=1, available=1_000)
    await make_purchase(app, user_id, 300)
    return user_id


async def test_the_login_lacks_exactly_these_rights(app):
    # Given the rights on each table that the login does not have
    refused = {}
    for row in await app.fetch(LIST_REFUSED):
        refused.setdefault(row["table_name"], set()).add(row["privilege"])

    # Then they are those above: whatever is granted or refused anew must be thought about here
    assert {table: rights - NOWHERE for table, rights in refused.items() if rights > NOWHERE} == (
        REFUSED
    )
    assert all(rights >= NOWHERE for rights in refused.values())


@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_grant_is_what_refuses(app, owner, database, buyer, attack):
    privilege, table, statement = ATTACKS[attack]

    # When the program's login tries it, then it has no right to
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)

    # But when the right is given, only triggers, constraints or other tables' grants refuse
    login = await app.fetchval("SELECT current_user")
    await owner.execute(f"GRANT {privilege} ON {table} TO {login}")
    try:
        await app.execute(statement)
    except (
        asyncpg.IntegrityConstraintViolationError,
        asyncpg.InsufficientPrivilegeError,
    ) as error:
        refusal = str(error)
    else:
        refusal = "none"
    assert f"permission denied for table {table}" not in refusal


@pytest.mark.parametrize("attack", WITHOUT_A_GRANT)
async def test_only_the_owner_can_take_guards_away(app, attack):
    # When the program's login tries to take a guard away, then it has no right to
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(WITHOUT_A_GRANT[attack])


async def test_balances_can_not_be_moved_from_a_table_of_ones_own(app, owner, database, buyer):
    # When the login hangs the function that moves balances on its own table, then it is refused
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(OWN_TABLE)

    # But when everybody may run that function, money comes from nowhere
    await owner.execute("GRANT EXECUTE ON FUNCTION move_balances() TO PUBLIC")
    await app.execute(OWN_TABLE)
    assert (await ledger.get_balances(app, buyer)).available_kopecks == 1_000_000


async def test_a_movement_that_is_left_out_moves_nothing(app, database, buyer):
    # Given a movement's id, and a statement that skips a row whose id is taken
    taken = await app.fetchval("SELECT min(movement_id) FROM movements")
    skipped = movement("top_up", FROM_STARS, AVAILABLE, extra=", movement_id", value=f", {taken}")

    # When it is run
    assert await app.execute(f"{skipped} ON CONFLICT DO NOTHING") == "INSERT 0 0"

    # Then no balance has moved
    assert (await ledger.get_balances(app, buyer)).available_kopecks == 700
    assert await audit_ledger(database.app_url) == []


async def test_the_guard_is_named_by_what_the_login_could_do(app, owner):
    # Then the program's login is kept out by rights and triggers, the owner by triggers alone
    assert await ledger.get_guard(app) == "roles and triggers"
    assert await ledger.get_guard(owner) == "triggers only"
