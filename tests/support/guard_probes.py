"""For every guard of the ledger the one wrong thing that it is there to refuse.

The scene: user 1 has bonus (account 1), available (2) and held (3) money, user 2 has accounts
4 to 6, user 3 has nothing. Task 1 runs, paid by holds 1 (bonus) and 2 (available); task 2 was
captured (hold 3), task 3 released (hold 4).
"""

from dataclasses import dataclass

STARS, PROMO, ADJUSTMENTS, REVENUE = (9_000_000_000_000_000_000 + number for number in range(1, 5))
HELD_NOW = "ALTER TABLE holds DISABLE TRIGGER holds_are_moved;"
PAID_NOW = "ALTER TABLE holds DISABLE TRIGGER holds_pay_a_task;"
UNCHECKED = HELD_NOW + PAID_NOW
UNTRIGGERED = "ALTER TABLE movements DISABLE TRIGGER USER;"


@dataclass(frozen=True)
class Probe:
    """A wrong thing; `refusal` is the name in the error, where it is not the guard's own."""

    statement: str
    refusal: str = ""
    #: What the owner clears away first, so that no other guard stands before this one.
    cleared: str = ""
    #: Another guard that refuses the same once this one is gone, and can't be cleared away.
    backup: str = ""


def movement(kind, debit, credit, amount=10, *, hold="NULL", key="probe", extra="", value=""):
    """Write the insert of a movement between (account id, kind) pairs."""
    return (
        "INSERT INTO movements (kind, debit_id, debit_kind, credit_id, credit_kind,"
        f" amount_kopecks, hold_id, idempotency_key{extra}) OVERRIDING SYSTEM VALUE VALUES"
        f" ('{kind}', {debit[0]}, '{debit[1]}', {credit[0]}, '{credit[1]}', {amount}, {hold},"
        f" '{key}'{value})"
    )


def copied(**columns):
    """Write the insert of a copy of user 2's top-up with other values in some columns."""
    values = {
        "idempotency_key": "'copied'",
        "debit_version": "debit_version + 100",
        "credit_version": "credit_version + 100",
        **columns,
    }
    kept = (
        "kind, user_id, debit_id, debit_kind, credit_id, credit_kind, amount_kopecks,"
        " request_hash, debit_balance_kopecks, credit_balance_kopecks"
    )
    return (
        f"INSERT INTO movements ({kept}, {', '.join(values)})"
        f" SELECT {kept}, {', '.join(values.values())} FROM movements"
        " WHERE kind = 'top_up' AND user_id = 2"
    )


def hold(task, funding, amount=10, *, user=1, extra="", value=""):
    """Write the insert of a hold funded by an (account id, kind) pair."""
    return (
        "INSERT INTO holds (task_id, user_id, funding_id, funding_kind, amount_kopecks,"
        f" created_at{extra}) OVERRIDING SYSTEM VALUE VALUES"
        f" ({task}, {user}, {funding[0]}, '{funding[1]}', {amount}, now(){value})"
    )


BONUS, AVAILABLE, HELD = (1, "bonus"), (2, "available"), (3, "held")
FROM_STARS, FROM_ADJUSTMENTS = (STARS, "stars"), (ADJUSTMENTS, "adjustments")
RELEASE = (
    "DO $$ BEGIN UPDATE holds SET captured_kopecks = 0, released_kopecks = 200,"
    " resolved_at = now() WHERE hold_id = 2; "
    + movement("release", HELD, AVAILABLE, 200, hold=2)
    + "; END $$"
)
WITHOUT_ACCOUNTS = (
    "ALTER TABLE users DISABLE TRIGGER users_open_accounts;"
    "INSERT INTO users (user_id, language, created_at) VALUES (9, 'en', now());"
)

CONSTRAINTS = {
    "accounts.accounts_pkey": Probe(
        "INSERT INTO accounts (account_id, user_id, kind) VALUES (1, 9, 'available')",
        cleared=WITHOUT_ACCOUNTS,
    ),
    "accounts.accounts_user_id_fkey": Probe(
        "INSERT INTO accounts (user_id, kind) VALUES (999, 'available')"
    ),
    "accounts.accounts_kind_known": Probe(
        "INSERT INTO accounts (user_id, kind) VALUES (1, 'revenue')"
    ),
    "accounts.accounts_balance_not_negative": Probe(
        movement("adjustment", AVAILABLE, FROM_ADJUSTMENTS, 1_000_000)
    ),
    "accounts.accounts_one_per_kind": Probe(
        "INSERT INTO accounts (user_id, kind) VALUES (1, 'bonus')"
    ),
    # It exists for the foreign keys that go with it.
    "accounts.accounts_kind_reference": Probe(
        movement("top_up", FROM_STARS, (1, "available")), refusal="movements_credit_account"
    ),
    "movement_rules.movement_rules_pkey": Probe(
        "INSERT INTO movement_rules VALUES ('welcome', 'promo', 'bonus')"
    ),
    "movements.movements_pkey": Probe(
        movement("top_up", FROM_STARS, AVAILABLE, extra=", movement_id", value=", 1")
    ),
    "movements.movements_user_id_fkey": Probe(
        "DELETE FROM users WHERE user_id = 2",
        cleared="ALTER TABLE accounts DROP CONSTRAINT accounts_user_id_fkey;",
    ),
    "movements.movements_hold_id_fkey": Probe(
        "DELETE FROM holds WHERE hold_id = 3", cleared="DROP TRIGGER holds_are_kept ON holds;"
    ),
    "movements.movements_amount_positive": Probe(movement("top_up", FROM_STARS, AVAILABLE, -1)),
    "movements.movements_two_accounts": Probe(
        movement("adjustment", AVAILABLE, AVAILABLE),
        cleared="INSERT INTO movement_rules VALUES ('adjustment', 'available', 'available');",
        backup="movements_one_a_statement",
    ),
    "movements.movements_key_unique": Probe(
        copied(idempotency_key="idempotency_key"), cleared=UNTRIGGERED
    ),
    "movements.movements_rule": Probe(movement("welcome", FROM_STARS, AVAILABLE)),
    "movements.movements_debit_account": Probe(movement("top_up", (PROMO, "stars"), AVAILABLE)),
    "movements.movements_credit_account": Probe(movement("top_up", FROM_STARS, (1, "available"))),
    "movements.movements_hold_kinds": Probe(movement("hold", AVAILABLE, HELD)),
    "movements.movements_hold_once": Probe(movement("release", HELD, AVAILABLE, 70, hold=4)),
    "holds.holds_pkey": Probe(hold(2, BONUS, extra=", hold_id", value=", 1"), cleared=UNCHECKED),
    "holds.holds_task_id_fkey": Probe(hold(999, BONUS), cleared=UNCHECKED),
    "holds.holds_user_id_fkey": Probe(hold(2, BONUS, user=999), cleared=UNCHECKED),
    "holds.holds_funding_account": Probe(hold(2, (2, "bonus")), cleared=UNCHECKED),
    "holds.holds_funding_kind": Probe(hold(2, HELD), cleared=UNCHECKED),
    "holds.holds_one_per_task_and_account": Probe(hold(2, AVAILABLE), cleared=UNCHECKED),
    "holds.holds_amount_positive": Probe(hold(2, BONUS, -1), cleared=UNCHECKED),
    "holds.holds_resolved_whole": Probe(
        "UPDATE holds SET captured_kopecks = 1, released_kopecks = 1, resolved_at = now()"
        " WHERE hold_id = 1",
        cleared=UNCHECKED,
    ),
    "tasks.tasks_price_positive": Probe(
        "UPDATE tasks SET price_kopecks = 0 WHERE task_id = 1",
        cleared="ALTER TABLE tasks DISABLE TRIGGER tasks_are_paid;",
    ),
    "generations.generations_one_per_quote": Probe(
        "INSERT INTO generations (quote_id, user_id, model_id, price_kopecks, deadline_at,"
        " created_at) SELECT quote_id, user_id, model_id, price_kopecks, deadline_at, created_at"
        " FROM generations"
    ),
    "quotes.quotes_price_adds_up": Probe("UPDATE quotes SET price_kopecks = price_kopecks - 1"),
}

INDEXES = {
    "movements.movements_debit_chain": Probe(
        copied(debit_version="debit_version"), cleared=UNTRIGGERED
    ),
    "movements.movements_credit_chain": Probe(
        copied(credit_version="credit_version"), cleared=UNTRIGGERED
    ),
}

TRIGGERS = {
    "accounts.accounts_move_by_movements": Probe(
        "UPDATE accounts SET balance_kopecks = balance_kopecks + 1 WHERE account_id = 2"
    ),
    "accounts.accounts_are_kept": Probe("DELETE FROM accounts WHERE user_id = 3"),
    "accounts.accounts_are_kept_whole": Probe(
        "TRUNCATE accounts CASCADE",
        cleared="DROP TRIGGER movements_are_kept_whole ON movements;"
        "DROP TRIGGER holds_are_kept_whole ON holds;",
    ),
    "movements.movements_are_kept": Probe("UPDATE movements SET note = 'changed'"),
    "movements.movements_are_kept_whole": Probe("TRUNCATE movements"),
    "holds.holds_resolve_once": Probe(
        "UPDATE holds SET user_id = 2 WHERE hold_id = 1",
        cleared=UNCHECKED,
    ),
    "holds.holds_are_kept": Probe(
        "DELETE FROM holds WHERE hold_id = 1",
        cleared="ALTER TABLE movements DROP CONSTRAINT movements_hold_id_fkey;",
    ),
    "holds.holds_are_kept_whole": Probe(
        "TRUNCATE holds CASCADE", cleared="DROP TRIGGER movements_are_kept_whole ON movements;"
    ),
    "holds.holds_are_moved": Probe(hold(2, BONUS), cleared=PAID_NOW),
    "holds.holds_pay_a_task": Probe(RELEASE, refusal="tasks_are_paid"),
    "tasks.tasks_settle_once": Probe(
        "UPDATE tasks SET state = 'failed', reason = 'provider' WHERE task_id = 2"
    ),
    "tasks.tasks_are_paid": Probe("UPDATE tasks SET price_kopecks = 1 WHERE task_id = 1"),
}

#: Triggers that do something instead of refusing: a statement that fails when it is not done.
EFFECTS = {
    "users.users_open_accounts": (
        "DO $$ BEGIN INSERT INTO users (user_id, language, created_at) VALUES (9, 'en', now());"
        " ASSERT (SELECT count(*) FROM accounts WHERE user_id = 9) = 3; END $$"
    ),
    "movements.movements_complete": movement("top_up", FROM_STARS, AVAILABLE),
    "movements.movements_move_balances": (
        f"DO $$ BEGIN {movement('top_up', FROM_STARS, AVAILABLE)}; ASSERT (SELECT balance_kopecks"
        " = 830 FROM accounts WHERE account_id = 2); END $$"
    ),
}

#: What the triggers refuse from inside: no object of its own to drop.
INSIDE = {
    "movements_one_user": movement("hold", AVAILABLE, (6, "held"), 200, hold=2),
    "movements_key_reused": movement("top_up", FROM_STARS, AVAILABLE, 999, key="charge:1"),
    "movements_match_hold": movement("capture", HELD, (REVENUE, "revenue"), 200, hold=2),
    "movements_one_a_statement": (
        movement("top_up", FROM_STARS, AVAILABLE)
        + f", ('adjustment', 2, 'available', {ADJUSTMENTS}, 'adjustments', 10, NULL, 'second')"
    ),
    "accounts_move_by_movements": (
        "INSERT INTO accounts (user_id, kind, balance_kopecks) VALUES (NULL, 'savings', 1)"
    ),
}
