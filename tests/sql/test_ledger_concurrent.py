"""Many connections at once: no refusal but the allowed ones, no deadlock, nothing out of place."""

import asyncio
import random
from collections import Counter
from secrets import randbits

import asyncpg
import pytest

from service.errors import UserError
from service.flows.audit_ledger import audit_ledger
from service.store import ledger
from service.store.ledger import MovementKind
from tests.factories import give, make_purchase, make_user, settle, take
from tests.support.databases import connected

CONNECTIONS, OPERATIONS, USERS = 8, 10_000, 4
RUN_LIMIT_S = 300
ALLOWED_REFUSALS = {
    "not-enough-money",
    "accounts_balance_not_negative",
    "movements_key_reused",
}
OPEN_TASK = """
SELECT task_id, user_id, price_kopecks FROM tasks
WHERE settled_at IS NULL AND user_id = $1 ORDER BY random() LIMIT 1
"""


class Crowd:
    """Random operations on few users; counts what became of each."""

    def __init__(self, user_ids, seed):
        self.user_ids = user_ids
        self.random = random.Random(seed)
        self.left = OPERATIONS
        self.outcomes = Counter()
        self.keys = 0

    async def work(self, connection):
        operations = (self.top_up, self.give, self.take, self.buy, self.buy, self.end, self.end)
        while self.left:
            self.left -= 1
            operation = self.random.choice(operations)
            user_id = self.random.choice(self.user_ids)
            self.outcomes[await self.outcome(operation(connection, user_id))] += 1

    @staticmethod
    async def outcome(operation):
        """Name what happened; anything but what is named here fails the test."""
        try:
            return "accepted" if await operation else "nothing to do"
        except (UserError, asyncpg.IntegrityConstraintViolationError) as error:
            refusal = error.reason if isinstance(error, UserError) else error.constraint_name
            if refusal not in ALLOWED_REFUSALS:
                raise
            return refusal

    async def top_up(self, connection, user_id):
        self.keys += 1
        amount = self.random.randint(1, 2_000)
        key = f"charge:{self.keys}"
        return await give(connection, MovementKind.TOP_UP, user_id, amount, key=key)

    async def take(self, connection, user_id):
        self.keys += 1
        amount = self.random.randint(1, 1_000)
        return await take(connection, user_id, amount, key=f"taken:{self.keys}")

    async def give(self, connection, user_id):
        # The sum is of the key, the user is not: the same key for another user is refused.
        number = self.random.randint(1, self.keys + 1)
        key, amount = f"given:{number}", number
        return await give(connection, MovementKind.ADJUSTMENT, user_id, amount, key=key)

    async def buy(self, connection, user_id):
        prices = [self.random.randint(1, 700) for _ in range(self.random.randint(1, 3))]
        return await make_purchase(connection, user_id, *prices) is not None

    async def end(self, connection, user_id):
        task = await connection.fetchrow(OPEN_TASK, user_id)
        if task is None:
            return False
        capture = self.random.choice((0, task["price_kopecks"], task["price_kopecks"] // 2))
        return await settle(connection, user_id, task["task_id"], capture=capture)


@pytest.mark.timeout(RUN_LIMIT_S)
async def test_a_crowd_moves_money_without_deadlock_or_drift(database, owner):
    # Given few users with money, and a server that looks for deadlocks at once
    await owner.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '10ms'")
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    users = [await make_user(owner, available=5_000, bonus=500) for _ in range(USERS)]
    seed = randbits(32)
    crowd = Crowd(users, seed)

    # When all connections work at once
    async def work():
        # Commits that need not reach the disk make the crowd denser.
        async with connected(database.app_url, synchronous_commit="off") as connection:
            await crowd.work(connection)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())

    # Then most of it was accepted, nothing locked up, and the ledger adds up
    assert crowd.outcomes["accepted"] >= 0.4 * OPERATIONS, f"{crowd.outcomes} with seed {seed}"
    assert await audit_ledger(database.app_url) == []
    await owner.execute("SELECT pg_stat_clear_snapshot()")
    assert await owner.fetchval(deadlocks) == 0


async def test_of_parallel_holds_with_money_for_one_one_succeeds(database, app):
    # Given a user with the money for one picture
    user_id = await make_user(app, available=700, bonus=60)

    # When ten connections buy one at the same moment
    start = asyncio.Event()

    async def buy():
        async with connected(database.app_url) as connection:
            await start.wait()
            return await make_purchase(connection, user_id, 760)

    buyers = [asyncio.create_task(buy()) for _ in range(10)]
    start.set()
    outcomes = await asyncio.gather(*buyers, return_exceptions=True)

    # Then one of them has it, the others are told what is missing, and no trace is left of theirs
    refused = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
    assert [refusal.values for refusal in refused] == [{"missing_kopecks": 760}] * 9
    balances = await ledger.get_balances(app, user_id)
    assert (balances.spendable_kopecks, balances.held_kopecks) == (0, 760)
    assert await app.fetchval("SELECT count(*) FROM tasks") == 1
    assert await audit_ledger(database.app_url) == []


async def test_a_task_that_many_settle_at_once_is_settled_once(database, app):
    # Given a running task
    user_id = await make_user(app, available=760)
    purchase = await make_purchase(app, user_id, 760)

    # When a callback, a poll and a deadline come to different ends at the same moment
    async def end(capture):
        async with connected(database.app_url) as connection:
            return await settle(connection, user_id, purchase.task_ids[0], capture=capture)

    settled = await asyncio.gather(*(end(capture) for capture in (760, 0, 380) * 3))

    # Then one of them counted
    assert settled.count(True) == 1
    assert await app.fetchval("SELECT count(*) FROM movements WHERE kind = 'hold'") == 1
    assert await audit_ledger(database.app_url) == []


async def test_a_thousand_parallel_inserts_leave_a_thousand_rows(pool):
    # Given a user
    async with pool.acquire() as connection:
        user_id = await make_user(connection)

    # When a thousand charges are credited over ten connections
    async def credit(number):
        async with pool.acquire() as connection:
            return await give(connection, MovementKind.TOP_UP, user_id, 100, key=f"charge:{number}")

    credited = await asyncio.gather(*(credit(number) for number in range(1_000)))

    # Then each left a row with an id of the database's own
    assert all(credited)
    assert await pool.fetchval("SELECT count(DISTINCT movement_id) FROM movements") == 1_000
    assert (await ledger.get_balances(pool, user_id)).available_kopecks == 100_000
