"""The web process served over real HTTP in the test's own loop, with the outside recorded."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from litestar import Litestar

from service.app import _Server, _uvicorn_config, create_app
from service.bells import Bell, ProbeProvider
from service.settings import Settings
from service.web.express import express

SECRET = "new-secret"
OLD_SECRET = "old-secret"
#: What a test waits for at most; reached only when it fails.
PATIENCE_S = 20


@dataclass
class RecordedBells:
    """Bells as they were rung."""

    rung: list[Bell] = field(default_factory=list)
    is_up: bool = True
    #: A web process asks for KIE's credit at its own pace; most tests are about other bells.
    with_probes: bool = True

    def ring_soon(self, bell: Bell) -> None:
        if self.with_probes or not isinstance(bell, ProbeProvider):
            self.rung.append(bell)


@dataclass
class ScriptedTelegram:
    """Telegram that answers what the test put down: a value, or an error to raise."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, list[Any]] = field(default_factory=dict)

    async def call(self, method: str, parameters: Any, *, files: Any = None) -> Any:
        self.calls.append((method, dict(parameters)))
        queued = self.answers.get(method, [])
        answer = queued.pop(0) if queued else True
        if isinstance(answer, Exception):
            raise answer
        if asyncio.iscoroutinefunction(answer):
            return await answer()
        return answer

    def named(self, method: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == method]


@dataclass
class WebProcess:
    """A web process that listens, and a client for it."""

    app: Litestar
    base: str
    client: aiohttp.ClientSession
    bells: RecordedBells
    telegram: ScriptedTelegram

    async def post_update(self, body: Any, *, secret: str | None = SECRET) -> int:
        """Post an update as Telegram does; gives the status."""
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with self._post("/telegram/webhook", body, headers) as answer:
            await answer.read()
            return answer.status

    async def post_callback(self, token: str, body: Any, **headers: str) -> int:
        """Post a callback as KIE does; gives the status."""
        async with self._post(f"/kie/callback/{token}", body, headers) as answer:
            await answer.read()
            return answer.status

    async def get(self, path: str) -> tuple[int, Any]:
        """Get a page of JSON, or of text."""
        async with self.client.get(self.base + path) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await (answer.json() if is_json else answer.text())

    def _post(self, path: str, body: Any, headers: dict[str, str]):
        if isinstance(body, bytes):
            return self.client.post(self.base + path, data=body, headers=headers)
        return self.client.post(self.base + path, json=body, headers=headers)


def make_settings(database_url: str, **variables: str) -> Settings:
    """Give settings of a webhook deployment on loopback."""
    environ = {
        "TELEGRAM_BOT_TOKEN": "123456789:AAbbCCddEEffGG",
        "TELEGRAM_WEBHOOK_SECRET": f"{SECRET},{OLD_SECRET}",
        "PUBLIC_URL": "https://kartina.example",
        "KIE_API_KEY": "kie-key",
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        **variables,
    }
    return Settings.load({name: value for name, value in environ.items() if value})


@asynccontextmanager
async def serving(
    database_url: str, *, bells: Any = None, telegram: ScriptedTelegram | None = None,
    **variables: str,
) -> AsyncIterator[WebProcess]:  # fmt: skip
    """Serve a web process until the block ends."""
    recorded = bells or RecordedBells(with_probes=False)
    telegram = telegram or ScriptedTelegram()
    app = create_app(make_settings(database_url, **variables), bells=recorded, messenger=telegram)
    async with serving_app(app, bells=recorded, telegram=telegram) as web:
        yield web


@asynccontextmanager
async def serving_app(
    app: Litestar, *, bells: Any = None, telegram: Any = None
) -> AsyncIterator[WebProcess]:
    """Serve any application of ours on a free port of loopback."""
    served = express(app, app.state.web.webhook) if "web" in app.state else app
    server = _Server(_uvicorn_config(served))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started or running.done())
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with aiohttp.ClientSession() as client:
            try:
                yield WebProcess(app, base, client, bells, telegram)
            finally:
                server.should_exit = True
                await running


@asynccontextmanager
async def ready_web(database_url: str, **options: Any) -> AsyncIterator[WebProcess]:
    """Serve a web process whose database is open."""
    async with serving(database_url, **options) as web:
        async with asyncio.timeout(PATIENCE_S):
            await web.app.state.web.deps.database.migrated.wait()
        yield web


async def until(condition: Any, *, limit_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds: a function, or a coroutine function."""
    async with asyncio.timeout(limit_s):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.02)


def dead_url() -> str:
    """Give an address where no PostgreSQL listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"postgresql://nobody@127.0.0.1:{port}/nothing"
