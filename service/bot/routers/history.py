"""The user's pictures: listed, sent again, sent as files, made anew."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from service.bells import DeliverResults
from service.bot import views
from service.bot.callbacks import OpenHistory, Resend, SendFiles
from service.bot.filters import Opens
from service.bot.screens import Redraw, Replies, Ring, Say, Screen, Toast
from service.bot.turn import Turn
from service.domain.generation import DeliveryKind
from service.flows.fail_task import DELIVERY_S
from service.store import deliveries, generations

router = Router(name="history")


@router.message(Command("history", ignore_mention=True))
async def history(message: Message, turn: Turn) -> Replies:
    """Post the newest pictures."""
    return [Say(await _history(turn, 0))]


@router.callback_query(Opens("history"))
async def show_history(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the newest pictures."""
    return [Redraw(await _history(turn, 0))]


@router.callback_query(OpenHistory.filter())
async def turn_page(query: CallbackQuery, callback_data: OpenHistory, turn: Turn) -> Replies:
    """Turn to another page of pictures."""
    return [Redraw(await _history(turn, callback_data.before_id))]


@router.callback_query(Resend.filter())
async def resend(query: CallbackQuery, callback_data: Resend, turn: Turn) -> Replies:
    """Send a generation's pictures again."""
    return await _deliver(turn, callback_data.generation_id, DeliveryKind.AGAIN, "resending")


@router.callback_query(SendFiles.filter())
async def send_files(query: CallbackQuery, callback_data: SendFiles, turn: Turn) -> Replies:
    """Send a generation's pictures as files."""
    return await _deliver(turn, callback_data.generation_id, DeliveryKind.FILES, "sending-files")


async def _history(turn: Turn, before_id: int) -> Screen:
    entries = await generations.list_history(
        turn.db, user_id=turn.user.user_id, before_id=before_id or None,
        page_size=views.HISTORY_PAGE + 1,
    )  # fmt: skip
    return views.history(turn, entries, before_id=before_id)


async def _deliver(turn: Turn, generation_id: int, kind: DeliveryKind, key: str) -> Replies:
    generation = await generations.get(turn.db, generation_id)
    if generation is None or generation.user_id != turn.user.user_id:
        return [Toast(turn.say("not-found"))]
    if not await deliveries.list_results(turn.db, generation_id):
        return [Toast(turn.say("not-found"))]
    delivery_id = await deliveries.add(
        turn.db, kind=kind, generation_id=generation_id, chat_id=turn.user.user_id,
        expires_at=turn.deps.after(DELIVERY_S), now=turn.deps.now(), update_id=turn.update_id,
    )  # fmt: skip
    assert delivery_id is not None, "an update is handled once"
    return [Toast(turn.say(key)), Ring(DeliverResults((delivery_id,)))]
