"""Flows with a scripted mind and mouth: real rows, and an outside that does what the test says."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.bells import Bell
from service.flows.deps import Call, Decision, Deps
from service.store import outbox, updates
from service.store.updates import ReceivedUpdate

#: What a test waits for at most; reached only when it fails.
PATIENCE_S = 20


@dataclass
class MovableClock:
    """The present, and as much later as the test wants."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class HeardBells:
    """Bells that nobody answers."""

    rung: list[Bell] = field(default_factory=list)

    def ring_soon(self, bell: Bell) -> None:
        self.rung.append(bell)


@dataclass
class ScriptedSpeech:
    """Handles each update by saying its id; a test may put anything before, after or instead."""

    deps: Deps
    handled: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    before: Callable[[Any, Any], Awaitable[None]] | None = None
    answer: bool = False
    redraw: bool = False
    views: Callable[[Any], Call | None] | None = None

    async def decide(self, db, update):
        if self.before is not None:
            await self.before(db, update)
        self.handled[update.chat_id].append(update.update_id)
        await outbox.add(
            db,
            chat_id=update.chat_id,
            kind="screen",
            content={"text": f"{update.update_id}"},
            now=self.deps.now(),
        )
        call = Call(method="answerCallbackQuery", parameters={"chat_id": update.chat_id})
        redraw = Call(method="editMessageText", parameters={"chat_id": update.chat_id})
        return Decision(
            answer=call if self.answer else None, redraws=(redraw,) if self.redraw else ()
        )

    async def say(self, reader, message):
        if self.views is not None:
            return self.views(message)
        content = message.content if message.kind == "screen" else {"text": message.kind}
        return Call(method="sendMessage", parameters={"chat_id": message.chat_id, **content})

    async def present(self, reader, delivery):
        raise AssertionError("nothing is delivered here")


@dataclass
class ScriptedMessenger:
    """Takes calls down; raises what the test put down for the next ones."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    errors: list[Exception | None] = field(default_factory=list)
    during: Callable[[str, dict[str, Any]], Awaitable[None]] | None = None

    async def call(self, method, parameters, *, files=None):
        if self.during is not None:
            await self.during(method, dict(parameters))
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        self.calls.append((method, dict(parameters)))
        return {"message_id": len(self.calls)}

    def said(self, chat_id: int) -> list[str]:
        """Give the texts that reached a chat, in order."""
        return [
            parameters["text"]
            for method, parameters in self.calls
            if parameters.get("chat_id") == chat_id and "text" in parameters
        ]


class Gate:
    """A place where a flow is held until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def hold(self) -> None:
        self.reached.set()
        async with asyncio.timeout(PATIENCE_S):
            await self.opened.wait()

    async def wait_until_reached(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.reached.wait()


def make_deps(pool, **changes: Any) -> Deps:
    """Give flows a pool, and an outside that does nothing."""
    given = {
        "pool": pool, "kie": None, "messenger": ScriptedMessenger(), "media": None,
        "bells": HeardBells(), "clock": MovableClock(), "catalogue": None, "creates": None,
        "reads": None, "public_url": None, "welcome_kopecks": 0, "admin_ids": frozenset(),
    }  # fmt: skip
    return Deps(**(given | changes))


async def keep_updates(deps: Deps, *pairs: tuple[int, int]) -> None:
    """Keep updates, each given as update and chat, as the webhook does."""
    rows = [ReceivedUpdate(update_id, chat_id, "{}") for update_id, chat_id in pairs]
    await updates.keep(deps.pool, rows, now=deps.now())


async def say(deps: Deps, chat_id: int, *texts: str) -> None:
    """Put messages into a chat's outbox, each in a transaction of its own."""
    for text in texts:
        async with deps.pool.acquire() as db:
            await outbox.add(
                db, chat_id=chat_id, kind="screen", content={"text": text}, now=deps.now()
            )
