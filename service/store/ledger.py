"""Money: every change is a movement, done once, guarded by the database."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import asyncpg

from service.domain.money import Kopecks
from service.errors import UserError
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("ledger")


class AccountKind(StrEnum):
    """What money an account holds. The platform's own kinds may be negative."""

    AVAILABLE = "available"
    BONUS = "bonus"
    HELD = "held"
    STARS = "stars"
    PROMO = "promo"
    ADJUSTMENTS = "adjustments"
    REVENUE = "revenue"


#: The platform's accounts, made by migration 0003 with the highest ids.
PLATFORM = {
    AccountKind.STARS: 9_000_000_000_000_000_001,
    AccountKind.PROMO: 9_000_000_000_000_000_002,
    AccountKind.ADJUSTMENTS: 9_000_000_000_000_000_003,
    AccountKind.REVENUE: 9_000_000_000_000_000_004,
}


class MovementKind(StrEnum):
    """Why money moved; which accounts a kind may touch stands in `movement_rules`."""

    WELCOME = "welcome"
    TOP_UP = "top_up"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Balances:
    """What a user has: own money, bonus money, and what is held for running tasks."""

    available_kopecks: Kopecks
    bonus_kopecks: Kopecks
    held_kopecks: Kopecks

    @property
    def spendable_kopecks(self) -> Kopecks:
        """Give what can be spent now."""
        return Kopecks(self.available_kopecks + self.bonus_kopecks)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a user's statement."""

    movement_id: int
    kind: str
    debit_kind: str
    credit_kind: str
    amount_kopecks: Kopecks
    created_at: datetime
    generation_id: int | None
    model_id: str | None


@dataclass(frozen=True, slots=True)
class _Account:
    kind: AccountKind
    account_id: int


@dataclass(frozen=True, slots=True)
class _Hold:
    hold_id: int
    user_id: int
    funding_id: int
    funding_kind: str
    amount_kopecks: Kopecks


async def get_balances(reader: Reader, user_id: int) -> Balances:
    """Give the user's balances; all zero for a person nobody met."""
    row = await _sql.get_balances(reader, user_id=user_id)
    return Balances(**row) if row else Balances(Kopecks(0), Kopecks(0), Kopecks(0))


async def credit(
    db: Db, *, kind: MovementKind, user_id: int, amount_kopecks: Kopecks, key: str,
    actor: str = "system", note: str | None = None,
) -> bool:  # fmt: skip
    """Move money from the platform to a user, once per key; False: it was done before."""
    source, target = _CREDITS[kind]
    accounts = await _accounts(db, user_id)
    movement_id = await _move(
        db, kind, _Account(source, PLATFORM[source]), accounts[target], amount_kopecks,
        key=key, actor=actor, note=note,
    )  # fmt: skip
    return movement_id is not None


async def hold(
    db: Db, *, user_id: int, task_id: int, amount_kopecks: Kopecks, now: datetime
) -> None:
    """Keep a task's money apart, bonus money first; `UserError` when it does not suffice.

    The caller has locked the user (`users.lock`), so the balances read here stay true; were it
    not so, the CHECK on the balance would refuse.
    """
    balances = await get_balances(db, user_id)
    missing = amount_kopecks - balances.spendable_kopecks
    if missing > 0:
        raise UserError("not-enough-money", missing_kopecks=Kopecks(missing))
    bonus = min(balances.bonus_kopecks, amount_kopecks)
    parts = {AccountKind.BONUS: bonus, AccountKind.AVAILABLE: amount_kopecks - bonus}
    accounts = await _accounts(db, user_id)
    for kind, part in parts.items():
        if part:
            await _open_hold(
                db, task_id=task_id, user_id=user_id, funding=accounts[kind],
                held=accounts[AccountKind.HELD], amount=Kopecks(part), now=now,
            )  # fmt: skip


async def resolve(
    db: Db, *, task_id: int, capture_kopecks: Kopecks, now: datetime
) -> tuple[Kopecks, Kopecks]:
    """End a task's holds: take `capture_kopecks`, bonus money first, give back the rest.

    Returns what was captured and what was released by this call: 0 and 0 when it was done before.
    """
    captured = released = 0
    for row in [_Hold(**row) async for row in _sql.list_open_holds(db, task_id=task_id)]:
        part = min(row.amount_kopecks, capture_kopecks - captured)
        rest = row.amount_kopecks - part
        await _resolve_hold(db, row, Kopecks(part), Kopecks(rest), now)
        captured += part
        released += rest
    return Kopecks(captured), Kopecks(released)


async def list_movements(
    reader: Reader, *, user_id: int, before_id: int | None, page_size: int
) -> list[Movement]:
    """Give a page of a user's statement, newest first."""
    rows = _sql.list_movements(reader, user_id=user_id, before_id=before_id, page_size=page_size)
    return [Movement(**row) async for row in rows]


async def get_returned(reader: Reader, generation_id: int) -> Kopecks:
    """Give what came back from a generation's holds, as the ledger has it."""
    return Kopecks(await _sql.get_returned(reader, generation_id=generation_id))


async def get_guard(reader: Reader) -> str:
    """Tell what keeps the ledger: `roles and triggers`, or `triggers only`."""
    could_write = await _sql.get_ledger_guard(reader)
    return "triggers only" if could_write else "roles and triggers"


#: From which platform account to which of the user's own a credit goes.
_CREDITS = {
    MovementKind.WELCOME: (AccountKind.PROMO, AccountKind.BONUS),
    MovementKind.TOP_UP: (AccountKind.STARS, AccountKind.AVAILABLE),
    MovementKind.ADJUSTMENT: (AccountKind.ADJUSTMENTS, AccountKind.AVAILABLE),
}


async def _accounts(db: Db, user_id: int) -> dict[AccountKind, _Account]:
    rows = [row async for row in _sql.list_accounts(db, user_id=user_id)]
    kinds = {AccountKind(row["kind"]): row["account_id"] for row in rows}
    return {kind: _Account(kind, account_id) for kind, account_id in kinds.items()}


async def _open_hold(
    db: Db, *, task_id: int, user_id: int, funding: _Account, held: _Account,
    amount: Kopecks, now: datetime,
) -> None:  # fmt: skip
    hold_id = await _sql.open_hold(
        db, task_id=task_id, user_id=user_id, funding_id=funding.account_id,
        funding_kind=funding.kind, amount_kopecks=amount, now=now,
    )  # fmt: skip
    key = f"hold:{hold_id}"
    await _move(db, MovementKind.HOLD, funding, held, amount, key=key, hold_id=hold_id)


async def _resolve_hold(
    db: Db, row: _Hold, captured: Kopecks, released: Kopecks, now: datetime
) -> None:
    resolved = await _sql.resolve_hold(
        db, hold_id=row.hold_id, captured_kopecks=captured, released_kopecks=released, now=now
    )
    assert resolved is not None, "the row was locked unresolved a statement ago"
    held = (await _accounts(db, row.user_id))[AccountKind.HELD]
    funding = _Account(AccountKind(row.funding_kind), row.funding_id)
    revenue = _Account(AccountKind.REVENUE, PLATFORM[AccountKind.REVENUE])
    # Released first: the revenue account is everybody's and is locked as late as possible.
    if released:
        key = f"release:{row.hold_id}"
        await _move(db, MovementKind.RELEASE, held, funding, released, key=key, hold_id=row.hold_id)
    if captured:
        key = f"capture:{row.hold_id}"
        await _move(db, MovementKind.CAPTURE, held, revenue, captured, key=key, hold_id=row.hold_id)


async def _move(
    db: Db, kind: MovementKind, debit: _Account, credit: _Account, amount: Kopecks, *,
    key: str, hold_id: int | None = None, actor: str = "system", note: str | None = None,
) -> int | None:  # fmt: skip
    """Insert one movement; None: the same request was done before."""
    try:
        movement_id: int | None = await _sql.move(
            db, kind=kind, debit_id=debit.account_id, debit_kind=debit.kind,
            credit_id=credit.account_id, credit_kind=credit.kind, amount_kopecks=amount,
            hold_id=hold_id, idempotency_key=key, actor=actor, note=note,
        )  # fmt: skip
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "accounts_balance_not_negative":
            raise UserError("not-enough-money", missing_kopecks=amount) from error
        raise
    return movement_id
