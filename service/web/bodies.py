"""Raw ASGI: a header, and a body of bounded size and time."""

import asyncio
from enum import Enum, auto

from litestar.types import Receive, Scope

BODY_MAX_BYTES = 1024 * 1024
#: A client that dribbles its body is not waited for longer than this.
BODY_LIMIT_S = 30.0


class NoBody(Enum):
    """Why there is no body."""

    TOO_LARGE = auto()
    TOO_SLOW = auto()
    GONE = auto()


def find_header(scope: Scope, name: bytes) -> bytes | None:
    """Give the first header of this (lower case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


async def read_body(scope: Scope, receive: Receive, *, is_known: bool) -> bytes | NoBody:
    """Read a body of at most 1 MiB, declared or not.

    A sender who is known by a secret is not timed: a timer costs as much as reading the update.
    """
    declared = find_header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > BODY_MAX_BYTES:
        return NoBody.TOO_LARGE
    if is_known:
        return await _read_all(receive)
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            return await _read_all(receive)
    except TimeoutError:
        return NoBody.TOO_SLOW


async def _read_all(receive: Receive) -> bytes | NoBody:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return NoBody.GONE
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX_BYTES:
            return NoBody.TOO_LARGE
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else chunk
