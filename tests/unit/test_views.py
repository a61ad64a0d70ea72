"""Screens as rules: what a keyboard may hold, how buttons are laid out, how a draft changes."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from service.bot import card_views, views
from service.bot.callbacks import Open
from service.bot.draft import FIRST_MODEL, Draft
from service.bot.screens import Button, Screen, excerpt, in_columns, in_pairs, keyboard
from service.bot.turn import Turn
from service.domain.catalogue import (
    check_parameters,
    count_choices,
    load_catalogue,
    load_styles,
    visible_inputs,
)
from service.domain.pricing import Rates
from service.store.users import Conversation, User
from service.texts import LOCALES

CATALOGUE = load_catalogue()
ON_SALE = CATALOGUE.on_sale()
RATES = Rates(
    rub_per_usd=Decimal(95),
    markup=Decimal(2),
    rub_per_star=Decimal("1.4"),
    usd_per_star=Decimal("0.013"),
)
CALLBACK_BYTES_MAX = 64
BUTTONS_MAX = 100
TEXT_LENGTH_MAX = 4096


def turn_of(locale: str, draft: Draft) -> Turn:
    """Make a turn of somebody who composes this."""
    user = User(
        user_id=1, first_name="Ann", language=locale, language_chosen=False, start_payload=None,
        banned_at=None, is_new=False,
    )  # fmt: skip
    deps = SimpleNamespace(catalogue=CATALOGUE)
    return Turn(None, deps, user, Conversation(None, draft.stored()), 1)


def screens_of(turn: Turn) -> list[Screen]:
    """Draw every screen of composing with the turn's model."""
    screens = [
        card_views.draft_screen(turn, rates=RATES, usual_s=None),
        card_views.count_screen(turn),
        card_views.style_screen(turn),
        card_views.prompt_screen(turn, length_max=5000),
    ]
    for item in visible_inputs(turn.model):
        draw = card_views.choice_screen if item.choices else card_views.typed_screen
        screens.append(draw(turn, item))
    return screens


def buttons(*words: str) -> list[Button]:
    return [Button(word, Open(screen="menu")) for word in words]


def shape(rows: list[list[Button]]) -> list[list[str]]:
    return [[button.label for button in row] for row in rows]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("model", ON_SALE, ids=lambda model: model.code)
def test_every_screen_of_a_model_fits_into_telegram(model, locale):
    # Given the longest prompt that is shown
    turn = turn_of(locale, Draft(model_id=model.id, prompt="😀" * 1500))

    # When every screen of the model is drawn
    for screen in screens_of(turn):
        content = screen.content()
        rows = content["reply_markup"]["inline_keyboard"]
        drawn = [button for row in rows for button in row]
        # Then text, keyboard and every button are within Telegram's limits
        assert len(content["text"].encode("utf-16-le")) // 2 <= TEXT_LENGTH_MAX
        assert len(drawn) <= BUTTONS_MAX
        assert all(0 < len(b["callback_data"].encode()) <= CALLBACK_BYTES_MAX for b in drawn)
        assert all(b["text"].strip() for b in drawn)


def test_models_are_listed_by_price_and_every_one_is_on_some_page():
    # Given all pages of a kind
    turn = turn_of("en", Draft())
    for kind, models in CATALOGUE.on_sale_by_kind().items():
        pages = -(-len(models) // views.MODELS_PAGE)
        drawn = [
            views.models_page(turn, kind, page, rates=RATES, times_s={}) for page in range(pages)
        ]

        # Then each model is there once, the cheapest first, and what is chosen is ticked
        rows = [row[0] for screen in drawn for row in screen.rows if row and "₽" in row[0].label]
        picked = [CATALOGUE.by_code[button.data.code] for button in rows]
        prices = [views.picture_price(model, RATES) for model in picked]
        assert sorted(m.id for m in picked) == sorted(m.id for m in models)
        assert prices == sorted(prices)
        ticked = [button.data.code for button in rows if button.label.startswith("✓")]
        assert ticked == [m.code for m in models if m.id == FIRST_MODEL]


def test_the_price_of_a_draft_is_that_of_its_settings():
    # Given a draft at 4K, when it is shown, then with the price of 4K
    cheap = card_views.draft_screen(
        turn_of("en", Draft(model_id="nano-banana-2")), rates=RATES, usual_s=None
    )
    dear = card_views.draft_screen(
        turn_of("en", Draft(model_id="nano-banana-2", parameters={"resolution": "4K"})),
        rates=RATES,
        usual_s=None,
    )
    assert "7.60 ₽" in cheap.text
    assert "17.10 ₽" in dear.text


def test_short_choices_stand_in_even_columns_and_long_ones_alone():
    # Given labels of different lengths, then the longest decides
    assert shape(in_columns(buttons("1:1", "2:3", "3:2", "16:9", "9:16"))) == [
        ["1:1", "2:3", "3:2"],
        ["16:9", "9:16"],
    ]
    assert shape(in_columns(buttons("a" * 16, "b"))) == [["a" * 16, "b"]]
    assert shape(in_columns(buttons("a" * 30, "b"))) == [["a" * 30], ["b"]]
    assert in_columns([]) == []


def test_settings_stand_in_pairs_where_both_can_be_read():
    # Given long and short labels in their order, then only short neighbours share a row
    assert shape(in_pairs(buttons("a", "b", "c" * 30, "d", "e"))) == [
        ["a", "b"],
        ["c" * 30],
        ["d", "e"],
    ]


def test_a_keyboard_leaves_out_empty_rows_and_cuts_long_labels():
    # Given rows of all kinds
    drawn = keyboard([[], buttons("x" * 99)])

    # Then the empty one is gone, and the label is cut with a mark
    assert len(drawn["inline_keyboard"]) == 1
    assert drawn["inline_keyboard"][0][0]["text"] == "x" * 59 + "…"
    assert keyboard([]) is None


def test_an_excerpt_is_one_paragraph_of_the_beginning():
    # Given a long text in lines, then its beginning is left
    assert excerpt("a\n\n b\tc", length_max=10) == "a b c"
    assert excerpt("a" * 20, length_max=10) == "a" * 9 + "…"


@pytest.mark.parametrize("model", ON_SALE, ids=lambda model: model.code)
def test_any_value_that_a_button_offers_leaves_a_draft_that_can_be_sold(model):
    # Given a fresh draft of the model
    fresh = Draft().with_model(model)
    assert check_parameters(model, fresh.parameters) == []
    for item in visible_inputs(model):
        for choice in item.choices:
            # When any choice is taken
            draft, adjusted = fresh.with_value(model, item.name, choice)

            # Then it stands, whatever gave way is another setting, and nothing is forbidden
            assert draft.parameters[item.name] == choice
            assert item.name not in adjusted
            assert check_parameters(model, draft.parameters) == []


def test_a_stored_draft_that_is_out_of_date_is_mended():
    # Given a draft of a model that is gone, with a style and a setting nobody knows
    stored = Draft(
        model_id="gone/model", parameters={"seed": "x"}, pictures=9, style="gone", prompt="a cat"
    ).stored() | {"a_field_of_next_year": 1}

    # When it is read
    draft = Draft.of(stored, CATALOGUE, frozenset())

    # Then the words are kept, and the rest is what is sold
    assert draft.prompt == "a cat"
    assert CATALOGUE.by_id[draft.model_id].on_sale
    assert draft == replace(draft, parameters={}, pictures=1, style=next(iter(load_styles())))


def test_a_draft_of_a_model_that_was_switched_off_goes_to_another():
    # Given a model that is off sale at the moment, then another takes its place
    draft = Draft.of(Draft().stored(), CATALOGUE, frozenset({FIRST_MODEL}))
    assert draft.model_id != FIRST_MODEL


def test_another_model_starts_with_the_fewest_pictures_it_makes():
    # Given four pictures of one model, when another is chosen, then nobody pays for four unasked
    for model in ON_SALE:
        draft = Draft(pictures=4, prompt="a cat", style="anime").with_model(model)
        assert draft.pictures == count_choices(model)[0]
        assert (draft.prompt, draft.style) == ("a cat", "anime")
