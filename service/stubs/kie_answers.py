"""KIE's envelope: HTTP 200 with the real status as `code` in the body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

FREQUENCY = "Your call frequency is too high. Please try again later."
INSUFFICIENT = (
    "Credits insufficient : Your current balance isn't enough to run this request. "
    "Please top up to continue."
)
INSUFFICIENT_OLD = "The current credits are insufficient. Please top up."
MAINTENANCE = "The service is under maintenance. Please try again later."
PAUSED = "This interface is temporarily paused."
SERVER_EXCEPTION = "Server exception, please try again later or contact customer service"
UNAUTHORIZED = (
    "Unauthorized – Authentication failed. Please check that your Authorization and "  # noqa: RUF001  KIE's own dash.
    "Content-Type headers are correctly set."
)
UNKNOWN_MODEL = (
    "The model name you specified is not supported. Please verify your input and use one of "
    "the supported models provided by KIE."
)


@dataclass(frozen=True)
class Refusal:
    """Why KIE says no: the code of its body and the message."""

    code: int
    msg: str


def json_answer(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a JSON body, spelled as KIE spells its content type."""
    return web.Response(
        text=json.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="UTF-8",
    )


def ok(data: Any) -> web.Response:
    """Answer code 200 with this data."""
    return json_answer({"code": 200, "msg": "success", "data": data})


def refused(refusal: Refusal, *, status: int = 200) -> web.Response:
    """Answer a refusal: data is there and null."""
    return json_answer({"code": refusal.code, "msg": refusal.msg, "data": None}, status=status)


def unauthorized() -> web.Response:
    """Answer 401 the way KIE does: HTTP 200 and no `data` at all."""
    return json_answer({"code": 401, "msg": UNAUTHORIZED})


def too_frequent(style: str) -> web.Response:
    """Answer 429 as a body code, as bare HTTP status, or with Retry-After."""
    body = {"code": 429, "msg": FREQUENCY, "data": None}
    match style:
        case "http":
            return json_answer(body, status=429)
        case "http_retry_after":
            return json_answer(body, status=429, headers={"Retry-After": "1"})
        case _:
            return json_answer(body)


def bad_gateway() -> web.Response:
    """Answer like a gateway whose server is gone: HTTP 502 with HTML."""
    page = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
    return web.Response(text=page, status=502, content_type="text/html")


def blocked_agent() -> web.Response:
    """Answer like Cloudflare blocking an agent: HTTP 403 with plain text."""
    return web.Response(text="error code: 1010", status=403, content_type="text/plain")
