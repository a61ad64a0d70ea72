"""The demo: one conversation printed without a terminal, and the chat driven by a visitor."""

import asyncio
import fcntl
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Static

from service.demo.chat import ChatApp
from service.demo.chat_input import PromptInput
from service.demo.chat_machine import MachinePanel
from service.demo.chat_message import InlineButton, MessageView
from service.demo.chat_pictures import Picture
from service.demo.chat_windows import Window
from service.demo.stage import Stage, play_demo
from service.errors import KartinaError
from service.stubs.telegram_messages import ChatEvent
from service.stubs.telegram_person import Person
from tests.support.rig import BOT_TOKEN

KARTINA = Path(sys.executable).parent / "kartina"
PROMPT = "a lighthouse made of glass"
SCREEN = (120, 40)
#: What a test waits for at most; reached only when it fails.
PATIENCE_S = 20


async def test_without_a_terminal_one_conversation_is_played_and_its_picture_kept(tmp_path):
    # Given a folder where nothing ran yet
    folder = tmp_path / "demo"

    # When the demo plays its script
    done = await run_demo(folder)

    # Then it ends well, and has printed both sides of the conversation
    assert done.returncode == 0, done.stderr
    assert "👤 /start" in done.stdout
    assert "🤖 👋 Привет, Гость!" in done.stdout
    assert "Можно потратить: 199,20 ₽" in done.stdout
    # And the kept picture was made from the prompt that was drawn
    printed = dict(line.split(": ", 1) for line in done.stdout.splitlines()[-2:])
    with Image.open(printed["picture"]) as picture:
        assert picture.text["prompt"] == printed["prompt"]
    # And the log went to its file alone
    assert '"event"' not in done.stdout + done.stderr
    assert '"event"' in (folder / "log.txt").read_text()


async def test_a_second_demo_in_the_same_folder_is_refused(tmp_path):
    # Given a folder in which a demo runs
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        # When another one starts there
        # Then it is told what to do
        words = f"another demo runs in {tmp_path}: quit it, or choose another with --data-dir"
        with pytest.raises(KartinaError, match=words):
            await play_demo(never_runs, script=True, data_dir=tmp_path)


async def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    # Given a file where the demo wants its folder
    (tmp_path / "demo").touch()

    # When the demo starts there
    # Then it is told what to do
    with pytest.raises(KartinaError, match=r"can't write to .*: choose another with --data-dir"):
        await play_demo(never_runs, script=True, data_dir=tmp_path / "demo")


async def test_a_prompt_written_in_the_chat_becomes_a_picture_on_the_screen(rig):
    async with open_chat(rig) as visit:
        # Given a visitor who has pressed Start
        await visit.pilot.press("enter")
        await visit.until(lambda: "Hello, Ann" in visit.words())

        # When they write a prompt and click the button that confirms
        await visit.write(PROMPT)
        await visit.click("Create for")

        # Then the picture is drawn, and the card ends as done
        await visit.until(lambda: visit.app.query(Picture))
        await visit.until(lambda: "Done" in visit.words())
        # And the file was kept whole
        (kept,) = (rig.settings.data_dir / "pictures").iterdir()
        with Image.open(kept) as picture:
            assert picture.text["prompt"] == PROMPT


async def test_buttons_are_reached_by_keys_and_their_message_is_edited_in_place(rig):
    async with open_chat(rig) as visit:
        # Given the menu
        await visit.pilot.press("enter")
        await visit.until(lambda: visit.button("Balance"))
        count = len(visit.app.query(MessageView))

        # When the visitor goes to a button by keys and presses it
        await visit.pilot.press("tab", "down", "down", "enter")

        # Then the message shows the balance, and no other one came
        await visit.until(lambda: "You can spend: 200 ₽" in visit.words())
        assert len(visit.app.query(MessageView)) == count
        # And a letter typed on a button begins a prompt
        await visit.until(lambda: isinstance(visit.app.focused, InlineButton))
        await visit.pilot.press("x")
        assert visit.app.query_one(PromptInput).value == "x"


async def test_toasts_said_words_and_deleted_messages_are_dealt_with(rig):
    async with open_chat(rig) as visit:
        # Given a visitor in the language menu
        await visit.write("/language")

        # When they press a button that is answered by a toast
        await visit.click("Русский")

        # Then the toast is shown
        await visit.until(lambda: "по-русски" in visit.words("Toast"))
        # And what was said can be called back
        visit.app.query_one(PromptInput).focus()
        await visit.pilot.press("up")
        assert visit.app.query_one(PromptInput).value == "/language"
        # And a message that is deleted disappears
        view = visit.app.query(MessageView).last()
        visit.person.delete_message(view.message)
        await visit.until(lambda: view not in visit.app.query(MessageView))


async def test_an_alert_of_the_bot_opens_a_window(rig):
    async with open_chat(rig) as visit:
        # Given a chat
        chat = visit.person.chat

        # When the bot answers a button with an alert
        words = "Not [enough] money"
        chat.tell(ChatEvent("callback_answer", chat.chat_id, text=words, show_alert=True))

        # Then it stands in a window until the visitor closes it
        await visit.until(lambda: isinstance(visit.app.screen, Window))
        assert words in visit.words()
        await visit.pilot.press("enter")
        await visit.until(lambda: not isinstance(visit.app.screen, Window))


async def test_an_invoice_is_paid_after_a_question(rig):
    async with open_chat(rig) as visit:
        # Given an invoice of the bot
        await visit.pilot.press("enter")
        await visit.until(lambda: visit.button("Balance"))
        await send_invoice(rig, visit.person)

        # When the visitor presses Pay and says yes
        await visit.click("Pay 50")
        await visit.until(lambda: isinstance(visit.app.screen, Window))
        await visit.pilot.press("enter")

        # Then the bot was asked, and how it ended is said
        await visit.until(lambda: "The bot declined" in visit.words("Toast"))


async def test_the_panel_shows_the_machine_at_work(rig):
    async with open_chat(rig) as visit:
        # Given a bot that has handled an update
        await visit.pilot.press("enter")
        await visit.until(lambda: visit.button("Balance"))

        # When the panel has looked at /health and /metrics
        panel = visit.app.query_one(MachinePanel)
        await visit.until(lambda: "adds up, drift 0" in str(panel.content))

        # Then it tells mode, rows, generations and the ledger, each with its figure
        shown = str(panel.content)
        for line in ("● ACTIVE", "updates", "deliveries", "pending", "processing", "guard"):
            assert line in shown
        assert "?" not in shown


async def test_help_is_at_hand_and_the_chat_ends_when_the_visitor_quits(rig):
    async with open_chat(rig) as visit:
        # Given a visitor who has asked for help and read it
        await visit.pilot.press("f1")
        await visit.until(lambda: "Ctrl+Q" in visit.words())
        await visit.pilot.press("f1")
        await visit.until(lambda: not isinstance(visit.app.screen, Window))

        # When they quit
        await visit.pilot.press("ctrl+q")

        # Then the chat ends
        await visit.until(lambda: not visit.app.is_running)
    assert visit.app.return_code == 0


@dataclass
class Visit:
    """A visitor before the screen."""

    app: ChatApp
    pilot: Pilot
    person: Person

    def words(self, kind=Static):
        """Everything the screen says."""
        return "\n".join(str(each.render()) for each in self.app.screen.query(kind))

    def button(self, words):
        """The newest button that says so."""
        found = [each for each in self.app.query(InlineButton) if words in str(each.label)]
        return found[-1] if found else None

    async def until(self, look):
        """Wait until a look at the screen gives something."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := look()):
                await self.pilot.pause(0.02)
        return found

    async def write(self, words):
        """Write a line in place of what stands there."""
        await self.pilot.press("ctrl+u")
        self.app.query_one(PromptInput).insert_text_at_cursor(words)
        await self.pilot.press("enter")

    async def click(self, words):
        """Click the newest button that says so, once it is there and in sight."""
        button = await self.until(lambda: self.button(words))
        await self.until(lambda: button.region.height and button.region in self.app.screen.region)
        await self.pilot.click(button)


@asynccontextmanager
async def open_chat(rig):
    running = asyncio.get_running_loop().create_future()
    person = rig.person()
    app = ChatApp(Stage(rig.settings, rig.telegram, rig.kie, person, rig.url, running))
    async with app.run_test(size=SCREEN, notifications=True) as pilot:
        yield Visit(app, pilot, person)


async def never_runs(settings, *, stop):
    raise AssertionError("nothing is started in a folder that can't be used")


async def run_demo(folder):
    command = [KARTINA, "demo", "--script", "--data-dir", folder]
    return await asyncio.to_thread(
        subprocess.run, command,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100, check=False,
    )  # fmt: skip


async def send_invoice(rig, person):
    """Send what the bot will send once it sells Stars."""
    invoice = {
        "chat_id": person.user_id,
        "title": "50 Stars",
        "description": "A pack",
        "payload": "pack",
        "currency": "XTR",
        "prices": [{"label": "Pack", "amount": 50}],
    }
    url = f"{rig.telegram.url}/bot{BOT_TOKEN}/sendInvoice"
    async with rig.http.post(url, json=invoice) as answer:
        assert answer.ok
