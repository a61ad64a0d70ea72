"""The bot's mind and mouth: an update becomes changed rows and calls, a fact becomes words."""

from typing import Any

import structlog
from aiogram import Bot
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import Update
from aiogram.types import User as Sender

from service.bot.dispatcher import build_dispatcher
from service.bot.incoming import (
    editable_message_id,
    leaves_dialog,
    parse_update,
    refuse_payment,
    sender_of,
)
from service.bot.screens import Redraw, Replies, Ring, Say, Screen, Toast
from service.bot.status_views import Told, presentation, status_screen
from service.bot.turn import Turn
from service.bot.views import usual_time
from service.flows.deps import Call, Decision, Deps, Presentation
from service.flows.meet_user import meet_user
from service.flows.usual_time import usual_time_s
from service.store import deliveries, generations, ledger, outbox, users
from service.store.deliveries import Delivery
from service.store.outbox import Message
from service.store.pool import Db, Reader
from service.store.updates import ClaimedUpdate
from service.texts import DEFAULT_LOCALE, text

log = structlog.get_logger(__name__)

#: Telegram shows at most so much of an answer to a button.
TOAST_LENGTH_MAX = 200
#: A text too long for an answer's line is no error, it is cut.
_CUT = "…"
#: What somebody who is locked out may still ask.
_FOR_EVERYBODY = frozenset({"/paysupport", "/terms", "/privacy", "/id"})


class BotSpeech:
    """Implements `flows.deps.Speech` with aiogram; makes no call to Telegram itself."""

    def __init__(self, deps: Deps, *, token: str) -> None:
        self._deps = deps
        self._bot = Bot(token)  # only parses and routes: handlers return what to say
        self._dispatcher = build_dispatcher()

    async def decide(self, db: Db, update: ClaimedUpdate) -> Decision:
        """Let a handler change rows for an update; put what must be said into the outbox."""
        parsed = parse_update(update.body, self._bot)
        if parsed is None:
            return Decision()
        refuse_payment(parsed)
        sender = sender_of(parsed)
        if sender is None:
            log.info("update_ignored", update_id=update.update_id)
            query = parsed.callback_query
            return Decision(answer=_answer(query.id, None) if query else None)
        turn = await self._turn(db, sender, update.update_id)
        return await self._decision(turn, parsed, await self._replies(turn, parsed))

    async def _replies(self, turn: Turn, parsed: Update) -> Replies:
        if turn.user.banned_at is not None and not _is_for_everybody(parsed):
            return [Say(Screen(turn.say("banned")))]
        if leaves_dialog(parsed):
            await turn.leave_question()
        replies = await self._dispatcher.feed_update(self._bot, parsed, turn=turn)
        return [] if replies is UNHANDLED else replies or []

    async def _turn(self, db: Db, sender: Sender, update_id: int) -> Turn:
        user = await meet_user(
            db, self._deps, user_id=sender.id, username=sender.username,
            first_name=sender.first_name, language_code=sender.language_code,
        )  # fmt: skip
        conversation = await users.get_conversation(db, user.user_id)
        turn = Turn(db, self._deps, user, conversation, update_id)
        await turn.load_gone()
        return turn

    async def _decision(self, turn: Turn, parsed: Update, replies: Replies) -> Decision:
        """Keep what must be said, and list what is done once the transaction is committed."""
        query = parsed.callback_query
        chat_id = turn.user.user_id
        toast = next((reply for reply in replies if isinstance(reply, Toast)), None)
        redraws = []
        for reply in replies:
            if isinstance(reply, Say):
                await outbox.add(
                    turn.db, chat_id=chat_id, kind="screen", content=reply.screen.content(),
                    now=turn.deps.now(),
                )  # fmt: skip
            elif isinstance(reply, Redraw):
                content = reply.screen.content()
                redraws.append(show(chat_id, content, editable_message_id(query)))
        return Decision(
            answer=_answer(query.id, toast) if query else None,
            redraws=tuple(redraws),
            bells=tuple(reply.bell for reply in replies if isinstance(reply, Ring)),
        )

    async def say(self, reader: Reader, message: Message) -> Call | None:
        """Put a message of the outbox into words; facts are told as they stand now."""
        match message.kind:
            case "screen":
                return show(message.chat_id, message.content, None)
            case "generation_status":
                return await self._say_status(reader, message)
            case "sorry":
                words = text(
                    "sorry",
                    await self._locale(reader, message.chat_id),
                    code=f"U{message.content['update_id']}",
                )
                return show(message.chat_id, Screen(words).content(), None)
        raise AssertionError(f"nobody says messages of kind {message.kind}")

    async def _say_status(self, reader: Reader, message: Message) -> Call | None:
        generation_id = message.content["generation_id"]
        told = await self._told(reader, generation_id)
        locale = await self._locale(reader, message.chat_id)
        time = usual_time(locale, told.usual_s)
        screen = status_screen(told, locale, self._deps.catalogue, time=time)
        return show(
            message.chat_id, screen.content(), told.generation.status_message_id,
            status_of=generation_id,
        )  # fmt: skip

    async def present(self, reader: Reader, delivery: Delivery) -> Presentation:
        """Find the words that go with results."""
        told = await self._told(reader, delivery.generation_id)
        locale = await self._locale(reader, delivery.chat_id)
        return presentation(told, delivery.kind, locale, self._deps.catalogue)

    async def _told(self, reader: Reader, generation_id: int) -> Told:
        generation = await generations.get(reader, generation_id)
        assert generation is not None, "what is told of was written before"
        model = self._deps.catalogue.by_id.get(generation.model_id)
        return Told(
            generation=generation,
            returned_kopecks=await ledger.get_returned(reader, generation_id),
            usual_s=await usual_time_s(reader, model) if model else None,
            delivery_is_late=await deliveries.was_delayed(reader, generation_id),
        )

    async def _locale(self, reader: Reader, user_id: int) -> str:
        user = await users.get(reader, user_id)
        return user.language if user else DEFAULT_LOCALE


def show(
    chat_id: int, content: dict[str, Any], message_id: int | None, *, status_of: int | None = None
) -> Call:
    """Edit a message into a screen; post it where there is none, or it can't be edited."""
    post = Call(
        method="sendMessage", parameters={"chat_id": chat_id, **content}, status_of=status_of
    )
    if message_id is None:
        return post
    return Call(
        method="editMessageText",
        parameters={"chat_id": chat_id, "message_id": message_id, **content},
        fallback=post,
        status_of=status_of,
    )


def _answer(query_id: str, toast: Toast | None) -> Call:
    parameters: dict[str, Any] = {"callback_query_id": query_id}
    if toast:
        words = toast.text
        if len(words) > TOAST_LENGTH_MAX:
            words = words[: TOAST_LENGTH_MAX - 1] + _CUT
        parameters |= {"text": words, "show_alert": toast.alert}
    return Call(method="answerCallbackQuery", parameters=parameters)


def _is_for_everybody(update: Update) -> bool:
    """Tell whether even somebody who is locked out may ask this: the duties of a seller."""
    words = (update.message.text or "").split() if update.message else []
    return bool(words) and words[0].partition("@")[0].lower() in _FOR_EVERYBODY
