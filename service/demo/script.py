"""`--script`: plays one conversation with a prompt drawn at random, and keeps the picture."""

import random
from pathlib import Path

import click

from service.demo.stage import Stage
from service.errors import KartinaError
from service.stubs.telegram_person import ChatMessage

WAIT_S = 60.0
_SUBJECTS = ("Рыжий кот", "Маяк", "Лиса в шарфе", "Старый трамвай", "Робот-садовник", "Кит")
_PLACES = ("на Луне", "в осеннем лесу", "под дождём", "над ночным городом", "в библиотеке")
_MANNERS = ("акварель", "неон", "тёплый свет", "пиксель-арт", "вид сверху", "туман")


async def play_script(stage: Stage) -> None:
    """Talk like a person would, print what is said, save the picture and print its path."""
    choice = random.SystemRandom().choice
    number = random.SystemRandom().randrange(10_000)
    prompt = f"{choice(_SUBJECTS)} {choice(_PLACES)}, {choice(_MANNERS)}, №{number}"
    visitor = stage.visitor
    await _say(stage, "/start")
    await _hear(stage, lambda message: "Привет" in message.text)
    await _say(stage, prompt)
    card = await _hear(stage, lambda message: _confirm_button(message) is not None)
    label = _confirm_button(card)
    assert label is not None
    click.echo(f"   [жмёт: {label}]")
    await visitor.press(label, message=card)
    result = await _hear(stage, lambda message: message.photo is not None)
    await _say(stage, "/balance")
    await _hear(stage, lambda message: "Можно потратить" in message.text)
    path = _keep(stage, result)
    click.echo(f"prompt: {prompt}")
    click.echo(f"picture: {path}")


def _confirm_button(message: ChatMessage) -> str | None:
    labels = (button.text for row in message.buttons for button in row)
    return next((label for label in labels if "₽" in label and label.startswith("✅")), None)
