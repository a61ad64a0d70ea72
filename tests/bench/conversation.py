"""Latencies a person feels: menu button, /balance, confirm; real processes, real servers."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from service.stubs.kie_server import KieStub
from service.stubs.telegram_person import Person
from service.stubs.telegram_server import TelegramStub

PEOPLE = 100
MENU_PER_S, MENU_S = 50, 20
BALANCE_PER_S, BALANCE_S = 20, 15
CONFIRMS, CONFIRM_PER_S = 20, 1
WAIT_S = 20


@dataclass
class Latencies:
    """Milliseconds from what a person did to the call that answers it."""

    button_ms: list[float] = field(default_factory=list)
    redraw_ms: list[float] = field(default_factory=list)
    balance_ms: list[float] = field(default_factory=list)
    confirm_ms: list[float] = field(default_factory=list)


async def measure_conversation(telegram: TelegramStub, kie: KieStub) -> Latencies:
    """Let people talk at fixed rates, whatever the answers take."""
    figures = Latencies()
    people = [telegram.person(700_000_000 + i, first_name="Ann") for i in range(PEOPLE)]
    for person in people:
        await person.say("/menu")
    for person in people:
        await person.wait_for(lambda m: m.from_bot and bool(m.buttons), timeout_s=WAIT_S)
    await _at_rate(MENU_PER_S, MENU_PER_S * MENU_S, lambda i: _press(people[i % PEOPLE], figures))
    await _at_rate(
        BALANCE_PER_S, BALANCE_PER_S * BALANCE_S,
        lambda i: _balance(people[i % PEOPLE], figures),
    )  # fmt: skip
    await _at_rate(CONFIRM_PER_S, CONFIRMS, lambda i: _confirm(people[i], kie, figures))
    return figures


async def _at_rate(per_second: float, count: int, act) -> None:
    """Start `act` at fixed moments: a slow answer does not slow the next question."""
    started = monotonic()
    running = []
    for index in range(count):
        await asyncio.sleep(max(0.0, started + index / per_second - monotonic()))
        running.append(asyncio.create_task(act(index)))
    await asyncio.gather(*running)


async def _press(person: Person, figures: Latencies) -> None:
    message = next(m for m in person.messages if m.from_bot and m.buttons)
    edits = message.edits
    wanted = "o:help" if message.button("o:help") else "o:menu"
    started = monotonic()
    await (await person.press(wanted, message))
    figures.button_ms.append((monotonic() - started) * 1000)
    await person.wait_until(lambda: message.edits > edits, timeout_s=WAIT_S)
    figures.redraw_ms.append((monotonic() - started) * 1000)


async def _balance(person: Person, figures: Latencies) -> None:
    shown = _count(person)
    started = monotonic()
    await person.say("/balance")
    await person.wait_until(lambda: _count(person) > shown, timeout_s=WAIT_S)
    figures.balance_ms.append((monotonic() - started) * 1000)


async def _confirm(person: Person, kie: KieStub, figures: Latencies) -> None:
    prompt = f"bench {person.user_id}"
    await person.say(prompt)
    card = await person.wait_for(
        lambda m: m.from_bot and _confirm_data(m) is not None, timeout_s=WAIT_S
    )
    started = monotonic()
    await person.press(_confirm_data(card), card)
    async with asyncio.timeout(WAIT_S):
        while not any(prompt in str(task.input) for task in list(kie.tasks.values())):
            await asyncio.sleep(0.002)
    figures.confirm_ms.append((monotonic() - started) * 1000)


def _count(person: Person) -> int:
    return sum(1 for message in person.messages if message.from_bot)


def _confirm_data(message) -> str | None:
    buttons = (button for row in message.buttons for button in row)
    return next((b.data for b in buttons if (b.data or "").startswith("ok|")), None)
