"""What both intake routes share: method, body, and the answers a sender can act on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeAlias

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from service.errors import PermanentError, TransientError
from service.web.answers import (
    AWAY,
    BAD,
    FORBIDDEN,
    METHOD_NOT_ALLOWED,
    TOO_LARGE,
    TOO_SLOW,
    send_answer,
)
from service.web.bodies import NoBody, read_body

_LOOK_S = 0.05

#: Takes a body in and gives the HTTP status; raises the errors of the flows.
TakeBody: TypeAlias = Callable[[bytes], Awaitable[int]]


@dataclass(slots=True)
class Traffic:
    """Whether anybody still sends something: a stopping process waits until nobody does."""

    open_requests: int = 0
    last_at: float = field(default_factory=monotonic)

    def quiet_s(self) -> float:
        """Tell for how long nothing came; 0 while a request is open."""
        return 0.0 if self.open_requests else monotonic() - self.last_at

    async def become_quiet(self, seconds: float) -> None:
        """Return once nothing has come for so long."""
        while True:
            rest_s = seconds - self.quiet_s()
            if rest_s <= 0:
                return
            await asyncio.sleep(max(rest_s, _LOOK_S))


async def take_post(
    scope: Scope,
    receive: Receive,
    send: Send,
    traffic: Traffic,
    *,
    allowed: bool | None,
    take: TakeBody,
) -> int:
    """Answer a POST: check, read, take in, and say what became of it; gives the status.

    `allowed` None: who sends it can be told only from the body.
    """
    traffic.open_requests += 1
    try:
        status = await _status_of(scope, receive, allowed=allowed, take=take)
        if status:
            await send_answer(send, status)
        return status
    finally:
        traffic.open_requests -= 1
        traffic.last_at = monotonic()


async def _status_of(
    scope: Scope, receive: Receive, *, allowed: bool | None, take: TakeBody
) -> int:
    if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
        return METHOD_NOT_ALLOWED
    if allowed is False:
        return FORBIDDEN
    match await read_body(scope, receive, is_known=allowed is True):
        case NoBody.TOO_LARGE:
            return TOO_LARGE
        case NoBody.TOO_SLOW:
            return TOO_SLOW
        case NoBody.GONE:
            return 0
        case bytes() as body:
            return await _take(take, body)


async def _take(take: TakeBody, body: bytes) -> int:
    try:
        return await take(body)
    except TransientError:
        return AWAY
    except PermanentError:
        return BAD
