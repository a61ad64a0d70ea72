"""Prices: the golden table, and what must hold for any cost and any rates.

tests/golden/prices.json was written from KIE's price facts in USD with fractions, not with the
code under test: ceil(usd * 95 * 2.0 in steps of 10 kopecks), grok-imagine's request halved,
qwen's megapixels rounded up from its six named sizes.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.catalogue import count_choices, load_catalogue
from service.domain.model import Unit
from service.domain.money import Kopecks, rub
from service.domain.pricing import (
    Rates,
    cost_of,
    credits_of_picture,
    is_below_cost,
    price_of,
    price_of_picture,
)

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "prices.json").read_text(encoding="utf-8")
)
DEFAULT_RATES = Rates(
    rub_per_usd=Decimal(95),
    markup=Decimal("2.0"),
    rub_per_star=Decimal("1.4"),
    usd_per_star=Decimal("0.013"),
)
costs = st.decimals(min_value=Decimal("0.000001"), max_value=100, places=6)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['model']} {row['parameters']}")
def test_every_price_is_the_one_worked_out_from_the_facts(row):
    # Given a model and one combination that has a price of its own
    model = load_catalogue().by_id[row["model"]]
    count = count_choices(model)[0]

    # When its card is priced
    price = price_of(model, row["parameters"], count, DEFAULT_RATES)

    # Then credits, cost and price are those of the table
    assert credits_of_picture(model, row["parameters"]) == Decimal(row["credits"])
    assert price.cost_usd_micros == row["cost_usd_micros"] * count
    assert price.picture_kopecks == row["picture_kopecks"]


def test_the_table_has_every_variant_of_every_model_on_sale():
    # Given the catalogue / When its variants are listed
    variants = {
        (model.id, json.dumps(dict(variant.when)))
        for model in load_catalogue().on_sale()
        for variant in model.price.variants
    }
    table = {(row["model"], json.dumps(row["parameters"])) for row in GOLDEN}

    # Then the table has each, and the price without any choice for each model
    assert variants <= table
    assert {model.id for model in load_catalogue().on_sale()} == {
        row["model"] for row in GOLDEN if not row["parameters"]
    }


@pytest.mark.parametrize("model", load_catalogue().on_sale(), ids=lambda model: model.code)
def test_a_card_costs_its_pictures_price_times_their_number(model):
    # Given every number of pictures a model is sold in
    for count in count_choices(model):
        # When the card is priced
        price = price_of(model, {}, count, DEFAULT_RATES)

        # Then it is the picture's price times the number, and no sale is below cost
        assert price.total_kopecks == price.picture_kopecks * count
        assert price.credits == credits_of_picture(model, {}) * count
        assert not is_below_cost(
            price.total_kopecks, Decimal(price.cost_usd_micros) / 1_000_000, DEFAULT_RATES
        )


def test_requests_are_counted_as_they_are_sent():
    # Given one model of each way to make four pictures
    catalogue = load_catalogue()

    # When four are priced / Then one asks once, one twice, one four times
    requests = [
        price_of(catalogue.by_code[code], {}, 4, DEFAULT_RATES).requests
        for code in ("wan27", "gk", "zi")
    ]
    assert requests == [1, 2, 4]
    assert catalogue.by_code["gk"].price.unit is Unit.REQUEST


@given(costs)
def test_no_cost_is_sold_below_itself_at_the_default_rates(cost_usd):
    # Given any cost / When it is priced
    price = price_of_picture(cost_usd, DEFAULT_RATES)

    # Then it is a multiple of 10 kopecks that brings in at least the cost
    assert price % 10 == 0
    assert not is_below_cost(price, cost_usd, DEFAULT_RATES)


@given(costs, costs)
def test_a_higher_cost_never_has_a_lower_price(one, other):
    # Given two costs / When both are priced / Then the prices are in the same order
    low, high = sorted([one, other])
    assert price_of_picture(low, DEFAULT_RATES) <= price_of_picture(high, DEFAULT_RATES)


@given(costs, st.integers(min_value=1, max_value=10**7))
def test_below_cost_is_the_rule_of_the_design(cost_usd, kopecks):
    # Given any price and cost / When the sale is checked
    refused = is_below_cost(Kopecks(kopecks), cost_usd, DEFAULT_RATES)

    # Then it is refused just when the Stars' worth in rubles is less than the cost in rubles
    brought = kopecks * 13 * 95 * 1_000_000  # in units of 1.4 * 10**11 rubles
    cost = int(cost_usd * 1_000_000) * 95 * 1_400 * 100
    assert refused == (brought < cost)


def test_a_markup_that_does_not_cover_the_stars_fee_is_seen():
    # Given a mark-up of nothing, when a Star brings less than users get for it
    rates = Rates(
        rub_per_usd=Decimal(95),
        markup=Decimal(1),
        rub_per_star=Decimal("1.4"),
        usd_per_star=Decimal("0.013"),
    )
    cost_usd = cost_of(Decimal(20))

    # When a picture is priced / Then the sale is below cost
    assert price_of_picture(cost_usd, rates) == rub("9.50")
    assert is_below_cost(rub("9.50"), cost_usd, rates)


def test_a_sale_that_brings_exactly_its_cost_is_allowed():
    # Given one Star's worth of rubles and a cost of what one Star brings
    # When the sale is checked / Then it is not below cost, and a kopeck less is
    cost_usd = DEFAULT_RATES.usd_per_star
    assert not is_below_cost(rub("1.40"), cost_usd, DEFAULT_RATES)
    assert is_below_cost(rub("1.39"), cost_usd, DEFAULT_RATES)
