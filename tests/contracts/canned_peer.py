"""A peer on loopback that says exactly what a test tells it to: any bytes, silence, or a cut."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

CUT = b""


@dataclass
class CannedPeer:
    """Answers each request with the next thing to say; silent when there is nothing."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    said: deque[bytes] = field(default_factory=deque)
    keeps_connections: bool = False
    connections: int = 0
    open_at_once_max: int = 0
    _open: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, status: int, body: Any, **headers: str) -> None:
        """Plan an answer; anything but text and bytes is sent as JSON."""
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        content = text if isinstance(text, bytes) else text.encode()
        self.say_raw(status, content, **{"Content-Length": str(len(content)), **headers})

    def say_raw(self, status: int, content: bytes, **headers: str) -> None:
        """Plan an answer with exactly these headers, then the end of the connection."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection = "keep-alive" if self.keeps_connections else "close"
        head = f"HTTP/1.1 {status} Said\r\nConnection: {connection}\r\n{lines}\r\n"
        self.said.append(head.encode() + content)

    def cut(self) -> None:
        """Plan to cut the connection instead of answering."""
        self.said.append(CUT)

    def release(self) -> None:
        """Let those who wait for an answer go without one."""
        self._released.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        self.open_at_once_max = max(self.open_at_once_max, self._open)
        try:
            await self._answer_next(reader, writer)
            while self.keeps_connections:
                await self._answer_next(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _answer_next(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.requests.append(await _read_request(reader))
        if not self.said:
            await self._released.wait()
        elif said := self.said.popleft():
            writer.write(said)
            await writer.drain()
        else:
            writer.transport.abort()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def canned_peer() -> AsyncIterator[CannedPeer]:
    peer = CannedPeer()
    server = await asyncio.start_server(peer.answer, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        peer.release()
        server.close()
        await server.wait_closed()
