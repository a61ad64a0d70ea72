"""Windows over the chat: help, an alert of the bot, and the question before a payment."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

_HELP = """\
The bot on the left is the real one. Telegram, KIE and your 200 rubles are simulated; \
pictures take a tenth of their usual time.

Enter          send what is written
Up, Down       what was said before
Tab            from the line to the newest buttons, and on
Arrows, Enter  between buttons, and press one
Escape         back to the line
Mouse          press buttons, scroll
PgUp, PgDn     scroll
F2             show or hide the machine
Ctrl+Q         quit

Any text is a prompt. Commands begin with /, for example /menu, /balance, /language.
Pictures are kept in {pictures}"""


class Window(ModalScreen[bool]):
    """A text with one button or two; True: the first was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, words: str, *, buttons: tuple[str, ...] = ("OK",)) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._buttons = buttons

    def compose(self) -> ComposeResult:
        """Lay the window out; the first button has the focus."""
        with Vertical(classes="window"):
            yield Static(Content.styled(self._title, "bold"), classes="window-title")
            yield Static(Content(self._words))
            with Horizontal(classes="window-buttons"):
                for place, label in enumerate(self._buttons):
                    yield Button(Content(label), id=f"answer-{place}", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close with the answer."""
        self.dismiss(event.button.id == "answer-0")


def help_window(pictures: str) -> Window:
    """Make the window that F1 opens."""
    return Window("Kartina in a terminal", _HELP.format(pictures=pictures))


def alert_window(words: str) -> Window:
    """Make the window of an alert the bot answered a button with."""
    return Window("Kartina", words)


def payment_window(title: str, amount_stars: int, stars: int) -> Window:
    """Make the question Telegram asks before a payment."""
    return Window(
        "Confirm the payment",
        f"{title}: {amount_stars} Stars of your {stars}?",
        buttons=("Pay", "Cancel"),
    )
