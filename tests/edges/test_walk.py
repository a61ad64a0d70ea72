"""Every button that can be reached from /start is pressed, in both languages."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import count

from aiogram.filters.callback_data import CallbackData

from service.bot.callbacks import (
    CALLBACKS,
    Open,
    OpenHistory,
    OpenInput,
    OpenModels,
    OpenTransactions,
    PickModel,
)
from service.bot.views import HISTORY_PAGE, MOVEMENTS_PAGE
from service.domain.catalogue import load_catalogue
from service.stubs.telegram_messages import Button, ChatMessage
from service.texts import text
from tests.support.talk import PARKED, Talk, data_of, start_talk

MENUS = {Open(screen="menu").pack(), Open(screen="new-menu").pack()}
#: What stands in the menu and nowhere else.
IN_MENU = Open(screen="help").pack()
SECOND_PAGES = (
    OpenModels(kind="text-to-image", page=1),
    OpenHistory(before_id=7),
    OpenTransactions(before_id=7),
)
#: An edit that changes nothing is no mistake: a status may be told twice.
HARMLESS = "message is not modified"


@dataclass
class Walk:
    """A walk over the screens, breadth first; a button is known by what it carries."""

    talk: Talk
    queue: deque[tuple[Button, ChatMessage]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)
    visited: dict[type[CallbackData], int] = field(default_factory=dict)
    model: str = ""

    @property
    def old_button(self) -> str:
        """What a button says that nobody understands any more."""
        return text("old-button", self.talk.person.user["language_code"])

    def look(self, *changed: ChatMessage) -> None:
        """Queue every button of a kind that was not seen before; each screen leads to the menu."""
        for message in (*changed, *self.talk.said[-6:]):
            carried = data_of(message)
            if not carried:
                assert message.media_group_id, f"no way on from: {message.text}"
                continue
            assert IN_MENU in carried or MENUS & set(carried), f"no way back from: {message.text}"
            for button in (button for row in message.buttons for button in row):
                if (kind := kind_of(button.data)) not in self.seen:
                    self.seen.add(kind)
                    self.queue.append((button, message))

    async def go(self) -> None:
        """Press until nothing new is seen."""
        self.look()
        while self.queue:
            button, message = self.queue.popleft()
            data = unpack(button.data)
            await self._choose_model(data, message)
            answer = await self.talk.press(button, message)
            assert answer != self.old_button, f"an old button: {button.data}"
            self.visited[type(data)] = self.visited.get(type(data), 0) + 1
            self.look(message)

    async def _choose_model(self, data: CallbackData, message: ChatMessage) -> None:
        """Settings belong to a model: go to the one whose screen showed them."""
        code = getattr(data, "code", "")
        if code and code != self.model and not isinstance(data, PickModel):
            await self.talk.press(PickModel(code=code), message)
        # Any other button may have changed the model.
        self.model = code


def unpack(data: str) -> CallbackData:
    for kind in CALLBACKS:
        if data.split(kind.__separator__, maxsplit=1)[0] == kind.__prefix__:
            return kind.unpack(data)
    raise AssertionError(f"a button carries what nobody understands: {data}")


def kind_of(data: str) -> str:
    """Tell buttons apart that do different things: not by the value or the id they carry.

    The question for a setting is opened for each model, answered once for each setting.
    """
    parts = unpack(data)
    told_by = {"screen", "kind", "page", "name", "locale"}
    if isinstance(parts, PickModel | OpenInput):
        told_by.add("code")
    names = [type(parts).__name__, *(str(value) for name, value in parts if name in told_by)]
    if before_id := getattr(parts, "before_id", None):
        names.append("older" if before_id else "newest")
    return "|".join(names)


async def has_a_history(talk: Talk) -> None:
    """Order enough for a second page of pictures and of transactions, and one that fails."""
    for number in count():
        card = await talk.say(f"a cat {number}" if number <= HISTORY_PAGE else "a cat [[T24]]")
        await talk.press(card.buttons[0][0], card)
        if number > HISTORY_PAGE:
            break
    await talk.finish()


async def walk_everywhere(rig, language: str) -> Walk:
    """Press all there is, as somebody with pictures, a failed order and a card that waits."""
    talk = await start_talk(rig, language)
    await has_a_history(talk)
    await talk.say("a lighthouse")
    await talk.say("/start")
    walk = Walk(talk)
    await walk.go()
    await talk.finish()
    return walk


async def test_every_button_reachable_from_start_does_what_it_should(rig):
    # Given two people, with more pictures and transactions than one page holds
    languages = ("en", "ru")

    # When each presses every button that can be reached from /start in the language
    walks = await asyncio.gather(*(walk_everywhere(rig, language) for language in languages))

    # Then no kind of button was left out, page two included
    movements = await rig.fetchval("SELECT count(*) FROM movements")
    assert movements > MOVEMENTS_PAGE * len(languages)
    for walk in walks:
        assert set(walk.visited) == set(CALLBACKS)
        assert {f"PickModel|{model.code}" for model in load_catalogue().on_sale()} <= walk.seen
        assert {kind_of(button.pack()) for button in SECOND_PAGES} <= walk.seen
    # And nothing was refused, parked or left unanswered
    refused = [call for call in rig.telegram.refusals if HARMLESS not in call.description]
    assert [(call.method, call.description) for call in refused] == []
    assert await rig.fetchval(PARKED) == 0
    assert await rig.fetchval("SELECT count(*) FROM outbox WHERE state = 'parked'") == 0
    assert await rig.audit() == []
