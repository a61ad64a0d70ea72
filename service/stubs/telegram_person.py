"""The person's side: what somebody with a Telegram client does and sees."""

import io
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from service.stubs.telegram_files import StoredFile
from service.stubs.telegram_markup import find_commands
from service.stubs.telegram_messages import Button, ChatEvent, ChatMessage
from service.stubs.telegram_parameters import Upload
from service.stubs.telegram_payments import Payment, Wallet
from service.stubs.telegram_watchers import EventStream
from service.stubs.telegram_world import Chat, Question, World

JsonObject = dict[str, Any]

MAX_SAID_CHARACTERS = 4096
_CHAT_INSTANCE = "-3412345678901234567"
_ANSWER_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button; awaiting it gives the text of the bot's answer."""

    question: Question

    def __await__(self) -> Generator[Any, None, str]:
        return self.answer().__await__()

    async def answer(self, *, timeout_s: float = _ANSWER_LIMIT_S) -> str:
        """The text of answerCallbackQuery, empty when the bot said nothing."""
        found = await self.question.chat.watchers.until(
            lambda: self.question.answer, timeout_s=timeout_s, what="the callback's answer"
        )
        return str(found["text"])

    @property
    def is_answered(self) -> bool:
        """Whether the progress bar is gone."""
        return self.question.answer is not None


class Person:
    """Somebody who talks to the bot."""

    def __init__(self, world: World, chat: Chat, user: JsonObject) -> None:
        self._world = world
        self.chat = chat
        self.user = user
        self.wallet = Wallet(world, chat, user)

    @property
    def user_id(self) -> int:
        """The person's id, also the private chat's."""
        return int(self.user["id"])

    @property
    def messages(self) -> list[ChatMessage]:
        """What the chat shows now, oldest first."""
        return list(self.chat.messages.values())

    @property
    def keyboard(self) -> list[list[str]]:
        """The buttons under the input field."""
        return self.chat.keyboard

    @property
    def events(self) -> EventStream[ChatEvent]:
        """A new stream of changes from now on; keep it to go on hearing them."""
        return self.chat.events.open()

    async def say(self, text: str, *, chat_id: int | None = None) -> ChatMessage:
        """Send a text, in the private chat unless a group is named."""
        if not 0 < len(text) <= MAX_SAID_CHARACTERS:
            raise ValueError(f"a person's message has 1 to {MAX_SAID_CHARACTERS} characters")
        fields: JsonObject = {"text": text}
        if commands := find_commands(text):
            fields["entities"] = commands
        return self._send(fields, chat_id=chat_id)

    async def send_photo(
        self,
        data: bytes | None = None,
        *,
        caption: str = "",
        media_group_id: str | None = None,
    ) -> ChatMessage:
        """Send a picture as a photo."""
        upload = Upload("photo.jpg", data or make_picture(), "image/jpeg")
        fields: JsonObject = {"media_group_id": media_group_id} if media_group_id else {}
        return self._send_file("photo", upload, fields, caption=caption)

    async def send_document(
        self,
        data: bytes | None = None,
        *,
        name: str = "source.png",
        mime_type: str | None = None,
        caption: str = "",
    ) -> ChatMessage:
        """Send a file."""
        upload = Upload(name, data or make_picture(), mime_type)
        return self._send_file("document", upload, {}, caption=caption)

    async def send_voice(self, data: bytes = b"OggS-voice", *, duration_s: int = 3) -> ChatMessage:
        """Send a voice note."""
        upload = Upload("voice.ogg", data, "audio/ogg")
        return self._send_file("voice", upload, {}, duration_s=duration_s)

    async def send_video(self, data: bytes = b"video", *, caption: str = "") -> ChatMessage:
        """Send a video."""
        return self._send_file("video", Upload("video.mp4", data), {}, caption=caption)

    async def send_sticker(self, data: bytes = b"RIFF-sticker") -> ChatMessage:
        """Send a sticker."""
        return self._send_file("sticker", Upload("sticker.webp", data), {})

    async def send_fields(self, fields: JsonObject, *, chat_id: int | None = None) -> ChatMessage:
        """Send a message of any other kind, for example a location."""
        return self._send(fields, chat_id=chat_id)

    async def edit_message(self, message: ChatMessage, text: str) -> None:
        """Change a text sent before."""
        message.raw = message.raw | {"text": text, "edit_date": int(time.time())}
        message.edits += 1
        self.chat.tell(ChatEvent("edit", self.chat.chat_id, message))
        self._world.updates.offer("edited_message", message.raw)

    async def press(self, wanted: str | Button, message: ChatMessage | None = None) -> Press:
        """Press an inline button by text, data or itself, on the newest message that has it."""
        pressed = wanted if isinstance(wanted, Button) else None
        name = wanted if isinstance(wanted, str) else wanted.data or wanted.text
        if message is None:
            message = self._find_with_button(name)
        button = pressed or message.button(name)
        if button is None or button.data is None:
            raise LookupError(f"message {message.message_id} has no callback button {name!r}")
        question = self._world.ask("callback", self.chat)
        query: JsonObject = {
            "id": question.question_id,
            "from": self.user,
            "message": self._shown(message),
            "chat_instance": _CHAT_INSTANCE,
            "data": button.data,
        }
        self._world.updates.offer("callback_query", query)
        return Press(question)

    async def press_key(self, text: str) -> ChatMessage:
        """Press a button under the input field, which says its text."""
        if not any(text in row for row in self.keyboard):
            raise LookupError(f"there is no key {text!r}")
        return await self.say(text)

    async def pay(self, what: ChatMessage | str) -> Payment:
        """Pay an invoice message or link; see `Wallet.pay`."""
        return await self.wallet.pay(what)

    def block(self) -> None:
        """Block the bot: it hears so once and can't write any more."""
        self.chat.is_blocked = True
        self._tell_membership("member", "kicked")

    def unblock(self) -> None:
        """Let the bot in again."""
        self.chat.is_blocked = False
        self._tell_membership("kicked", "member")

    def delete_message(self, message: ChatMessage) -> None:
        """Remove a message for both sides; bots are not told."""
        self.chat.messages.pop(message.message_id, None)
        self.chat.tell(ChatEvent("delete", self.chat.chat_id, message))

    async def wait_for(
        self, predicate: Callable[[ChatMessage], bool], *, timeout_s: float = 10.0
    ) -> ChatMessage:
        """The newest message that fits, as soon as there is one."""

        def find() -> ChatMessage | None:
            return next((each for each in reversed(self.messages) if predicate(each)), None)

        return await self.chat.watchers.until(find, timeout_s=timeout_s, what="the message")

    async def wait_until(self, condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
        """Return as soon as the condition holds, looked at after each change of the chat."""
        await self.chat.watchers.until(condition, timeout_s=timeout_s, what="the condition")

    def _find_with_button(self, name: str) -> ChatMessage:
        for message in reversed(self.messages):
            if message.from_bot and message.button(name):
                return message
        raise LookupError(f"no message shows a button {name!r}")

    def _shown(self, message: ChatMessage) -> JsonObject:
        """The message a callback carries; one that is gone has only its place."""
        if message.message_id in self.chat.messages:
            return message.raw
        return {"chat": self.chat.raw, "message_id": message.message_id, "date": 0}

    def _send_file(
        self,
        kind: str,
        upload: Upload,
        fields: JsonObject,
        *,
        caption: str = "",
        duration_s: int = 0,
    ) -> ChatMessage:
        media = self._world.files.keep(kind, upload, duration_s=duration_s)
        shown = media.as_field() | fields | ({"caption": caption} if caption else {})
        return self._send(shown, media=media)

    def _send(
        self, fields: JsonObject, *, media: StoredFile | None = None, chat_id: int | None = None
    ) -> ChatMessage:
        """Put the person's message into the chat and tell the bot."""
        chat = self.chat if chat_id is None else self._world.chats[chat_id]
        if chat.is_blocked:
            raise ValueError("who blocked the bot can't write to it: unblock() first")
        chat.is_started = True
        message = self._world.post(chat, fields, sender=self.user, media=media)
        self._world.updates.offer("message", message.raw)
        return message

    def _tell_membership(self, before: str, after: str) -> None:
        def member(status: str) -> JsonObject:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"user": self._world.bot, "status": status} | until

        change: JsonObject = {
            "chat": self.chat.raw,
            "from": self.user,
            "date": int(time.time()),
            "old_chat_member": member(before),
            "new_chat_member": member(after),
        }
        self._world.updates.offer("my_chat_member", change)


def make_picture(width: int = 320, height: int = 240) -> bytes:
    """A small real picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (180, 90, 60)).save(buffer, "JPEG")
    return buffer.getvalue()
