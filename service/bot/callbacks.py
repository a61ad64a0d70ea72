"""What a button carries: typed, packed into Telegram's 64 bytes, never trusted when it comes back.

Names and codes, not positions: a button outlives the release that drew it.
"""

from typing import Annotated, TypeAlias

from aiogram.filters.callback_data import CallbackData
from pydantic import Field

#: A number that PostgreSQL's bigint holds; any other is no button of ours.
Number: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]


class Open(CallbackData, prefix="o"):
    """Open a screen that needs nothing else."""

    screen: str


class OpenModels(CallbackData, prefix="m", sep="|"):
    """A page of the models of one kind."""

    kind: str
    page: Number


class PickModel(CallbackData, prefix="pm", sep="|"):
    """Compose with this model."""

    code: str


class OpenInput(CallbackData, prefix="i", sep="|"):
    """Ask for one setting of the draft; `count`, `style` and `prompt` are asked the same way."""

    code: str
    name: str


class SetInput(CallbackData, prefix="s", sep="|"):
    """Give one setting of the draft its value."""

    code: str
    name: str
    value: str


class LeaveInput(CallbackData, prefix="x", sep="|"):
    """Leave one setting to the model."""

    code: str
    name: str


class Confirm(CallbackData, prefix="ok", sep="|"):
    """Buy what this quote promises."""

    quote_id: Number


class Repeat(CallbackData, prefix="a", sep="|"):
    """Make a new card from an earlier generation."""

    generation_id: Number


class Resend(CallbackData, prefix="r", sep="|"):
    """Send an earlier generation's pictures again."""

    generation_id: Number


class SendFiles(CallbackData, prefix="f", sep="|"):
    """Send an earlier generation's pictures as files."""

    generation_id: Number


class OpenHistory(CallbackData, prefix="h", sep="|"):
    """A page of the history; `before_id` 0 is the newest."""

    before_id: Number


class OpenTransactions(CallbackData, prefix="t", sep="|"):
    """A page of the movements; `before_id` 0 is the newest."""

    before_id: Number


class ChooseLanguage(CallbackData, prefix="l", sep="|"):
    """Speak this language."""

    locale: str


CALLBACKS: tuple[type[CallbackData], ...] = (
    Open, OpenModels, PickModel, OpenInput, SetInput, LeaveInput, Confirm, Repeat, Resend,
    SendFiles, OpenHistory, OpenTransactions, ChooseLanguage,
)  # fmt: skip
