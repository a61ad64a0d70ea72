"""What a picture costs us and what it is sold for; never below cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from service.domain.model import Model, Unit, Value
from service.domain.money import Kopecks, round_up_to_step, to_rubles
from service.domain.parameters import count_choices, effective_parameters

#: What KIE takes for a credit.
USD_PER_CREDIT = Decimal("0.005")
_PIXELS_PER_MEGAPIXEL = 1_000_000
_MICROS_PER_USD = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What prices are made with; admins change them at run time."""

    rub_per_usd: Decimal
    markup: Decimal
    rub_per_star: Decimal
    usd_per_star: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a card: what one picture and all of them cost the user, and us."""

    picture_kopecks: Kopecks
    pictures: int
    total_kopecks: Kopecks
    credits: Decimal  # what KIE takes for all pictures
    cost_usd_micros: int
    requests: int


def cost_of(credits_used: Decimal) -> Decimal:
    """Give what credits cost us, in USD."""
    return credits_used * USD_PER_CREDIT


def price_of_picture(cost_usd: Decimal, rates: Rates) -> Kopecks:
    """Give the price of one picture, rounded up so that it is never under cost times mark-up."""
    assert cost_usd > 0
    return round_up_to_step(cost_usd * rates.rub_per_usd * rates.markup)


def is_below_cost(price: Kopecks, cost_usd: Decimal, rates: Rates) -> bool:
    """Tell whether the Stars behind a price bring us less than KIE takes."""
    # Multiplied out, because a quotient could be rounded to the wrong side.
    brought = to_rubles(price) * rates.usd_per_star * rates.rub_per_usd
    return brought < cost_usd * rates.rub_per_usd * rates.rub_per_star


def price_of(model: Model, parameters: Mapping[str, Value], count: int, rates: Rates) -> Price:
    """Give the price of `count` pictures: that of one times their number."""
    assert count in count_choices(model), f"{model.id} is not sold as {count} pictures"
    credits_each = credits_of_picture(model, parameters)
    picture = price_of_picture(cost_of(credits_each), rates)
    cost_usd = cost_of(credits_each * count)
    per_request = count if model.pictures.parameter else model.pictures.per_request
    return Price(
        picture_kopecks=picture,
        pictures=count,
        total_kopecks=Kopecks(picture * count),
        credits=credits_each * count,
        cost_usd_micros=int((cost_usd * _MICROS_PER_USD).to_integral_value(ROUND_CEILING)),
        requests=count // per_request,
    )


def credits_of_picture(model: Model, parameters: Mapping[str, Value]) -> Decimal:
    """Give what KIE takes for one picture made with these parameters."""
    values = effective_parameters(model, parameters)
    credits_each = _credits(model, values)
    match model.price.unit:
        case Unit.IMAGE:
            return credits_each
        case Unit.REQUEST:
            return credits_each / model.pictures.per_request
        case Unit.MEGAPIXEL:
            return credits_each * _megapixels(model, values)
        case Unit.SECOND | Unit.VIDEO:
            raise AssertionError(f"{model.id} is not sold by the picture")


def _credits(model: Model, values: Mapping[str, Value]) -> Decimal:
    for variant in model.price.variants:
        if variant.when.items() <= values.items():
            return variant.credits
    assert model.price.credits is not None, f"{model.id} has no price for {dict(values)}"
    return model.price.credits


def _megapixels(model: Model, values: Mapping[str, Value]) -> int:
    """Give the size rounded up to whole megapixels, since KIE's own rounding is not known."""
    sizes = model.price.pixel_sizes
    assert sizes is not None
    width, height = sizes[str(values["image_size"])]
    return max(1, -(-width * height // _PIXELS_PER_MEGAPIXEL))
