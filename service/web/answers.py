"""The few answers of the intake routes, made once: a sender acts on the status alone."""

from dataclasses import dataclass

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Send

OK = 200
BAD = 400
FORBIDDEN = 403
METHOD_NOT_ALLOWED = 405
TOO_SLOW = 408
TOO_LARGE = 413
AWAY = 503


@dataclass(frozen=True, slots=True)
class _Answer:
    start: HTTPResponseStartEvent
    body: HTTPResponseBodyEvent


def _answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> _Answer:
    length = str(len(body)).encode()
    fixed = ((b"content-type", b"application/json"), (b"content-length", length))
    return _Answer(
        {"type": "http.response.start", "status": status, "headers": [*fixed, *headers]},
        {"type": "http.response.body", "body": body, "more_body": False},
    )


_CLOSE = (b"connection", b"close")
_ANSWERS = {
    OK: _answer(OK, b'{"ok":true}'),
    BAD: _answer(BAD, b'{"ok":false,"error":"the body is not what this address takes"}'),
    FORBIDDEN: _answer(
        FORBIDDEN, b'{"ok":false,"error":"the secret, token or signature is wrong"}'
    ),
    METHOD_NOT_ALLOWED: _answer(
        METHOD_NOT_ALLOWED, b'{"ok":false,"error":"only POST is taken here"}', (b"allow", b"POST")
    ),
    TOO_SLOW: _answer(TOO_SLOW, b'{"ok":false,"error":"the body took too long"}', _CLOSE),
    TOO_LARGE: _answer(TOO_LARGE, b'{"ok":false,"error":"the body is over 1 MiB"}', _CLOSE),
    AWAY: _answer(
        AWAY,
        b'{"ok":false,"error":"it could not be stored; send it again"}',
        (b"retry-after", b"1"),
    ),
}


async def send_answer(send: Send, status: int) -> None:
    """Send one of the answers."""
    answer = _ANSWERS[status]
    await send(answer.start)
    await send(answer.body)
