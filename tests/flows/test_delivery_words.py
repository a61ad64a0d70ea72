"""Whatever people write, Telegram takes what we say of it (W17): read by the stub's own reader."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.bot import views
from service.bot.card_views import card_screen
from service.bot.status_views import Told, presentation, status_screen
from service.bot.turn import Turn
from service.domain.catalogue import load_catalogue
from service.domain.generation import DeliveryKind, DeliveryState, FailureReason, GenerationState
from service.domain.money import Kopecks
from service.flows.quote_draft import QuotedCard
from service.store.generations import Generation, HistoryEntry
from service.store.users import Conversation, User
from service.stubs.telegram_keyboards import read_markup
from service.stubs.telegram_markup import format_caption, format_message
from service.texts import LOCALES

CATALOGUE = load_catalogue()
NOW = datetime(2026, 11, 24, tzinfo=UTC)
#: Pieces that break careless markup, mixed with anything that Unicode has.
PIECES = st.one_of(
    st.sampled_from(
        [
            "<", ">", "&", "&amp;", "&#0;", "</b>", "<a href='tg://user?id=1'>", "</blockquote>",
            "{$x}", '"', "'", "\u202e", "\u200d", "👩‍👩‍👧‍👦", "🏳️‍🌈", "\n\n", "שלום", "\ufeff",
            "{ $price }", "<!--",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
)  # fmt: skip
WORDS = st.builds(
    lambda pieces, times: ("".join(pieces) * times)[:4096],
    st.lists(PIECES, min_size=1, max_size=12),
    st.sampled_from([1, 1, 40, 4096]),
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def tellings(draw):
    """Draw a generation in any state, with what the ledger says of it."""
    state = draw(st.sampled_from(GenerationState))
    has_ended = state in {GenerationState.COMPLETED, GenerationState.FAILED}
    reasons = st.one_of(st.sampled_from(FailureReason), WORDS)
    generation = Generation(
        generation_id=2**63 - 1, user_id=1,
        model_id=draw(st.one_of(st.sampled_from(sorted(CATALOGUE.by_id)), WORDS.map(_model_id))),
        state=state, reason=draw(reasons) if state == GenerationState.FAILED else None,
        price_kopecks=Kopecks(10**9), status_message_id=None, created_at=NOW,
        finished_at=NOW if has_ended else None, prompt=draw(WORDS), parameters={}, style="none",
        pictures=4, tasks=4, tasks_settled=draw(st.integers(0, 4)), pictures_made=2,
        delivery_state=draw(st.one_of(st.none(), st.sampled_from(DeliveryState))),
    )  # fmt: skip
    return Told(
        generation=generation, returned_kopecks=Kopecks(draw(st.sampled_from([0, 50]))),
        usual_s=draw(st.sampled_from([None, 9.0, 900.0])), delivery_is_late=draw(st.booleans()),
    )  # fmt: skip


@quick
@given(told=tellings(), locale=st.sampled_from(LOCALES))
def test_the_status_message_is_never_refused(told, locale):
    # Given a generation in any state, with any prompt
    # When its status is put into words
    time = views.usual_time(locale, told.usual_s)
    screen = status_screen(told, locale, CATALOGUE, time=time)

    # Then Telegram takes it
    _check_screen(screen)


@quick
@given(told=tellings(), locale=st.sampled_from(LOCALES), kind=st.sampled_from(DeliveryKind))
def test_the_words_that_go_with_pictures_are_never_refused(told, locale, kind):
    # Given any prompt, When captions and buttons are made, Then Telegram takes each
    shown = presentation(told, kind, locale, CATALOGUE)
    assert format_caption(shown.caption, "HTML", None).text
    format_message(f"{shown.caption}\n\n{shown.links}\nhttps://a.example/1.png", "HTML", None)
    format_message(shown.closing, "HTML", None)
    assert read_markup(shown.keyboard).inline


@quick
@given(
    prompt=WORDS,
    name=WORDS.map(lambda words: words[:64]),
    locale=st.sampled_from(LOCALES),
    missing=st.booleans(),
)
@example(prompt="&" * 4096, name="&" * 64, locale="ru", missing=False)
def test_card_history_and_greeting_are_never_refused(prompt, name, locale, missing):
    # Given somebody of any name who wrote anything
    turn = _turn(prompt, name, locale)
    price = SimpleNamespace(picture_kopecks=Kopecks(80), total_kopecks=Kopecks(80))
    card = QuotedCard(2**63 - 1, price, Kopecks(0 if missing else 80))
    entry = HistoryEntry(2**63 - 1, "gone/model", NOW, prompt, 1)

    # When card, history and greeting are put into words, Then Telegram takes each
    _check_screen(card_screen(turn, card, usual_s=9.0))
    _check_screen(views.history(turn, [entry] * 7, before_id=0))
    _check_screen(views.plain(turn, "welcome", name=name))


@pytest.mark.parametrize("locale", LOCALES)
def test_the_prompt_is_shown_as_it_was_written(locale):
    # Given a prompt that looks like markup, When it is shown, Then it reads as it was written
    told = _told('<b>5 > 3</b> &amp; "it\'s"')
    words = presentation(told, DeliveryKind.RESULTS, locale, CATALOGUE).caption
    assert '<b>5 > 3</b> &amp; "it\'s"' in format_caption(words, "HTML", None).text


def _check_screen(screen):
    content = screen.content()
    assert format_message(content["text"], "HTML", None).text
    read_markup(content["reply_markup"])


def _model_id(words):
    return " ".join(words.split())[:100] or "x"


def _told(prompt):
    generation = Generation(
        generation_id=1, user_id=1, model_id="z-image", state="completed", reason=None,
        price_kopecks=Kopecks(80), status_message_id=None, created_at=NOW, finished_at=NOW,
        prompt=prompt, parameters={}, style="none", pictures=1, tasks=1, tasks_settled=1,
        pictures_made=1, delivery_state="due",
    )  # fmt: skip
    return Told(
        generation=generation, returned_kopecks=Kopecks(0), usual_s=9.0, delivery_is_late=False
    )


def _turn(prompt, name, locale):
    user = User(1, name, locale, False, None, None, False)
    deps = SimpleNamespace(catalogue=CATALOGUE)
    return Turn(None, deps, user, Conversation(None, {"prompt": prompt}), 1)
