"""Every kind of corruption that the owner of the database can plant is found and named."""

import re

import pytest

from service.flows.audit_ledger import audit_ledger
from service.resources import QUERIES
from service.store.audit import get_drift
from service.store.ledger import MovementKind
from tests.factories import give, make_purchase, make_user, settle

#: Ids of the clean ledger below, in the order in which it comes to be.
ANN, BOB, CAT = 1, 2, 3
TABLES = ("accounts", "movements", "holds", "tasks", "users")
FREE = "".join(f"ALTER TABLE {table} DISABLE TRIGGER USER;" for table in TABLES)
GUARDED = FREE.replace("DISABLE", "ENABLE")
#: A row of movements copied with a new key and other values in some columns.
COPY = """
INSERT INTO movements (kind, user_id, debit_id, debit_kind, credit_id, credit_kind,
    amount_kopecks, hold_id, idempotency_key, request_hash, debit_balance_kopecks,
    debit_version, credit_balance_kopecks, credit_version)
SELECT kind, user_id, debit_id, debit_kind, credit_id, credit_kind, amount_kopecks, hold_id,
    'copied', request_hash, debit_balance_kopecks, debit_version + 100,
    credit_balance_kopecks, credit_version + 100
FROM movements
"""
ANNS = "user_id = 1 AND kind = 'available'"

CORRUPTIONS = {
    "a balance was raised": (
        f"UPDATE accounts SET balance_kopecks = balance_kopecks + 5 WHERE {ANNS}",
        {"balance_differs_from_movements", "ledger_unbalanced"},
    ),
    "an account without movements has money": (
        "UPDATE accounts SET balance_kopecks = 5 WHERE user_id = 3 AND kind = 'bonus'",
        {"balance_differs_from_movements"},
    ),
    "money was shifted between two balances": (
        (
            f"UPDATE accounts SET balance_kopecks = balance_kopecks + 5 WHERE {ANNS};"
            "UPDATE accounts SET balance_kopecks = balance_kopecks - 5 WHERE kind = 'revenue'"
        ),
        {"balance_differs_from_movements"},
    ),
    "a balance is negative": (
        (
            "ALTER TABLE accounts DROP CONSTRAINT accounts_balance_not_negative;"
            f"UPDATE accounts SET balance_kopecks = -1 WHERE {ANNS}"
        ),
        {"balance_negative"},
    ),
    "a movement was deleted": (
        "DELETE FROM movements WHERE kind = 'top_up' AND user_id = 1",
        {"balance_differs_from_movements", "chain_broken_at_movement"},
    ),
    "a version is missing": (
        f"UPDATE accounts SET version = version + 1 WHERE {ANNS}",
        {"chain_broken"},
    ),
    "two movements have one version, as debit and as credit": (
        (
            "UPDATE movements SET debit_version = 1 WHERE kind = 'hold' AND movement_id ="
            " (SELECT min(movement_id) FROM movements WHERE kind = 'hold')"
        ),
        {"chain_broken", "chain_broken_at_movement"},
    ),
    "a balance after a movement was rewritten": (
        (
            "UPDATE movements SET credit_balance_kopecks = credit_balance_kopecks + 1"
            " WHERE kind = 'top_up' AND user_id = 1"
        ),
        {"chain_broken", "chain_broken_at_movement"},
    ),
    "an amount was rewritten everywhere but in the hash": (
        (
            "UPDATE movements SET amount_kopecks = amount_kopecks + 100"
            " WHERE kind = 'top_up' AND user_id = 1"
        ),
        {"movement_altered"},
    ),
    "a movement was added past the trigger": (
        f"{COPY} WHERE kind = 'top_up' AND user_id = 1",
        {"balance_differs_from_movements", "chain_broken_at_movement"},
    ),
    "a movement breaks the rules": (
        (
            "ALTER TABLE movements DROP CONSTRAINT movements_rule;"
            "UPDATE movements SET kind = 'gift' WHERE kind = 'top_up' AND user_id = 1"
        ),
        {"movement_rule_unknown", "movement_altered"},
    ),
    "a movement goes from one user to another": (
        (
            "UPDATE movements SET credit_id = (SELECT account_id FROM accounts"
            " WHERE user_id = 3 AND kind = 'held')"
            " WHERE movement_id = (SELECT min(movement_id) FROM movements WHERE kind = 'hold')"
        ),
        {"movement_of_two_users", "movement_altered"},
    ),
    "a movement stands in another user's statement": (
        "UPDATE movements SET user_id = 2 WHERE kind = 'top_up' AND user_id = 1",
        {"movement_owner_differs"},
    ),
    "a movement runs backwards": (
        (
            "ALTER TABLE movements DROP CONSTRAINT movements_amount_positive;"
            "UPDATE movements SET amount_kopecks = -amount_kopecks"
            " WHERE kind = 'top_up' AND user_id = 1"
        ),
        {"movement_not_positive"},
    ),
    "a user was welcomed twice": (
        f"{COPY} WHERE kind = 'welcome' AND user_id = 1",
        {"welcomed_twice"},
    ),
    "a hold was never moved": (
        (
            "INSERT INTO holds (task_id, user_id, funding_id, funding_kind, amount_kopecks,"
            " created_at) SELECT task_id, user_id, funding_id + 1, 'available', 5, created_at"
            " FROM holds WHERE funding_kind = 'bonus' AND resolved_at IS NULL"
        ),
        {"hold_not_moved", "held_differs_from_holds", "task_price_differs_from_holds"},
    ),
    "a hold's amount was rewritten": (
        "UPDATE holds SET amount_kopecks = amount_kopecks + 1 WHERE resolved_at IS NULL",
        {"hold_not_moved", "held_differs_from_holds", "task_price_differs_from_holds"},
    ),
    "a hold was released on paper only": (
        (
            "UPDATE holds SET captured_kopecks = 0, released_kopecks = amount_kopecks,"
            " resolved_at = created_at WHERE resolved_at IS NULL"
        ),
        {"hold_resolution_not_moved", "hold_resolved_before_task", "held_differs_from_holds"},
    ),
    "a capture was deleted": (
        "DELETE FROM movements WHERE kind = 'capture'",
        {"hold_resolution_not_moved", "balance_differs_from_movements"},
    ),
    "a part of a hold went nowhere": (
        (
            "ALTER TABLE holds DROP CONSTRAINT holds_resolved_whole;"
            "UPDATE holds SET captured_kopecks = captured_kopecks - 1 WHERE captured_kopecks > 0"
        ),
        {"hold_resolved_in_part", "hold_resolution_not_moved"},
    ),
    "a task was settled and its money kept": (
        (
            "UPDATE tasks SET state = 'failed', reason = 'provider', settled_at = created_at"
            " WHERE settled_at IS NULL"
        ),
        {"hold_open_after_task"},
    ),
    "a settled task runs again": (
        (
            "UPDATE tasks SET state = 'queued', reason = NULL, settled_at = NULL"
            " WHERE state = 'failed'"
        ),
        {"hold_resolved_before_task"},
    ),
    "a failed task was charged": (
        "UPDATE tasks SET state = 'failed', reason = 'provider' WHERE state = 'succeeded'",
        {"failed_task_charged"},
    ),
    "a hold was given to another user": (
        "UPDATE holds SET user_id = 3 WHERE user_id = 2 AND resolved_at IS NULL",
        {"hold_of_another_user", "held_differs_from_holds"},
    ),
    "a task's price was rewritten": (
        "UPDATE tasks SET price_kopecks = price_kopecks + 1 WHERE state = 'succeeded'",
        {"task_price_differs_from_holds", "generation_price_differs"},
    ),
    "a generation's price was rewritten": (
        "UPDATE generations SET price_kopecks = price_kopecks + 1",
        {"generation_price_differs"},
    ),
    "a quote's price was rewritten": (
        "UPDATE quotes SET picture_kopecks = 1, price_kopecks = 1",
        {"generation_price_differs"},
    ),
    "an account was deleted": (
        "DELETE FROM accounts WHERE user_id = 3 AND kind = 'held'",
        {"accounts_missing"},
    ),
    "a guard was left switched off": (
        "ALTER TABLE movements DISABLE TRIGGER movements_are_kept",
        {"guard_switched_off"},
    ),
}


async def make_traffic(app):
    """Give two users money of all kinds, and tasks captured, captured in part, failed, running."""
    await make_user(app, user_id=ANN, available=5_000, bonus=1_000)
    await make_user(app, user_id=BOB, available=300)
    await make_user(app, user_id=CAT)
    first = await make_purchase(app, ANN, 700, 800, 200)
    await settle(app, ANN, first.task_ids[0], capture=700)
    await settle(app, ANN, first.task_ids[1], capture=400)
    await settle(app, ANN, first.task_ids[2], capture=0)
    await give(app, MovementKind.ADJUSTMENT, BOB, 100, key="adjustment:1")
    await give(app, MovementKind.WELCOME, BOB, 100, key="welcome:2")
    await make_purchase(app, BOB, 50)


async def names(database):
    return {finding.what for finding in await audit_ledger(database.app_url)}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_corruption_is_found_and_named(database, app, owner, corruption):
    planted, expected = CORRUPTIONS[corruption]

    # Given a ledger with traffic of every kind, which is clean
    await make_traffic(app)
    assert await names(database) == set()

    # When its owner switches the guards off, plants something and covers the traces
    await owner.execute(FREE)
    done = await owner.execute(planted)
    assert not done.endswith(" 0"), "nothing was planted"
    if expected != {"guard_switched_off"}:
        await owner.execute(GUARDED)

    # Then the audit names what is wrong
    assert expected <= await names(database)


async def test_every_name_that_the_audit_knows_is_planted_here():
    # Given the names of findings in the audit's queries: quoted words joined by underscores
    texts = [path.read_text() for path in (QUERIES / "audit").glob("*.sql")]
    known = {name for text in texts for name in re.findall(r"'([a-z]+(?:_[a-z]+)+)'", text)}

    # Then each of them is what some corruption above must be named as
    assert known == set().union(*(expected for _, expected in CORRUPTIONS.values()))


async def test_the_glance_sees_money_out_of_place(app, owner):
    # Given a clean ledger
    await make_traffic(app)
    assert await get_drift(app) == 0

    # When a held balance loses 7 kopecks
    await owner.execute(FREE)
    await owner.execute(
        "UPDATE accounts SET balance_kopecks = balance_kopecks - 7"
        " WHERE user_id = 2 AND kind = 'held'"
    )

    # Then both the total and the holds are off by that
    assert await get_drift(app) == 14
