"""Screens of menu, money, models, history and language: facts in, text and buttons out."""

from collections.abc import Sequence
from datetime import datetime

from service.bot.callbacks import (
    ChooseLanguage,
    Open,
    OpenHistory,
    OpenModels,
    OpenTransactions,
    PickModel,
    Resend,
)
from service.bot.screens import Button, Screen, excerpt
from service.bot.turn import Turn
from service.domain.catalogue import Kind, Model, Parameters
from service.domain.money import Kopecks
from service.domain.pricing import Rates, price_of
from service.store.generations import HistoryEntry
from service.store.ledger import AccountKind, Balances, Movement, MovementKind
from service.texts import LOCALES, Html, text

#: Rows of models on one page.
MODELS_PAGE = 9
HISTORY_PAGE = 6
MOVEMENTS_PAGE = 10
#: Above this, minutes read better than seconds.
SECONDS_SAID_MAX = 100


def menu_button(turn: Turn) -> Button:
    """Every screen leads back to the menu."""
    return Button(turn.say("button-menu"), Open(screen="menu"))


def card_row(turn: Turn) -> list[Button]:
    """Lead back to the card that waits, if there is one."""
    back = Button(turn.say("button-card"), Open(screen="generate"))
    return [back] if turn.draft.prompt else []


def menu(turn: Turn, balances: Balances) -> Screen:
    """Show where everything begins."""
    names = (("models", "history"), ("balance", "transactions"), ("language", "help"))
    rows = [[Button(turn.say("button-generate"), Open(screen="generate"))]]
    rows += [[Button(turn.say(f"button-{n}"), Open(screen=n)) for n in pair] for pair in names]
    amount = turn.money(balances.spendable_kopecks)
    return Screen(turn.say("menu", amount=amount, model=turn.model.name), rows)


def plain(turn: Turn, key: str, **values: object) -> Screen:
    """Show a text that only leads back to the menu."""
    return Screen(turn.say(key, **values), [[menu_button(turn)]])


def balance(turn: Turn, balances: Balances) -> Screen:
    """Show the user's money, the spendable sum first."""
    words = turn.say(
        "balance",
        spendable=turn.money(balances.spendable_kopecks),
        available=turn.money(balances.available_kopecks),
        bonus=turn.money(balances.bonus_kopecks),
        held=turn.money(balances.held_kopecks),
    )
    top_up = Button(turn.say("button-topup"), Open(screen="topup"))
    movements = Button(turn.say("button-transactions"), Open(screen="transactions"))
    return Screen(words, [[top_up, movements], [menu_button(turn)]])


def top_up(turn: Turn) -> Screen:
    """Say that money can't be added yet; a card that waits for money is one press away."""
    return Screen(turn.say("topup-soon"), [card_row(turn), [menu_button(turn)]])


def language(turn: Turn) -> Screen:
    """Offer the languages we speak."""
    rows = [
        [Button(turn.say(f"language-{locale}"), ChooseLanguage(locale=locale))]
        for locale in LOCALES
    ]
    return Screen(turn.say("language"), [*rows, [menu_button(turn)]])


def model_kinds(turn: Turn) -> Screen:
    """Offer the kinds of models."""
    rows = [
        [Button(turn.say(f"kind-{kind}"), OpenModels(kind=kind, page=0))]
        for kind in turn.deps.catalogue.on_sale_by_kind()
    ]
    return Screen(turn.say("models"), [*rows, card_row(turn), [menu_button(turn)]])


def models_page(
    turn: Turn, kind: Kind, page: int, *, rates: Rates, times_s: dict[str, float | None]
) -> Screen:
    """Show a page of one kind's models with price and usual time, the cheapest first."""
    models = sorted(
        (m for m in turn.deps.catalogue.on_sale_by_kind().get(kind, ()) if m.id not in turn.gone),
        key=lambda model: picture_price(model, rates),
    )
    pages = max(1, -(-len(models) // MODELS_PAGE))
    page = min(max(page, 0), pages - 1)
    shown = models[page * MODELS_PAGE : (page + 1) * MODELS_PAGE]
    rows = [[_model_button(turn, m, rates, times_s.get(m.id))] for m in shown]
    turning = []
    if page > 0:
        turning.append(Button(turn.say("button-cheaper"), OpenModels(kind=kind, page=page - 1)))
    if page < pages - 1:
        turning.append(Button(turn.say("button-dearer"), OpenModels(kind=kind, page=page + 1)))
    back = Button(turn.say("button-back"), Open(screen="models"))
    words = turn.say("models-page", kind=turn.say(f"kind-{kind}"), page=page + 1, pages=pages)
    return Screen(words, [*rows, turning, [back, menu_button(turn)]])


def _model_button(turn: Turn, model: Model, rates: Rates, usual_s: float | None) -> Button:
    price = turn.money(picture_price(model, rates))
    label = turn.say(
        "button-open-model",
        name=Html(ticked(model.name, is_current=model is turn.model)),
        price=Html(price),
        time=Html(usual_time(turn.locale, usual_s)),
    )
    return Button(label, PickModel(code=model.code))


def ticked(label: str, *, is_current: bool) -> str:
    """Mark what is chosen now."""
    return f"✓ {label}" if is_current else label


def picture_price(model: Model, rates: Rates, parameters: Parameters | None = None) -> Kopecks:
    """Give the price of one picture, with the usual settings where no others are given."""
    count = model.pictures.per_request
    return price_of(model, parameters or {}, count, rates).picture_kopecks


def usual_time(locale: str, usual_s: float | None) -> str:
    """Say how long a model usually takes."""
    if usual_s is None:
        return text("usual-unknown", locale)
    if usual_s < SECONDS_SAID_MAX:
        return text("usual-seconds", locale, seconds=max(1, round(usual_s)))
    return text("usual-minutes", locale, minutes=round(usual_s / 60))


def history(turn: Turn, entries: Sequence[HistoryEntry], *, before_id: int) -> Screen:
    """Show a page of what the user made; each button sends the pictures again."""
    if not entries and not before_id:
        create = Button(turn.say("button-generate"), Open(screen="generate"))
        return Screen(turn.say("history-empty"), [[create], [menu_button(turn)]])
    rows = [[_history_button(turn, entry)] for entry in entries[:HISTORY_PAGE]]
    turning = []
    if before_id:
        turning.append(Button(turn.say("button-newest"), OpenHistory(before_id=0)))
    if len(entries) > HISTORY_PAGE:
        oldest = entries[HISTORY_PAGE - 1].generation_id
        turning.append(Button(turn.say("button-older"), OpenHistory(before_id=oldest)))
    return Screen(turn.say("history"), [*rows, turning, [menu_button(turn)]])


def day(locale: str, moment: datetime) -> str:
    """Write a day as the language does; the server's zone is UTC, and so are all of ours."""
    return f"{moment:%d.%m}" if locale == "ru" else f"{moment.day} {moment:%b}"


def _history_button(turn: Turn, entry: HistoryEntry) -> Button:
    label = turn.say(
        "button-resend",
        date=day(turn.locale, entry.created_at),
        prompt=Html(excerpt(entry.prompt, length_max=40)),
    )
    return Button(label, Resend(generation_id=entry.generation_id))


def transactions(turn: Turn, movements: Sequence[Movement], *, before_id: int) -> Screen:
    """Show a page of the user's statement, a line for each movement."""
    if not movements and not before_id:
        return plain(turn, "transactions-empty")
    lines = [_movement_line(turn, movement) for movement in movements[:MOVEMENTS_PAGE]]
    turning = []
    if before_id:
        turning.append(Button(turn.say("button-newest"), OpenTransactions(before_id=0)))
    if len(movements) > MOVEMENTS_PAGE:
        oldest = movements[MOVEMENTS_PAGE - 1].movement_id
        turning.append(Button(turn.say("button-older"), OpenTransactions(before_id=oldest)))
    words = "\n".join([turn.say("transactions"), "", *lines])
    back = Button(turn.say("button-balance"), Open(screen="balance"))
    return Screen(words, [turning, [back, menu_button(turn)]])


def _movement_line(turn: Turn, movement: Movement) -> str:
    return turn.say(
        "movement-line",
        date=f"{day(turn.locale, movement.created_at)} {movement.created_at:%H:%M}",
        amount=_signed(turn, movement),
        what=turn.say(f"movement-{movement.kind}", generation=str(movement.generation_id)),
    )


def _signed(turn: Turn, movement: Movement) -> str:
    """Write what a movement does to the money that can be spent; a capture does nothing more."""
    own = {AccountKind.AVAILABLE, AccountKind.BONUS}
    amount = turn.money(movement.amount_kopecks)
    if movement.kind == MovementKind.CAPTURE:
        return f"({amount})"
    return f"+{amount}" if movement.credit_kind in own else f"−{amount}"  # noqa: RUF001 - a minus sign
