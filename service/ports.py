"""The world outside, as our code sees it: KIE, Telegram, media, the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from service.errors import PermanentError, TransientError


@runtime_checkable
class Clock(Protocol):
    """Tells the time; tests own it."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""


class KieRefusedError(PermanentError):
    """KIE will not do this task; `reason` is the key of a text for the user."""

    def __init__(self, message: str, *, reason: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class KieBusyError(TransientError):
    """KIE asks to come back later (rate limit, maintenance, paused); nothing was made."""


class KieAwayError(TransientError):
    """KIE did not answer, or not with sense; the request was one that may be repeated."""


class KieUnknownOutcomeError(TransientError):
    """A createTask was sent and its answer lost: a task may exist. It is never sent again."""


class TaskState(StrEnum):
    """What KIE says of a task; UNKNOWN is a word we never heard, MISSING no record (yet)."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """One answer of recordInfo."""

    state: TaskState
    urls: tuple[str, ...] = ()
    fail_reason: str | None = None  # key of a text: refused, moderated, provider, image ...
    fail_code: str | None = None
    fail_message: str | None = None  # KIE's words; shown to nobody unescaped
    credits_consumed: Decimal | None = None
    callback_url: str | None = None  # as sent with createTask: it holds the task's token


@runtime_checkable
class Kie(Protocol):
    """The KIE API. Every call ends within its time limit."""

    async def create_task(
        self, model_id: str, task_input: Mapping[str, Any], *, callback_url: str | None
    ) -> str:
        """Start a task, give KIE's id of it.

        Raises KieRefusedError, KieBusyError, or KieUnknownOutcomeError when it may have started;
        KieAwayError only when the request was surely not received.
        """

    async def read_task(self, provider_task_id: str) -> TaskReport:
        """Read a task. Raises KieBusyError, KieAwayError, KieRefusedError (bad key)."""

    async def read_credits(self) -> Decimal:
        """Read the credits left. Raises as `read_task`."""


class UnreachableError(PermanentError):
    """The user blocked the bot or is gone."""


class MessengerRefusedError(PermanentError):
    """Telegram refuses this call however often it is made; `description` is its text."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a call, under the name its parameters refer to."""

    path: Path
    file_name: str


@runtime_checkable
class Messenger(Protocol):
    """The Bot API, one call at a time. Every call ends within its time limit."""

    async def call(
        self, method: str, parameters: Mapping[str, Any], *,
        files: Mapping[str, Upload] = ...,
    ) -> Any:  # fmt: skip
        """Make a call, give its `result`.

        Raises TransientError (with `retry_after` on 429), UnreachableError,
        MessengerRefusedError.
        """


class BadMediaError(PermanentError):
    """What lies at the address can't be delivered: not allowed, gone, too big, no picture."""


class TooBigMediaError(BadMediaError):
    """The file is there, but bigger than we fetch."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file we keep."""

    key: str
    media_type: str  # told from its first bytes, not from its name
    size_bytes: int
    sha256: bytes
    width: int | None = None
    height: int | None = None


@runtime_checkable
class Media(Protocol):
    """Our own copies of results."""

    async def fetch(self, url: str, *, key: str) -> MediaFile:
        """Fetch a result and keep it. Raises BadMediaError, TransientError."""

    def path(self, key: str) -> Path | None:
        """Give the file's path, or None when our copy is gone."""
