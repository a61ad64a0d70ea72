"""A door between the product and a stub: it can be shut, and whoever passes is looked at."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

PASS_LIMIT_S = 30


class FrontDoor:
    """Passes requests on to `target`; while shut nothing listens there, as with a host away."""

    def __init__(self) -> None:
        self.target = ""
        self.at_each: Callable[[str], Awaitable[None]] | None = None
        self._port = 0
        self._is_shut = False

    async def __aenter__(self) -> Self:
        limit = aiohttp.ClientTimeout(total=PASS_LIMIT_S)
        self._session = aiohttp.ClientSession(timeout=limit, auto_decompress=False)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.route("*", "/{path:.*}", self._pass)])
        self._server = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._server.setup()
        await self.open()
        self._port = self._server.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.cleanup()
        await self._session.close()

    @property
    def url(self) -> str:
        """The address the product is given instead of the stub's."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Let requests pass."""
        self._is_shut = False
        self._site = web.TCPSite(self._server, "127.0.0.1", self._port)
        await self._site.start()

    async def shut(self) -> None:
        """Refuse every connection, and cut those that are open already."""
        self._is_shut = True
        await self._site.stop()

    async def _pass(self, request: web.Request) -> web.Response:
        if self._is_shut and request.transport is not None:
            request.transport.abort()
            return web.Response(status=503)
        name = request.path.rpartition("/")[2]
        if self.at_each is not None:
            await self.at_each(name)
        if not self.target:
            return web.Response(status=503)
        body = await request.read()
        kept = ("Content-Type", "Authorization", "User-Agent")
        headers = {key: request.headers[key] for key in kept if key in request.headers}
        async with self._session.request(
            request.method, self.target + request.path_qs, data=body, headers=headers
        ) as answer:
            content = await answer.read()
            return web.Response(
                status=answer.status, body=content, headers={"Content-Type": answer.content_type}
            )
