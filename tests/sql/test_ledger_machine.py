"""Random sequences of money operations: PostgreSQL and a plain Python model must agree."""

import asyncio
from itertools import count

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.domain.money import Kopecks
from service.errors import UserError
from service.flows.audit_ledger import audit_ledger
from service.store import ledger
from service.store.ledger import Balances, MovementKind
from service.store.sql import queries
from tests.factories import NOW, give, make_purchase, make_user, settle, take
from tests.support.databases import connected
from tests.support.ledger_model import UserModel

EXAMPLES, STEPS, AUDIT_EVERY = 500, 30, 100
RUN_LIMIT_S = 300
AMOUNTS = st.integers(min_value=1, max_value=5_000)
ANY = st.integers(min_value=0, max_value=1_000)

#: Everything a refused step could have touched, to the byte.
SNAPSHOT = """
SELECT jsonb_build_array(
    (SELECT jsonb_agg(a ORDER BY account_id) FROM accounts a
        WHERE user_id = $1 OR user_id IS NULL),
    (SELECT jsonb_agg(m ORDER BY movement_id) FROM movements m WHERE user_id = $1),
    (SELECT jsonb_agg(h ORDER BY hold_id) FROM holds h WHERE user_id = $1),
    (SELECT jsonb_agg(t ORDER BY task_id) FROM tasks t WHERE user_id = $1),
    (SELECT jsonb_agg(g ORDER BY generation_id) FROM generations g WHERE user_id = $1)
)::text
"""
MOVEMENT = """
SELECT kind, debit_id, debit_kind, credit_id, credit_kind, amount_kopecks, hold_id,
    idempotency_key, actor, note
FROM movements WHERE user_id = $1 ORDER BY movement_id OFFSET $2 LIMIT 1
"""


class LedgerMachine(RuleBasedStateMachine):
    """One user's money; another user for each example."""

    loop: asyncio.AbstractEventLoop
    app: asyncpg.Connection
    app_url: str
    examples = count(1)

    def __init__(self):
        super().__init__()
        self.keys = count(1)
        self.model = UserModel()
        self.user_id = self.wait(make_user(self.app))

    def wait(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @rule(amount=AMOUNTS)
    def welcome(self, amount):
        # One welcome a user: again with the same sum it is a repeat, with another it is refused.
        key = f"welcome:{self.user_id}"
        if self.model.welcome in {0, amount}:
            done = self.wait(give(self.app, MovementKind.WELCOME, self.user_id, amount, key=key))
            assert done is (self.model.welcome == 0)
            if done:
                self.model.welcome = amount
                self.model.bonus += amount
                self.model.statement.append(("welcome", amount))
        else:
            self.refused(
                give(self.app, MovementKind.WELCOME, self.user_id, amount, key=key),
                asyncpg.UniqueViolationError,
                "movements_key_reused",
            )

    @rule(amount=AMOUNTS)
    def top_up(self, amount):
        key = f"charge:{self.user_id}:{next(self.keys)}"
        assert self.wait(give(self.app, MovementKind.TOP_UP, self.user_id, amount, key=key))
        self.model.available += amount
        self.model.statement.append(("top_up", amount))

    @rule(amount=AMOUNTS, taken=st.booleans())
    def adjustment(self, amount, taken):
        if not taken:
            key = f"adjustment:{self.user_id}:{next(self.keys)}"
            assert self.wait(give(self.app, MovementKind.ADJUSTMENT, self.user_id, amount, key=key))
            self.model.available += amount
        elif amount <= self.model.available:
            assert self.wait(self.take(amount))
            self.model.available -= amount
        else:
            refusal = asyncpg.CheckViolationError
            self.refused(self.take(amount), refusal, "accounts_balance_not_negative")
            return
        self.model.statement.append(("adjustment", amount))

    @rule(prices=st.lists(AMOUNTS, min_size=1, max_size=4))
    def hold(self, prices):
        missing = self.model.first_missing(prices)
        if missing:
            self.too_poor(prices, missing)
            return
        purchase = self.wait(make_purchase(self.app, self.user_id, *prices))
        for task_id, price in zip(purchase.task_ids, prices, strict=True):
            self.model.hold(task_id, price)

    @rule(over=AMOUNTS, first=AMOUNTS)
    def overspend(self, over, first):
        # The first task can often be paid; the second never can, and takes the first with it.
        prices = [first, max(1, self.model.spendable - first) + over]
        self.too_poor(prices, self.model.first_missing(prices))

    @precondition(lambda self: self.model.open_tasks)
    @rule(which=ANY)
    def capture(self, which):
        task_id = self.pick_open(which)
        self.settle(task_id, self.model.open_tasks[task_id].price)

    @precondition(lambda self: self.model.open_tasks)
    @rule(which=ANY, share=st.floats(min_value=0.01, max_value=0.99))
    def capture_partly(self, which, share):
        task_id = self.pick_open(which)
        self.settle(task_id, max(1, int(self.model.open_tasks[task_id].price * share)))

    @precondition(lambda self: self.model.open_tasks)
    @rule(which=ANY)
    def release(self, which):
        self.settle(self.pick_open(which), 0)

    @precondition(lambda self: self.model.settled_tasks)
    @rule(which=ANY, capture=AMOUNTS)
    def settle_again(self, which, capture):
        task_id = self.model.settled_tasks[which % len(self.model.settled_tasks)]
        before = self.snapshot()
        done = self.wait(
            ledger.resolve(self.app, task_id=task_id, capture_kopecks=Kopecks(capture), now=NOW)
        )
        assert done == (0, 0)
        assert self.snapshot() == before

    @precondition(lambda self: self.model.statement)
    @rule(which=ANY)
    def repeat(self, which):
        before = self.snapshot()
        assert self.wait(queries("ledger").move(self.app, **self.pick_movement(which))) is None
        assert self.snapshot() == before

    @precondition(lambda self: self.model.statement)
    @rule(which=ANY, by=AMOUNTS)
    def replay_with_changed_body(self, which, by):
        changed = self.pick_movement(which)
        changed["amount_kopecks"] += by
        self.refused(
            queries("ledger").move(self.app, **changed),
            asyncpg.UniqueViolationError,
            "movements_key_reused",
        )

    @invariant()
    def balances_agree(self):
        model = self.model
        assert self.wait(ledger.get_balances(self.app, self.user_id)) == Balances(
            Kopecks(model.available), Kopecks(model.bonus), Kopecks(model.held)
        )

    def teardown(self):
        page = self.wait(
            ledger.list_movements(self.app, user_id=self.user_id, before_id=None, page_size=10_000)
        )
        statement = [(line.kind, line.amount_kopecks) for line in reversed(page)]
        assert statement == self.model.statement
        if next(self.examples) % AUDIT_EVERY == 0:
            assert self.wait(audit_ledger(self.app_url)) == []

    def settle(self, task_id, capture):
        assert self.wait(settle(self.app, self.user_id, task_id, capture=capture))
        self.model.settle(task_id, capture)

    def too_poor(self, prices, missing):
        before = self.snapshot()
        with pytest.raises(UserError) as refusal:
            self.wait(make_purchase(self.app, self.user_id, *prices))
        assert refusal.value.reason == "not-enough-money"
        assert refusal.value.values == {"missing_kopecks": missing}
        assert self.snapshot() == before

    def refused(self, awaitable, error, constraint):
        before = self.snapshot()
        with pytest.raises(error) as refusal:
            self.wait(awaitable)
        assert refusal.value.constraint_name == constraint
        assert self.snapshot() == before

    def take(self, amount):
        key = f"adjustment:{self.user_id}:{next(self.keys)}"
        return take(self.app, self.user_id, amount, key=key)

    def pick_open(self, which):
        return list(self.model.open_tasks)[which % len(self.model.open_tasks)]

    def pick_movement(self, which):
        offset = which % len(self.model.statement)
        return dict(self.wait(self.app.fetchrow(MOVEMENT, self.user_id, offset)))

    def snapshot(self):
        return self.wait(self.app.fetchval(SNAPSHOT, self.user_id))


@pytest.mark.timeout(RUN_LIMIT_S)
def test_the_ledger_does_what_a_plain_model_does(database):
    # Given one connection of the program's login on a loop of its own, and the model
    loop = asyncio.new_event_loop()
    # Each step commits, so that the deferred triggers fire; it need not reach the disk.
    opened = connected(database.app_url, synchronous_commit="off")
    app = loop.run_until_complete(opened.__aenter__())
    machine = type(
        "Machine", (LedgerMachine,), {"loop": loop, "app": app, "app_url": database.app_url}
    )
    try:
        # When random sequences of steps are played on both, then they never differ
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        # And the whole ledger adds up
        assert loop.run_until_complete(audit_ledger(database.app_url)) == []
        movements = loop.run_until_complete(app.fetchval("SELECT count(*) FROM movements"))
        assert movements > EXAMPLES * 5, "the sequences did too little"
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.close()
