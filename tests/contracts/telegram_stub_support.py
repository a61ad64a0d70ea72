"""Raw HTTP towards the Telegram stub, and a webhook that answers as a test tells it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp import web
from PIL import Image

from service.stubs.telegram_person import Person
from service.stubs.telegram_server import TelegramStub, TelegramStubOptions
from service.stubs.telegram_watchers import Watchers

PERSON_ID = 111111111
TIMEOUT = aiohttp.ClientTimeout(total=20)


@dataclass
class Answer:
    """What came back: HTTP status, decoded body, headers."""

    status: int
    body: Any
    headers: Any

    @property
    def result(self) -> Any:
        assert self.body["ok"] is True, self.body
        return self.body["result"]

    @property
    def refusal(self) -> tuple[int, str]:
        assert self.body["ok"] is False, self.body
        assert self.body["error_code"] == self.status
        return self.status, self.body["description"]


@dataclass
class Api:
    """A stub, one person, and calls in plain HTTP."""

    stub: TelegramStub
    session: aiohttp.ClientSession
    person: Person

    def address(self, method: str) -> str:
        return f"{self.stub.url}/bot{self.stub.options.bot_token}/{method}"

    async def call(self, method: str, **values: Any) -> Answer:
        """POST a JSON body."""
        return await self.request("POST", self.address(method), json=values)

    async def say(self, text: str = "hello", **values: Any) -> Answer:
        """sendMessage to the person."""
        return await self.call("sendMessage", chat_id=PERSON_ID, text=text, **values)

    async def upload(
        self, method: str, files: dict[str, tuple[str, bytes]], **values: Any
    ) -> Answer:
        """POST a multipart form."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in ({"chat_id": PERSON_ID} | values).items():
            form.add_field(name, value if isinstance(value, str) else json.dumps(value))
        for name, (file_name, data) in files.items():
            form.add_field(name, BytesIO(data), filename=file_name)
        return await self.request("POST", self.address(method), data=form)

    async def request(self, verb: str, url: str, **options: Any) -> Answer:
        async with self.session.request(verb, url, **options) as response:
            return Answer(response.status, await response.json(), response.headers)

    async def invoice(self, method: str = "sendInvoice", **changes: Any) -> Answer:
        """An invoice that is right but for the changes."""
        values: dict[str, Any] = {
            "chat_id": PERSON_ID,
            "title": "250 credits",
            "description": "Credits for pictures",
            "payload": "order:7f3a9c",
            "provider_token": "",
            "currency": "XTR",
            "prices": [{"label": "250 credits", "amount": 250}],
        }
        return await self.call(method, **(values | changes))

    async def poll_until(self, condition: Callable[[], object]) -> None:
        """Return once something holds that nobody announces."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)

    async def wait_for_poll(self) -> None:
        """Return once a getUpdates waits at the server."""
        await self.poll_until(lambda: self.stub.world.updates._poll)

    async def updates(self, offset: int = 0, *, timeout_s: int = 10) -> list[dict[str, Any]]:
        """One getUpdates."""
        answer = await self.call("getUpdates", offset=offset, timeout=timeout_s)
        return list(answer.result)


@asynccontextmanager
async def running_stub(**options: Any) -> AsyncIterator[Api]:
    """A stub with one person who pressed Start."""
    async with (
        TelegramStub(TelegramStubOptions(**options)) as stub,
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
    ):
        person = stub.person(PERSON_ID, first_name="Иван", username="ivan_p", language_code="ru")
        yield Api(stub, session, person)


Respond = Callable[[dict[str, Any]], Awaitable[web.Response]]


@dataclass
class Webhook:
    """A bot's side that notes what arrives."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    open_now: int = 0
    open_most: int = 0
    watchers: Watchers = field(default_factory=Watchers)

    def texts(self) -> list[str]:
        return [each["message"]["text"] for each in self.received if "message" in each]

    async def wait_for(self, count: int) -> None:
        await self.watchers.until(
            lambda: len(self.received) >= count, timeout_s=10, what=f"update number {count}"
        )


async def accept(_update: dict[str, Any]) -> web.Response:
    return web.Response()


@asynccontextmanager
async def running_webhook(respond: Respond = accept) -> AsyncIterator[Webhook]:
    """A webhook that answers each update by `respond`."""
    webhook = Webhook()

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        webhook.bodies.append(body)
        webhook.headers.append(request.headers)
        webhook.received.append(json.loads(body))
        webhook.open_now += 1
        webhook.open_most = max(webhook.open_most, webhook.open_now)
        webhook.watchers.changed()
        try:
            return await respond(webhook.received[-1])
        finally:
            webhook.open_now -= 1

    app = web.Application()
    app.router.add_post("/telegram/webhook", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    webhook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram/webhook"
    try:
        yield webhook
    finally:
        await runner.cleanup()


@asynccontextmanager
async def hooked_stub(
    respond: Respond = accept, *, secret_token: str = "", **options: Any
) -> AsyncIterator[tuple[Api, Webhook]]:
    """A stub that delivers to a webhook."""
    async with running_webhook(respond) as webhook, running_stub(**options) as api:
        values = {"secret_token": secret_token} if secret_token else {}
        answer = await api.call("setWebhook", url=webhook.url, **values)
        assert answer.result is True
        yield api, webhook


def keyboard(*buttons: dict[str, Any]) -> dict[str, Any]:
    """An inline keyboard with one button in each row."""
    return {"inline_keyboard": [[button] for button in buttons]}


def picture(width: int = 64, height: int = 48, kind: str = "PNG") -> bytes:
    """A real picture."""
    buffer = BytesIO()
    Image.new("RGB", (width, height), (200, 90, 40)).save(buffer, kind)
    return buffer.getvalue()


def padded_picture(size_bytes: int) -> bytes:
    """A real JPEG of exactly this many bytes."""
    data = picture(kind="JPEG")
    return data + b"\0" * (size_bytes - len(data))
