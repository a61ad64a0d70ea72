"""Start, menu, help, language, and the texts that everybody may read."""

from dataclasses import replace

from aiogram import Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, Message

from service.bot import views
from service.bot.callbacks import ChooseLanguage
from service.bot.filters import Opens
from service.bot.screens import Redraw, Replies, Say, Screen, Toast
from service.bot.turn import Turn
from service.store import generations, ledger, users
from service.texts import LOCALES

router = Router(name="home")

#: Telegram's own limit for a deep link's payload.
_PAYLOAD_LENGTH_MAX = 64
#: Commands and screens that only say something.
_TEXTS = {
    "help": "help", "paysupport": "paysupport", "terms": "terms", "privacy": "privacy",
}  # fmt: skip


@router.message(CommandStart(ignore_mention=True))
async def start(message: Message, command: CommandObject, turn: Turn) -> Replies:
    """Greet; keep what the very first link carried."""
    if command.args:
        payload = command.args[:_PAYLOAD_LENGTH_MAX]
        await users.keep_start_payload(turn.db, turn.user.user_id, payload)
    balances = await ledger.get_balances(turn.db, turn.user.user_id)
    words = [turn.say("welcome", name=turn.user.first_name or turn.say("stranger"))]
    if turn.user.is_new and turn.deps.welcome_kopecks:
        words.append(turn.say("welcome-gift", amount=turn.money(turn.deps.welcome_kopecks)))
    return [Say(Screen("\n\n".join(words), views.menu(turn, balances).rows))]


@router.message(Command("menu", ignore_mention=True))
async def menu(message: Message, turn: Turn) -> Replies:
    """Post the menu."""
    return [Say(await menu_screen(turn))]


@router.callback_query(Opens("menu"))
async def back_to_menu(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the menu."""
    return [Redraw(await menu_screen(turn))]


@router.callback_query(Opens("new-menu"))
async def menu_below(query: CallbackQuery, turn: Turn) -> Replies:
    """Post the menu: what stands above goes on telling of a generation, or shows its pictures."""
    return [Say(await menu_screen(turn))]


async def menu_screen(turn: Turn) -> Screen:
    """Show the menu with the money that can be spent."""
    return views.menu(turn, await ledger.get_balances(turn.db, turn.user.user_id))


@router.message(Command(*_TEXTS, ignore_mention=True))
async def say_text(message: Message, command: CommandObject, turn: Turn) -> Replies:
    """Post one of the fixed texts."""
    return [Say(views.plain(turn, _TEXTS[command.command.lower()]))]


@router.callback_query(Opens(*_TEXTS))
async def show_text(query: CallbackQuery, turn: Turn, opened: str) -> Replies:
    """Turn the screen into one of the fixed texts."""
    return [Redraw(views.plain(turn, _TEXTS[opened]))]


@router.message(Command("topup", ignore_mention=True))
async def top_up(message: Message, turn: Turn) -> Replies:
    """Say honestly that money can't be added yet."""
    return [Say(views.top_up(turn))]


@router.callback_query(Opens("topup"))
async def show_top_up(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into that answer."""
    return [Redraw(views.top_up(turn))]


@router.message(Command("id", ignore_mention=True))
async def tell_id(message: Message, turn: Turn) -> Replies:
    """Tell the user's Telegram id, which support asks for."""
    return [Say(views.plain(turn, "id-card", id=str(turn.user.user_id)))]


@router.message(Command("admin", ignore_mention=True))
async def admin(message: Message, turn: Turn) -> Replies:
    """Say honestly that the panel comes later; to a stranger there is no such command."""
    is_admin = turn.user.user_id in turn.deps.admin_ids
    return [Say(views.plain(turn, "admin-soon" if is_admin else "unknown-command"))]


@router.message(Command("cancel", ignore_mention=True))
async def cancel(message: Message, turn: Turn) -> Replies:
    """Leave a dialog, else put the card away; a confirmed generation goes on: that is said."""
    words = []
    if turn.left is not None:
        words.append(turn.say("cancelled"))
    elif turn.draft.prompt:
        await turn.keep_draft(replace(turn.draft, prompt=""))
        words.append(turn.say("card-put-away"))
    if running := await generations.count_running(turn.db, turn.user.user_id):
        words.append(turn.say("running-cannot-cancel", count=running))
    line = "\n\n".join(words) or turn.say("nothing-to-cancel")
    return [Say(Screen(line, [[views.menu_button(turn)]]))]


@router.message(Command("language", ignore_mention=True))
async def ask_language(message: Message, turn: Turn) -> Replies:
    """Offer the languages."""
    return [Say(views.language(turn))]


@router.callback_query(Opens("language"))
async def show_languages(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the choice of languages."""
    return [Redraw(views.language(turn))]


@router.callback_query(ChooseLanguage.filter())
async def choose_language(
    query: CallbackQuery, callback_data: ChooseLanguage, turn: Turn
) -> Replies:
    """Speak the chosen language from now on."""
    if callback_data.locale not in LOCALES:
        return [Toast(turn.say("old-button")), Redraw(views.language(turn))]
    await users.choose_language(turn.db, turn.user.user_id, callback_data.locale)
    await turn.reload_user()
    return [Toast(turn.say("language-chosen")), Redraw(await menu_screen(turn))]
