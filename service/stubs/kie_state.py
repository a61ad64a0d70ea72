"""Everything one running KIE stub knows: its options, its switches, its tasks and its files."""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from service.stubs.kie_catalogue import JsonObject
from service.stubs.kie_scenarios import ScenarioChoice, Scenarios

RESULT_LIFE_S = 24 * 3600.0
LINK_LIFE_S = 20 * 60.0
ENDED_STATES = ("success", "fail")


@dataclass(frozen=True, kw_only=True)
class KieStubOptions:
    """How a stub is started; `time_factor` multiplies every time of the stub (0.01: 100 x faster).

    With seed 0 task ids differ from run to run, as a database kept between runs needs it.
    `public_url` is what others call it by, where that isn't the address it listens on.
    """

    host: str = "127.0.0.1"
    port: int = 0
    api_key: str = "kie-stub-key"
    hmac_key: str | None = None
    time_factor: float = 1.0
    credits: float = 10_000.0
    creates_per_10s: int = 20
    reads_per_s: int = 10
    seed: int = 0
    models: Mapping[str, JsonObject] | None = None
    public_url: str = ""


class SlidingWindow:
    """Allows so many calls in any stretch of the window's length."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self._window_s = window_s
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Take a place; False when there is none (a refused call takes none)."""
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - self._window_s:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now)
        return True


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to deliver a callback: the receiver's HTTP status, or None when it had none."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    status: int | None


@dataclass(kw_only=True)
class StubTask:
    """One task as KIE would keep it, with what the stub did about it."""

    task_id: str
    model: str
    input: Mapping[str, Any]
    callback_url: str | None
    scenarios: Scenarios
    cost: float
    latency_s: float
    created_at_ms: int
    state: str = "waiting"
    credits: float = 0.0
    completed_at_ms: int | None = None
    fail_code: str | None = None
    fail_message: str | None = None
    result_urls: list[str] = field(default_factory=list)
    callbacks: list[Delivery] = field(default_factory=list)
    polls: int = 0
    polls_after_end: int = 0
    hurried: asyncio.Event = field(default_factory=asyncio.Event)
    called_back: asyncio.Event = field(default_factory=asyncio.Event)
    own_window: SlidingWindow | None = None

    @property
    def prompt(self) -> str:
        """The prompt as it came, or nothing."""
        return str(self.input.get("prompt") or "")

    @property
    def ended(self) -> bool:
        """Tell whether the task has reached success or fail."""
        return self.state in ENDED_STATES


@dataclass(kw_only=True)
class StoredFile:
    """A file the stub serves: an upload with its bytes, or a result drawn when it is asked for."""

    made_at: float
    life_s: float
    content: bytes | None = None
    mime_type: str = "application/octet-stream"
    task: StubTask | None = None
    index: int = 0
    downloads: int = 0

    def expired(self) -> bool:
        """Tell whether KIE would have deleted it by now."""
        return time.monotonic() - self.made_at > self.life_s


class StubState:
    """The mutable heart of the stub; one event loop, so no locks."""

    def __init__(self, options: KieStubOptions, models: Mapping[str, JsonObject]) -> None:
        self.options = options
        self.models = models
        self.url = ""
        self.closing = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Forget everything that happened and every switch; the options hold again."""
        options = self.options
        self.api_key = options.api_key
        self.hmac_key = options.hmac_key
        self.credits = options.credits
        self.tasks: dict[str, StubTask] = {}
        self.files: dict[str, StoredFile] = {}
        self.choice = ScenarioChoice()
        self.blocked_models: dict[str, str] = {}
        self.maintenance = False
        self.limit_style = "body"
        self.creates = SlidingWindow(options.creates_per_10s, self.scaled(10.0))
        self.reads = SlidingWindow(options.reads_per_s, self.scaled(1.0))
        self.catalogue_reads = SlidingWindow(1, self.scaled(1.0))
        self.ids = Random(options.seed or secrets.randbits(64))  # noqa: S311  Ids, not secrets.
        self.chances = Random(options.seed)  # noqa: S311  Reproducible choices, not secrets.

    def scaled(self, seconds: float) -> float:
        """Give a time of KIE as the stub lives it."""
        return seconds * self.options.time_factor

    async def wait_closing(self, seconds: float) -> None:
        """Wait so long, or until the stub closes."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    def new_hex(self) -> str:
        """Make 32 hex digits, the shape of KIE's ids."""
        return f"{self.ids.getrandbits(128):032x}"

    def keep_file(self, path: str, file: StoredFile) -> str:
        """Serve a file under this path and give its address; the same path overwrites."""
        self.files[path] = file
        return self.url + path

    def own_file(self, url: str) -> StoredFile | None:
        """Find the living file behind an address of this stub."""
        file = self.files.get(url.removeprefix(self.url)) if url.startswith(self.url) else None
        return file if file and not file.expired() else None


STATE = web.AppKey("STATE", StubState)


def now_ms() -> int:
    """Give the Unix time in milliseconds, KIE's unit."""
    return time.time_ns() // 1_000_000


async def read_json_object(request: web.Request) -> dict[str, Any] | None:
    """Read a JSON object from a request; None for anything else."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
