"""POST /telegram/webhook: an update is acknowledged once it is durable."""

import hmac
from collections.abc import Sequence
from functools import cache
from time import perf_counter

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from service.flows.accept_update import Inbox
from service.flows.answer_pre_checkout import accept_pre_checkout
from service.flows.read_update import read_update
from service.flows.web_deps import WebDeps
from service.metrics import WEBHOOK_ANSWERS, WEBHOOK_SECONDS
from service.web.answers import OK
from service.web.bodies import find_header
from service.web.intake import Traffic, take_post

#: Finding a counter by its label costs more than counting.
count_answer = cache(WEBHOOK_ANSWERS.labels)

PATH = "/telegram/webhook"
_SECRET_HEADER = b"x-telegram-bot-api-secret-token"


def telegram_webhook_route(
    deps: WebDeps, inbox: Inbox, traffic: Traffic, *, secrets: Sequence[str]
) -> ASGIRouteHandler:
    """Make the route; without secrets (polling) every request is refused."""
    expected = [secret.encode() for secret in secrets]

    async def take(body: bytes) -> int:
        envelope = read_update(body)
        if envelope.pre_checkout_query is not None:
            await accept_pre_checkout(deps, envelope.pre_checkout_query, envelope.update)
        else:
            await inbox.accept(envelope.update)
        return OK

    # A raw route: Litestar's request and response objects would cost more than all the rest.
    @asgi(PATH, copy_scope=False)
    async def telegram_webhook(scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        given = find_header(scope, _SECRET_HEADER) or b""
        # Every secret is compared, so that the time tells nothing: a sum never stops early.
        allowed = sum(hmac.compare_digest(secret, given) for secret in expected) > 0
        status = await take_post(scope, receive, send, traffic, allowed=allowed, take=take)
        WEBHOOK_SECONDS.observe(perf_counter() - started)
        count_answer(status).inc()

    return telegram_webhook
