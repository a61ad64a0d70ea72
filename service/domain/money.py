"""Money is whole kopecks; rates and costs are Decimal; a float is never money."""

from decimal import ROUND_CEILING, Decimal
from typing import NewType

Kopecks = NewType("Kopecks", int)

#: How many kopecks make a ruble.
KOPECKS_PER_RUBLE = 100
#: Prices of pictures are whole multiples of this many kopecks.
PRICE_STEP_KOPECKS = 10
#: A narrow space that does not break groups thousands.
_GROUP = "\u202f"


def rub(rubles: int | str | Decimal) -> Kopecks:
    """Give an amount of rubles, such as 200 or "7.60", in kopecks; part kopecks are refused."""
    kopecks = Decimal(rubles) * KOPECKS_PER_RUBLE
    if kopecks != kopecks.to_integral_value():
        raise ValueError(f"{rubles} RUB is not a whole number of kopecks")
    return Kopecks(int(kopecks))


def to_rubles(kopecks: Kopecks) -> Decimal:
    """Give the exact amount in rubles."""
    return Decimal(kopecks) / KOPECKS_PER_RUBLE


def round_up_to_step(rubles: Decimal) -> Kopecks:
    """Round an exact amount of rubles up to a price that may stand on a card."""
    steps = (rubles * KOPECKS_PER_RUBLE / PRICE_STEP_KOPECKS).to_integral_value(ROUND_CEILING)
    return Kopecks(int(steps) * PRICE_STEP_KOPECKS)


def format_rubles(kopecks: Kopecks, locale: str) -> str:
    """Write an amount for a person: "7,60 ₽" in Russian, "7.60 ₽" elsewhere, "200 ₽" if whole."""
    rubles, part = divmod(abs(kopecks), KOPECKS_PER_RUBLE)
    sign = "\u2212" if kopecks < 0 else ""
    groups = f"{rubles:,}".replace(",", _GROUP)
    decimals = f"{',' if locale.startswith('ru') else '.'}{part:02}" if part else ""
    return f"{sign}{groups}{decimals} ₽"
