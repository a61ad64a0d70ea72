"""POST /kie/callback/{token}: a callback is acknowledged once it is durable."""

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from service.flows.accept_callback import CallbackDesk, ReceivedCallback, Verdict
from service.web.answers import FORBIDDEN, OK
from service.web.bodies import find_header
from service.web.intake import Traffic, take_post

_REFUSED = frozenset({Verdict.UNKNOWN, Verdict.FORGED})


def kie_callback_route(desk: CallbackDesk, traffic: Traffic) -> ASGIRouteHandler:
    """Make the route."""

    # Mounted, so that the rest of the path is the token: Litestar 2.25 answers 500 on a raw route
    # with a path parameter.
    @asgi("/kie/callback", is_mount=True, copy_scope=False)
    async def kie_callback(scope: Scope, receive: Receive, send: Send) -> None:
        async def take(body: bytes) -> int:
            callback = ReceivedCallback(
                token=scope["path"].strip("/"),
                body=body,
                timestamp=_text(find_header(scope, b"x-webhook-timestamp")),
                signature=_text(find_header(scope, b"x-webhook-signature")),
            )
            return FORBIDDEN if await desk.accept(callback) in _REFUSED else OK

        await take_post(scope, receive, send, traffic, allowed=None, take=take)

    return kie_callback


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")
