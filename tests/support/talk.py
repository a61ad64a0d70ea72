"""A talk between one person and the running bot, step by step: each step waits for its end."""

from dataclasses import dataclass

from aiogram.filters.callback_data import CallbackData

from service.stubs.kie_server import KieStubOptions
from service.stubs.telegram_messages import Button, ChatMessage
from service.stubs.telegram_person import Person
from tests.support.rig import KIE_KEY, Rig

#: A minute of KIE's takes a tenth of a second.
QUICK = 0.002
#: True once nothing is left to be handled, said or redrawn in the chat.
QUIET = """
SELECT NOT EXISTS (
    SELECT FROM updates WHERE chat_id = $1 AND handled_at IS NULL AND parked_at IS NULL
) AND NOT EXISTS (
    SELECT FROM outbox WHERE chat_id = $1 AND state = 'due'
) AND NOT EXISTS (
    SELECT FROM chats WHERE chat_id = $1 AND lease_token IS NOT NULL
)
"""
PARKED = "SELECT count(*) FROM updates WHERE parked_at IS NOT NULL"
FINISHED = """
SELECT count(*) FILTER (WHERE state IN ('pending', 'processing')) = 0
    AND NOT EXISTS (SELECT FROM deliveries WHERE chat_id = $1 AND state = 'due')
FROM generations WHERE user_id = $1
"""


@dataclass
class Talk:
    """One person's side; every step returns once the bot has done all it wanted."""

    rig: Rig
    person: Person

    async def quiet(self) -> None:
        """Wait until nothing is under way in this chat."""
        await self.rig.telegram.delivery.wait_idle()
        await self.rig.until(QUIET, self.person.user_id)

    async def say(self, text: str) -> ChatMessage:
        """Send a text; gives what the bot said last."""
        await self.person.say(text)
        await self.quiet()
        return self.last

    async def send(self, **fields: object) -> ChatMessage:
        """Send a message with these fields; gives what stands last in the chat."""
        await self.person.send_fields(fields)
        await self.quiet()
        return self.person.messages[-1]

    async def press(
        self, wanted: Button | CallbackData | str, message: ChatMessage | None = None
    ) -> str:
        """Press a button, forged ones included; gives the answer's text."""
        if isinstance(wanted, CallbackData):
            wanted = Button("forged", wanted.pack())
        on = message or (self.last if isinstance(wanted, Button) else None)
        press = await self.person.press(wanted, on)
        answer = await press
        await self.quiet()
        return answer

    async def finish(self) -> None:
        """Wait until every generation ended and was delivered."""
        await self.rig.until(FINISHED, self.person.user_id)
        await self.quiet()

    @property
    def last(self) -> ChatMessage:
        """What the bot said last."""
        return next(m for m in reversed(self.person.messages) if m.from_bot)

    @property
    def said(self) -> list[ChatMessage]:
        """Everything of the bot that stands in the chat."""
        return [message for message in self.person.messages if message.from_bot]


async def start_talk(rig: Rig, language: str = "en", first_name: str = "Ann") -> Talk:
    """Let somebody new press Start."""
    talk = Talk(rig, rig.person(language=language, first_name=first_name))
    await talk.say("/start")
    return talk


def quick_kie() -> KieStubOptions:
    """Let KIE draw in no time: for talks that are not about waiting."""
    return KieStubOptions(
        api_key=KIE_KEY, time_factor=QUICK, creates_per_10s=10_000, reads_per_s=10_000
    )


def labels(message: ChatMessage) -> list[str]:
    """List what the buttons under a message say."""
    return [button.text for row in message.buttons for button in row]


def data_of(message: ChatMessage) -> list[str]:
    """List what the buttons under a message carry."""
    return [button.data or "" for row in message.buttons for button in row]
