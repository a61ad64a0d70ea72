"""Kopecks: made of whole amounts, rounded up in steps, written for people."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.money import Kopecks, format_rubles, round_up_to_step, rub, to_rubles


@pytest.mark.parametrize(
    ("kopecks", "locale", "text"),
    [
        (760, "ru", "7,60 ₽"),
        (760, "en", "7.60 ₽"),
        (20_000, "ru", "200 ₽"),
        (0, "en", "0 ₽"),
        (5, "ru", "0,05 ₽"),
        (123_456_789, "ru", "1\u202f234\u202f567,89 ₽"),
        (100_000, "en", "1\u202f000 ₽"),
        (-760, "ru", "\u22127,60 ₽"),
        (760, "ru-RU", "7,60 ₽"),
    ],
)
def test_an_amount_is_written_as_the_language_writes_it(kopecks, locale, text):
    # Given an amount / When it is written / Then it has the language's decimal sign
    assert format_rubles(Kopecks(kopecks), locale) == text


def test_rubles_become_kopecks_without_loss():
    # Given amounts in three spellings / When they are read / Then they are exact
    assert [rub(200), rub("7.60"), rub(Decimal("0.1"))] == [20_000, 760, 10]
    assert to_rubles(rub("7.60")) == Decimal("7.6")


def test_a_part_of_a_kopeck_is_refused():
    # Given an amount that is no whole number of kopecks
    # When it is read / Then it is refused, not rounded
    with pytest.raises(ValueError, match="not a whole number of kopecks"):
        rub("0.005")


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_rounding_goes_up_to_the_next_ten_kopecks_and_no_further(rubles):
    # Given any amount / When it is rounded
    price = round_up_to_step(rubles)

    # Then it is the least multiple of 10 kopecks that is not below
    assert price % 10 == 0
    assert 0 <= to_rubles(price) - rubles < Decimal("0.1")
