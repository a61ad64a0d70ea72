"""Speaks plain HTTP to a running KIE stub, and receives its callbacks; no client of ours."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from service.stubs.kie_server import KieStub, KieStubOptions

API_KEY = "raw-test-key"
FAST = 0.002
DEADLINE_S = 10.0


@dataclass
class Receiver:
    """A callback address: keeps what came, answers with `status`, or hangs."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        if self.hangs:
            await self.released.wait()
        return web.json_response({"code": 200, "msg": "success"}, status=self.status)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post("/kie/callback/token", receiver.handle)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/kie/callback/token"
    try:
        yield receiver
    finally:
        receiver.released.set()
        await runner.cleanup()


@dataclass
class RawKie:
    """One stub and one HTTP session."""

    stub: KieStub
    session: aiohttp.ClientSession
    api_key: str = API_KEY

    async def call(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with self.session.request(
            method, self.stub.url + path, headers=headers, **arguments
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def create(
        self,
        prompt: str = "a red apple",
        *,
        model: str = "z-image",
        callback: str = "",
        **given: Any,
    ) -> tuple[int, Any]:
        shape = {"aspect_ratio": "1:1"} if model == "z-image" else {}
        body: dict[str, Any] = {"model": model, "input": {"prompt": prompt, **shape, **given}}
        if callback:
            body["callBackUrl"] = callback
        return await self.call("POST", "/api/v1/jobs/createTask", json=body)

    async def created(self, prompt: str = "a red apple", **arguments: Any) -> str:
        _, body = await self.create(prompt, **arguments)
        assert body["code"] == 200, body
        return str(body["data"]["taskId"])

    async def poll(self, task_id: str) -> tuple[int, Any]:
        return await self.call("GET", "/api/v1/jobs/recordInfo", params={"taskId": task_id})

    async def ended(self, task_id: str) -> dict[str, Any]:
        """Let the task end and give its record."""
        self.stub.finish(task_id)
        await until(lambda: self.stub.tasks[task_id].ended)
        _, body = await self.poll(task_id)
        return dict(body["data"])

    async def control(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return await self.call("POST", f"/stub/{path}", json=body)

    async def download(self, url: str) -> tuple[int, str, bytes]:
        async with self.session.get(url) as answer:
            return answer.status, answer.content_type, await answer.read()


@asynccontextmanager
async def raw_kie(**options: Any) -> AsyncIterator[RawKie]:
    chosen = KieStubOptions(**{"api_key": API_KEY, "time_factor": FAST, **options})
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S, connect=2)
    async with KieStub(chosen) as stub, aiohttp.ClientSession(timeout=timeout) as session:
        yield RawKie(stub, session)


async def until(condition: Callable[[], bool]) -> None:
    """Poll a condition until it holds; the deadline is a failure."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "The condition never came true."
        await asyncio.sleep(0.005)


def result_urls(record: dict[str, Any]) -> list[str]:
    """Read the result addresses the way live bodies spell them."""
    return list(json.loads(record["resultJson"])["resultUrls"])
