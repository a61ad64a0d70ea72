"""Balance and statement."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from service.bot import views
from service.bot.callbacks import OpenTransactions
from service.bot.filters import Opens
from service.bot.screens import Redraw, Replies, Say, Screen
from service.bot.turn import Turn
from service.store import ledger

router = Router(name="money")


@router.message(Command("balance", ignore_mention=True))
async def balance(message: Message, turn: Turn) -> Replies:
    """Post the balance."""
    return [Say(await _balance(turn))]


@router.callback_query(Opens("balance"))
async def show_balance(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the balance."""
    return [Redraw(await _balance(turn))]


@router.message(Command("transactions", ignore_mention=True))
async def transactions(message: Message, turn: Turn) -> Replies:
    """Post the newest movements."""
    return [Say(await _transactions(turn, 0))]


@router.callback_query(Opens("transactions"))
async def show_transactions(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the newest movements."""
    return [Redraw(await _transactions(turn, 0))]


@router.callback_query(OpenTransactions.filter())
async def turn_page(query: CallbackQuery, callback_data: OpenTransactions, turn: Turn) -> Replies:
    """Turn to another page of movements."""
    return [Redraw(await _transactions(turn, callback_data.before_id))]


async def _balance(turn: Turn) -> Screen:
    return views.balance(turn, await ledger.get_balances(turn.db, turn.user.user_id))


async def _transactions(turn: Turn, before_id: int) -> Screen:
    movements = await ledger.list_movements(
        turn.db, user_id=turn.user.user_id, before_id=before_id or None,
        page_size=views.MOVEMENTS_PAGE + 1,
    )  # fmt: skip
    return views.transactions(turn, movements, before_id=before_id)
