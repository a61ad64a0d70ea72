"""`--script`: plays one conversation with a prompt drawn at random, and keeps the picture."""

import random
from collections.abc import Callable
from pathlib import Path

import click

from service.demo.keeping import keep_file
from service.demo.stage import LOG_NAME, Stage
from service.errors import KartinaError
from service.stubs.telegram_messages import ChatMessage

WAIT_S = 60.0
_SUBJECTS = ("Рыжий кот", "Маяк", "Лиса в шарфе", "Старый трамвай", "Робот-садовник", "Кит")
_PLACES = ("на Луне", "в осеннем лесу", "под дождём", "над ночным городом", "в библиотеке")
_MANNERS = ("акварель", "неон", "тёплый свет", "пиксель-арт", "вид сверху", "туман")
_PROMPTS_MAX = 10_000


async def play_script(stage: Stage) -> Path:
    """Talk as a person would and print it; save the picture and print where it lies."""
    prompt = draw_prompt()
    await _say(stage, "/start")
    await _hear(stage, lambda message: "Привет" in (message.text or ""))
    await _say(stage, prompt)
    card = await _hear(stage, lambda message: _confirm_label(message) is not None)
    label = _confirm_label(card) or ""
    click.echo(f"  👆 {label}\n")
    await (await stage.visitor.press(label, card))
    picture = await _hear(stage, lambda message: message.photo is not None)
    await _hear(stage, lambda message: "Готово ·" in (message.text or ""))
    await _say(stage, "/balance")
    await _hear(stage, lambda message: "Можно потратить" in (message.text or ""))
    path = keep_file(stage.settings.data_dir, picture)
    click.echo(f"prompt: {prompt}")
    click.echo(f"picture: {path}")
    return path


def draw_prompt() -> str:
    """Make up something to draw; the number makes it one of a kind."""
    source = random.SystemRandom()
    words = (source.choice(words) for words in (_SUBJECTS, _PLACES, _MANNERS))
    return "{} {}, {}, №{}".format(*words, source.randrange(_PROMPTS_MAX))


async def _say(stage: Stage, words: str) -> None:
    click.echo(f"👤 {words}\n")
    await stage.visitor.say(words)


async def _hear(stage: Stage, is_it: Callable[[ChatMessage], bool]) -> ChatMessage:
    """Wait for what the bot says, and print it."""
    try:
        message = await stage.visitor.wait_for(
            lambda message: message.from_bot and is_it(message), timeout_s=WAIT_S
        )
    except TimeoutError as error:
        log_path = stage.settings.data_dir / LOG_NAME
        raise KartinaError(f"the bot said nothing for {WAIT_S:.0f} s; see {log_path}") from error
    shown = message.text or message.caption or ""
    kind = "🖼  " if message.photo else ""
    click.echo("🤖 " + kind + shown.replace("\n", "\n   "))
    for row in message.buttons:
        click.echo("   " + "  ".join(f"[{button.text}]" for button in row))
    click.echo()
    return message


def _confirm_label(message: ChatMessage) -> str | None:
    labels = (button.text for row in message.buttons for button in row)
    return next((label for label in labels if label.startswith("✅") and "₽" in label), None)
