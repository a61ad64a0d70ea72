"""A load balancer of the tests' own: connections go to several ports in turn."""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import cycle
from typing import Self

CHUNK_BYTES = 64 * 1024


class Forwarder:
    """Hands each new connection to the next of its ports, whoever answers there."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a server serves in tasks"
        self._serving.add(task)
        writers = [writer]
        try:
            behind = await asyncio.open_connection("127.0.0.1", next(self._ports))
            writers.append(behind[1])
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, behind[1]))
                both.create_task(_carry(behind[0], writer))
        except* OSError:
            pass  # One side broke off: so does the other.
        finally:
            self._serving.discard(task)
            for each in writers:
                await _close(each)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK_BYTES):
        target.write(data)
        await target.drain()
    target.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
