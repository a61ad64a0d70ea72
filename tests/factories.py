"""People and purchases for tests, made by the product's own store functions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import token_hex

from service.domain.money import Kopecks
from service.store import generations, ledger, tasks, users
from service.store.ledger import PLATFORM, AccountKind, MovementKind
from service.store.pool import Db
from service.store.sql import queries

#: A moment of no meaning; tests that need another say so.
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = "google/nano-banana"
AVAILABLE = "SELECT account_id FROM accounts WHERE user_id = $1 AND kind = 'available'"

_user_ids = count(1_000)


@dataclass(frozen=True)
class Purchase:
    """A generation with its tasks, in order; the money of each is held."""

    generation_id: int
    user_id: int
    task_ids: list[int]
    price_kopecks: int


async def make_user(
    db: Db, *, user_id: int | None = None, available: int = 0, bonus: int = 0, language: str = "en"
) -> int:
    """Make a person with kopecks of their own and of the welcome; gives the user id."""
    user_id = user_id or next(_user_ids)
    async with db.transaction():
        await users.meet(
            db, user_id=user_id, username=None, first_name="Ann", language=language, now=NOW
        )
        await users.lock(db, user_id)
        if bonus:
            await give(db, MovementKind.WELCOME, user_id, bonus, key=f"welcome:{user_id}")
        if available:
            await give(db, MovementKind.TOP_UP, user_id, available, key=f"charge:{token_hex(8)}")
    return user_id


async def give(db: Db, kind: MovementKind, user_id: int, amount: int, *, key: str) -> bool:
    """Credit the user; False: this key was done before."""
    return await ledger.credit(
        db, kind=kind, user_id=user_id, amount_kopecks=Kopecks(amount), key=key
    )


async def take(db: Db, user_id: int, amount: int, *, key: str) -> bool:
    """Take money from the user, as an operator's correction does; False: done before."""
    async with db.transaction():
        await users.lock(db, user_id)
        movement_id = await queries("ledger").move(
            db,
            kind=MovementKind.ADJUSTMENT,
            debit_id=await db.fetchval(AVAILABLE, user_id),
            debit_kind=AccountKind.AVAILABLE,
            credit_id=PLATFORM[AccountKind.ADJUSTMENTS],
            credit_kind=AccountKind.ADJUSTMENTS,
            amount_kopecks=amount,
            hold_id=None,
            idempotency_key=key,
            actor="test",
            note=None,
        )
    return movement_id is not None


async def make_purchase(db: Db, user_id: int, *prices: int, now: datetime = NOW) -> Purchase:
    """Buy a generation of one task for each price, holding the money, in one transaction."""
    async with db.transaction():
        await users.lock(db, user_id)
        quote = await _make_quote(db, user_id, sum(prices), now)
        generation_id = await generations.start(
            db, quote, status_message_id=None, deadline_at=now + timedelta(minutes=15), now=now
        )
        assert generation_id is not None
        task_ids = [
            await _make_held_task(db, generation_id, user_id, ordinal=ordinal, price=price, now=now)
            for ordinal, price in enumerate(prices, start=1)
        ]
    return Purchase(generation_id, user_id, task_ids, sum(prices))


async def make_task(db: Db, user_id: int, price: int = 760) -> int:
    """Buy a generation of one task; gives the task's id."""
    return (await make_purchase(db, user_id, price)).task_ids[0]


async def submit(db: Db, task_id: int, *, now: datetime = NOW) -> None:
    """Let KIE have this very task, whatever the fair order is."""
    await db.execute(
        "UPDATE tasks SET state = 'submitting' WHERE task_id = $1 AND state = 'queued'", task_id
    )
    await tasks.mark_submitted(db, task_id, provider_task_id=f"kie-{task_id}", now=now, due_at=now)


async def settle(db: Db, user_id: int, task_id: int, *, capture: int, now: datetime = NOW) -> bool:
    """End a task in one transaction: capture so much, release the rest; False: done before."""
    async with db.transaction():
        await users.lock(db, user_id)
        if capture:
            await submit(db, task_id, now=now)
            settled = await tasks.settle_succeeded(
                db, task_id, pictures_made=1, credits_consumed=None, now=now
            )
        else:
            settled = await tasks.settle_failed(db, task_id, reason="provider", error=None, now=now)
        await ledger.resolve(db, task_id=task_id, capture_kopecks=Kopecks(capture), now=now)
    return settled


async def _make_quote(db: Db, user_id: int, price: int, now: datetime) -> generations.Quote:
    new = generations.NewQuote(
        user_id=user_id,
        model_id=MODEL,
        prompt="a cat",
        parameters={},
        style="none",
        pictures=1,
        picture_kopecks=Kopecks(price),
        price_kopecks=Kopecks(price),
        cost_usd_micros=1,
        rates={},
    )
    expires_at = now + timedelta(minutes=15)
    quote_id = await generations.make_quote(db, new, now=now, expires_at=expires_at)
    quote = await generations.get_quote(db, quote_id, user_id=user_id)
    assert quote is not None
    return quote


async def _make_held_task(
    db: Db, generation_id: int, user_id: int, *, ordinal: int, price: int, now: datetime
) -> int:
    task_id = await tasks.queue(
        db,
        generation_id=generation_id,
        user_id=user_id,
        model_id=MODEL,
        ordinal=ordinal,
        task_input={"prompt": "a cat"},
        pictures=1,
        price_kopecks=Kopecks(price),
        callback_token=token_hex(16),
        deadline_at=now + timedelta(minutes=15),
        now=now,
    )
    await ledger.hold(db, user_id=user_id, task_id=task_id, amount_kopecks=Kopecks(price), now=now)
    return task_id
