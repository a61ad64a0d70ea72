"""What nobody else took: old buttons, unknown commands, stickers; blocked and unblocked."""

from aiogram import Router
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from service.bells import DeliverResults
from service.bot import views
from service.bot.filters import AnyCommand
from service.bot.routers.home import menu_screen
from service.bot.screens import Redraw, Replies, Ring, Say, Toast
from service.bot.turn import Turn
from service.store import deliveries, users

router = Router(name="rest")

_GONE = frozenset({"kicked", "left"})


@router.my_chat_member()
async def note_reachability(event: ChatMemberUpdated, turn: Turn) -> Replies:
    """Note that the user blocked the bot, or came back."""
    user_id = turn.user.user_id
    if event.new_chat_member.status in _GONE:
        await users.mark_unreachable(turn.db, user_id, now=turn.deps.now())
        return []
    await users.mark_reachable(turn.db, user_id)
    waiting = await deliveries.wake(turn.db, user_id, now=turn.deps.now())
    return [Ring(DeliverResults(tuple(waiting)))] if waiting else []


@router.callback_query()
async def old_button(query: CallbackQuery, turn: Turn) -> Replies:
    """A button nobody knows any more never errors."""
    return [Toast(turn.say("old-button")), Redraw(await menu_screen(turn))]


@router.message(AnyCommand())
async def unknown_command(message: Message, turn: Turn) -> Replies:
    """Point to what there is."""
    return [Say(views.plain(turn, "unknown-command"))]


@router.message()
async def not_text(message: Message, turn: Turn) -> Replies:
    """Voice, stickers, photos: say what works, stay silent on service messages."""
    spoken = (
        message.photo or message.document or message.voice or message.video or message.audio
        or message.sticker or message.video_note or message.animation or message.location
        or message.contact or message.poll or message.dice or message.venue or message.story
        or message.paid_media or message.game
    )  # fmt: skip
    return [Say(views.plain(turn, "text-only"))] if spoken else []
