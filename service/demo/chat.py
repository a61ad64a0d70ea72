"""The terminal chat: the visitor on one side, the bot on the other, the machine beside them."""

import asyncio
from typing import ClassVar

import aiohttp
import click
from textual import events, on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from service.demo.chat_figures import read_figures
from service.demo.chat_input import PromptInput
from service.demo.chat_machine import MachinePanel
from service.demo.chat_message import InlineButton, MessageView
from service.demo.chat_text import plain
from service.demo.chat_windows import Window, alert_window, help_window, payment_window
from service.demo.keeping import pictures_folder
from service.demo.stage import Stage
from service.errors import KartinaError
from service.stubs.telegram_messages import Button as BotButton
from service.stubs.telegram_messages import ChatEvent, ChatMessage
from service.stubs.telegram_payments import Payment
from service.stubs.telegram_watchers import EventStream

REFRESH_S = 1.0
#: The machine is on this host: an answer that takes longer is none.
_FIGURES_LIMIT = aiohttp.ClientTimeout(total=2.0, connect=0.5)
#: Telegram shows what a bot is doing for so long.
ACTIVITY_S = 5.0
#: Narrower terminals have no room for the machine beside the chat.
_WIDE_COLUMNS = 100
_FIRST_WORDS = "/start"
_INTRO = "Nobody has written yet. Press Enter to start the bot, or write what it shall draw."
_DOINGS = {"typing": "is typing…", "upload_photo": "sends a picture…"}
_PAYMENTS = {
    "paid": "Paid.",
    "timed_out": "The bot did not answer in time, nothing was paid.",
    "too_few_stars": "You have too few Stars.",
}


async def play_chat(stage: Stage) -> None:
    """Show the chat until the visitor quits."""
    app = ChatApp(stage)
    await app.run_async()
    if app.return_code:
        raise KartinaError("the chat broke off; the lines above say where")
    folder = pictures_folder(stage.settings.data_dir)
    if folder.is_dir():
        click.echo(f"Your pictures: {folder}")
    click.echo("Stopping…", err=True)


class ChatApp(App[None]):
    """The whole screen."""

    CSS_PATH = "chat.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE_COLUMNS, "-wide")]  # noqa: RUF012 - as declared
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", priority=True),
        Binding("f2", "machine", "Machine", priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
    ]

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._visitor = stage.visitor
        self._views: dict[int, MessageView] = {}
        self._stream: EventStream[ChatEvent] = stage.visitor.events
        self._activity_ends: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out chat, line and machine."""
        with Horizontal(id="stage"):
            with Vertical(id="room"):
                with VerticalScroll(id="chat", can_focus=False):
                    yield Static(_INTRO, classes="intro")
                yield Static(id="activity")
                yield PromptInput(self._commands)
            yield MachinePanel()
        yield Footer()

    async def on_mount(self) -> None:
        """Show what was said so far, and listen."""
        self.query_one("#chat").anchor()
        for message in self._visitor.messages:
            await self._put(message)
        prompt = self.query_one(PromptInput)
        prompt.value = "" if self._views else _FIRST_WORDS
        prompt.focus()
        self._listen()
        self._watch_machine()

    @on(Input.Submitted, "#prompt")
    async def send(self) -> None:
        """Say what is written."""
        words = self.query_one(PromptInput).take()
        if words:
            self.query_one("#chat").anchor()
            await self._visitor.say(words)

    @on(PromptInput.ToButtons)
    def go_to_buttons(self) -> None:
        """Go to the first button of the newest message that has one."""
        for view in reversed(self._views.values()):
            for button in view.query(InlineButton):
                button.focus()
                return
        self.bell()

    @on(InlineButton.Chosen)
    def press(self, event: InlineButton.Chosen) -> None:
        """Do what the pressed button is for."""
        button, message = event.button, event.message
        if button.data is not None:
            self._press_callback(button, message)
        elif button.pay:
            self._ask_payment(message)
        elif button.url in self._stage.telegram.world.stars.links:
            self._ask_payment(button.url)
        else:
            self.notify(plain(button.url or button.text), title="A link", markup=False)

    async def on_key(self, event: events.Key) -> None:
        """Take a letter typed on a button as the beginning of a prompt."""
        if isinstance(self.focused, InlineButton) and event.is_printable and event.character:
            event.stop()
            prompt = self.query_one(PromptInput)
            prompt.focus()
            prompt.insert_text_at_cursor(event.character)

    def action_help(self) -> None:
        """Open the help, or close the window that is open."""
        if isinstance(self.screen, Window):
            self.screen.dismiss(result=False)
        else:
            folder = pictures_folder(self._stage.settings.data_dir)
            self.push_screen(help_window(str(folder)))

    def action_machine(self) -> None:
        """Show or hide the machine."""
        self.screen.toggle_class("machine-hidden")

    def action_page(self, pages: int) -> None:
        """Scroll the chat, wherever the focus is."""
        chat = self.query_one("#chat")
        if pages < 0:
            chat.scroll_page_up()
        else:
            chat.scroll_page_down()

    @work
    async def _listen(self) -> None:
        """Show every change of the chat, in order."""
        async for event in self._stream:
            await self._show(event)

    @work
    async def _watch_machine(self) -> None:
        """Look at the machine once a second."""
        panel = self.query_one(MachinePanel)
        async with aiohttp.ClientSession(timeout=_FIGURES_LIMIT) as http:
            while True:
                try:
                    panel.show_figures(await read_figures(http, self._stage.url))
                except (aiohttp.ClientError, TimeoutError):
                    panel.show_away()
                await asyncio.sleep(REFRESH_S)

    @work
    async def _press_callback(self, button: BotButton, message: ChatMessage) -> None:
        press = await self._visitor.press(button, message)
        try:
            await press
        except TimeoutError:
            self.notify("The bot did not answer this button.", severity="warning")

    @work
    async def _ask_payment(self, what: ChatMessage | str) -> None:
        """Ask, pay, and say how it ended."""
        wallet = self._visitor.wallet
        title, amount_stars = self._priced(what)
        if not await self.push_screen_wait(payment_window(title, amount_stars, wallet.stars)):
            return
        payment = await wallet.pay(what)
        self.notify(_outcome(payment), title="Payment", markup=False)

    def _priced(self, what: ChatMessage | str) -> tuple[str, int]:
        stars = self._stage.telegram.world.stars
        invoice = stars.links[what] if isinstance(what, str) else stars.invoices[what.message_id]
        return plain(invoice.title), invoice.amount_stars

    async def _show(self, event: ChatEvent) -> None:
        match event.kind:
            case "message" if event.message is not None:
                await self._put(event.message)
            case "edit" if event.message is not None:
                if view := self._views.get(event.message.message_id):
                    await view.show()
            case "delete" if event.message is not None:
                if view := self._views.pop(event.message.message_id, None):
                    await view.remove()
            case "callback_answer" if event.text:
                self._show_answer(event)
            case "action":
                self._show_activity(_DOINGS.get(event.text, f"{event.text.replace('_', ' ')}…"))
            case _:
                pass

    async def _put(self, message: ChatMessage) -> None:
        """Add a message at the end."""
        chat = self.query_one("#chat")
        if not self._views:
            await chat.query(".intro").remove()
        view = MessageView(
            message,
            keep_in=self._stage.settings.data_dir,
            in_album=self._goes_on_album(message),
        )
        self._views[message.message_id] = view
        await chat.mount(view)
        await view.show()
        if message.from_bot:
            self._show_activity("")

    def _goes_on_album(self, message: ChatMessage) -> bool:
        last = next(reversed(self._views.values()), None)
        group_id = message.media_group_id
        return bool(group_id and last and last.message.media_group_id == group_id)

    def _show_answer(self, event: ChatEvent) -> None:
        if event.show_alert:
            self.push_screen(alert_window(plain(event.text)))
        else:
            self.notify(plain(event.text), title="Kartina", markup=False)

    def _show_activity(self, doing: str) -> None:
        if self._activity_ends is not None:
            self._activity_ends.stop()
        self.query_one("#activity", Static).update(Content(f"Kartina {doing}" if doing else ""))
        if doing:
            self._activity_ends = self.set_timer(ACTIVITY_S, lambda: self._show_activity(""))

    def _commands(self) -> list[str]:
        """List the commands the bot has told Telegram of, in its order."""
        lists = self._stage.telegram.world.settings.get("commands", {}).values()
        return list(dict.fromkeys(each["command"] for commands in lists for each in commands))


def _outcome(payment: Payment) -> str:
    if payment.outcome == "declined":
        return f"The bot declined: {plain(payment.error_message)}"
    return _PAYMENTS[payment.outcome]
