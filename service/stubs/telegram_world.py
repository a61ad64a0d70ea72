"""Everything the stub knows: one bot, its chats, files, open questions and settings."""

import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from service.stubs.telegram_delivery import WebhookSender
from service.stubs.telegram_errors import QUERY_TOO_OLD, bad_request, forbidden
from service.stubs.telegram_files import FileShelf, StoredFile
from service.stubs.telegram_messages import ChatEvent, ChatMessage
from service.stubs.telegram_stars import StarLedger
from service.stubs.telegram_updates import UpdateStore
from service.stubs.telegram_watchers import Broadcast, Watchers

JsonObject = dict[str, Any]

QUESTION_LIFETIME_S = 150.0
_MAX_ID = 2**52


@dataclass(slots=True)
class Chat:
    """A private chat with a person, or a group."""

    raw: JsonObject
    messages: dict[int, ChatMessage] = field(default_factory=dict)
    events: Broadcast[ChatEvent] = field(default_factory=Broadcast)
    watchers: Watchers = field(default_factory=Watchers)
    keyboard: list[list[str]] = field(default_factory=list)
    is_started: bool = True
    is_blocked: bool = False
    is_deactivated: bool = False

    @property
    def chat_id(self) -> int:
        """The chat's id, in a private chat also the person's."""
        return int(self.raw["id"])

    def tell(self, event: ChatEvent) -> None:
        """Let the person's side know of a change."""
        self.events.put(event)
        self.watchers.changed()


@dataclass(slots=True)
class Question:
    """A callback or pre-checkout query that waits for the bot's one answer."""

    question_id: str
    kind: str
    chat: Chat
    expires_at: float
    answer: JsonObject | None = None


class World:
    """State of the stub; methods of the Bot API and people change it."""

    def __init__(self, *, bot_token: str, time_factor: float, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a seeded source makes runs repeatable.
        self.bot_token = bot_token
        self.time_factor = time_factor
        self.bot: JsonObject = {
            "id": int(bot_token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Kartina",
            "username": "kartina_stub_bot",
        }
        self.chats: dict[int, Chat] = {}
        self.files = FileShelf(self.random)
        self.updates = UpdateStore(self.random, time_factor=time_factor)
        self.webhook = WebhookSender(self.updates, self.random, time_factor=time_factor)
        self.stars = StarLedger(self.random)
        self.questions: dict[str, Question] = {}
        self.settings: dict[str, Any] = {}
        self.watchers = Watchers()
        self._last_message_id = 100
        self._last_question = 477_218_588_391_230_000

    def chat(self, chat_id: str) -> Chat:
        """The chat a call names."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        chat = self.chats.get(int(chat_id)) if _is_id(chat_id) else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def open_chat(self, chat_id: str) -> Chat:
        """The chat a call wants to write to; refused when the person does not let the bot in."""
        chat = self.chat(chat_id)
        if chat.is_deactivated:
            raise forbidden("user is deactivated")
        if chat.is_blocked:
            raise forbidden("bot was blocked by the user")
        if not chat.is_started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat

    def post(
        self,
        chat: Chat,
        fields: JsonObject,
        *,
        sender: JsonObject,
        html: str = "",
        media: StoredFile | None = None,
    ) -> ChatMessage:
        """Put a new message into a chat."""
        self._last_message_id += 1
        head = {
            "message_id": self._last_message_id,
            "from": sender,
            "chat": chat.raw,
            "date": int(time.time()),
        }
        message = ChatMessage(head | fields, html, media, born_at=time.monotonic())
        chat.messages[message.message_id] = message
        chat.tell(ChatEvent("message", chat.chat_id, message))
        return message

    def ask(self, kind: str, chat: Chat) -> Question:
        """Open a question the bot may answer once."""
        self._last_question += 1
        expires_at = time.monotonic() + QUESTION_LIFETIME_S * self.time_factor
        question = Question(str(self._last_question), kind, chat, expires_at)
        self.questions[question.question_id] = question
        return question

    def answer(self, kind: str, question_id: str, answer: JsonObject) -> Question:
        """Take the bot's answer; a second, late or unknown one is refused."""
        question = self.questions.get(question_id)
        if (
            question is None
            or question.kind != kind
            or question.answer is not None
            or question.expires_at <= time.monotonic()
        ):
            raise bad_request(QUERY_TOO_OLD)
        question.answer = answer
        question.chat.watchers.changed()
        return question


def _is_id(chat_id: str) -> bool:
    digits = chat_id.removeprefix("-")
    return digits.isascii() and digits.isdigit() and int(digits) < _MAX_ID
