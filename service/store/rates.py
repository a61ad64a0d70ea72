"""The rates that prices are made with; the newest count, each change is kept."""

from datetime import datetime

from service.domain.pricing import Rates
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("rates")


async def get(reader: Reader) -> Rates:
    """Give the rates that count now."""
    row = await _sql.get_rates(reader)
    assert row is not None, "the first rates are written before anything is sold"
    return Rates(**row)


async def add(db: Db, rates: Rates, *, actor: str, now: datetime) -> None:
    """Let these rates count from now on."""
    await _sql.add_rates(db, **_fields(rates), actor=actor, now=now)


async def add_first(db: Reader, rates: Rates, *, now: datetime) -> None:
    """Write the environment's rates where there are none."""
    await _sql.add_first_rates(db, **_fields(rates), now=now)


def _fields(rates: Rates) -> dict[str, object]:
    return {
        "rub_per_usd": rates.rub_per_usd,
        "rub_per_star": rates.rub_per_star,
        "usd_per_star": rates.usd_per_star,
        "markup": rates.markup,
    }
