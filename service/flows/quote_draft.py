"""Promises a price for a card: the number on it is the number that is held and charged."""

from dataclasses import dataclass
from decimal import Decimal

from service.domain.catalogue import Model, Parameters
from service.domain.money import Kopecks
from service.domain.pricing import Price, is_below_cost, price_of
from service.errors import PermanentError
from service.flows.deps import Deps
from service.store import generations, ledger, rates
from service.store.generations import NewQuote
from service.store.pool import Db

#: A price holds for so long.
QUOTE_S = 15 * 60.0
_MICROS_PER_USD = 1_000_000


@dataclass(frozen=True, slots=True)
class QuotedCard:
    """A promised price, and whether the user's money suffices."""

    quote_id: int
    price: Price
    spendable_kopecks: Kopecks

    @property
    def missing_kopecks(self) -> Kopecks:
        """Give what the user lacks, 0 when the money suffices."""
        return Kopecks(max(0, self.price.total_kopecks - self.spendable_kopecks))


async def quote_draft(
    db: Db, deps: Deps, *, user_id: int, model: Model, parameters: Parameters, pictures: int,
    style: str, prompt: str,
) -> QuotedCard:  # fmt: skip
    """Promise a price for 15 minutes. The parameters and the prompt were checked before.

    Raises PermanentError when the rates would sell below cost: an operator must mend them.
    """
    current = await rates.get(db)
    price = price_of(model, parameters, pictures, current)
    cost_usd = Decimal(price.cost_usd_micros) / _MICROS_PER_USD
    if is_below_cost(price.total_kopecks, cost_usd, current):
        raise PermanentError(f"{model.id} would be sold below cost: set the rates anew")
    quote = NewQuote(
        user_id=user_id, model_id=model.id, prompt=prompt, parameters=parameters, style=style,
        pictures=pictures, picture_kopecks=price.picture_kopecks,
        price_kopecks=price.total_kopecks, cost_usd_micros=price.cost_usd_micros,
        rates={
            "rub_per_usd": str(current.rub_per_usd), "markup": str(current.markup),
            "rub_per_star": str(current.rub_per_star),
            "usd_per_star": str(current.usd_per_star),
        },
    )  # fmt: skip
    quote_id = await generations.make_quote(
        db, quote, now=deps.now(), expires_at=deps.after(QUOTE_S)
    )
    balances = await ledger.get_balances(db, user_id)
    return QuotedCard(quote_id, price, balances.spendable_kopecks)
