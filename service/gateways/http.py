"""What the KIE and Telegram clients share: one exchange over HTTP, told as a value."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any, TypeAlias

import aiohttp

from service.errors import PermanentError, TransientError
from service.ports import KieBusyError, KieUnknownOutcomeError, UnreachableError

# Called after each outside call with peer, method, outcome and seconds.
Observe: TypeAlias = Callable[[str, str, str, float], None]
Body: TypeAlias = bytes | aiohttp.FormData | None

_ANSWER_MAX_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_RETRY_AFTER_MAX_S = 24 * 3600
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer answered, whatever the status."""

    status: int
    body: bytes
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """No whole answer came; `may_have_arrived` is False when the request was surely not sent."""

    cause: str
    may_have_arrived: bool


class Wire:
    """One peer's HTTP session, opened by the first exchange.

    What fails becomes a value, not an exception: aiohttp's errors can hold the address, and
    Telegram's address holds the token.
    """

    def __init__(
        self, *, headers: Mapping[str, str], connect_s: float, keep_alive: bool = True
    ) -> None:
        self._headers = headers
        self._connect_s = connect_s
        self._keep_alive = keep_alive
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self, verb: str, url: str, *, total_s: float, body: Body = None, content_type: str = ""
    ) -> Answer | Silence:
        """Send one request, once, and give the answer or the silence; redirects stay unfollowed."""
        timeout = aiohttp.ClientTimeout(
            total=total_s, connect=self._connect_s, sock_connect=self._connect_s
        )
        headers = {"Content-Type": content_type} if content_type else None
        request = self._opened().request(
            verb, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        )
        try:
            async with request as response:
                content = await _read_capped(response)
                after = seconds_to_wait(response.headers.get("Retry-After"))
        except _NOT_SENT as error:
            return Silence(type(error).__name__, may_have_arrived=False)
        except (aiohttp.ClientError, OSError) as error:  # A timeout is an OSError.
            return Silence(type(error).__name__, may_have_arrived=True)
        if content is None:
            return Silence("an answer without end", may_have_arrived=True)
        return Answer(response.status, content, after)

    async def close(self) -> None:
        """Close the session; safe to repeat."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=not self._keep_alive),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
            )
        return self._session


def user_agent() -> str:
    """Name us to the peer; KIE's front door blocks the default names of libraries."""
    try:
        return f"Kartina/{version('kartina')}"
    except PackageNotFoundError:  # A checkout that was never installed.
        return "Kartina/0"


def decode_json(text: bytes | str, *, exact: bool = False) -> Any:
    """Decode JSON, with `exact` fractions as Decimal; ValueError for anything else."""
    try:
        return json.loads(text, parse_float=Decimal if exact else None)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None


def seconds_to_wait(value: Any) -> timedelta | None:
    """Read a Retry-After in seconds; None for a date or nonsense, at most a day."""
    text = str(value)
    if not text.isascii() or not text.isdigit():
        return None
    return timedelta(seconds=min(int(text[:9]), _RETRY_AFTER_MAX_S))


def ignore_call(peer: str, method: str, outcome: str, seconds: float) -> None:
    """Observe nothing: the default where nobody counts."""


@contextmanager
def observed(observe: Observe, *, peer: str, method: str) -> Iterator[None]:
    """Time the block and report it, with the outcome told from the error that leaves it."""
    started = perf_counter()
    outcome = "ok"
    try:
        yield
    except BaseException as error:
        outcome = _outcome(error)
        raise
    finally:
        observe(peer, method, outcome, perf_counter() - started)


def _outcome(error: BaseException) -> str:
    match error:
        case KieUnknownOutcomeError():
            return "unknown"
        case KieBusyError():
            return "busy"
        case UnreachableError():
            return "unreachable"
        case TransientError():
            return "busy" if error.retry_after else "away"
        case PermanentError():
            return "refused"
        case _:
            return "cancelled"


async def _read_capped(response: aiohttp.ClientResponse) -> bytes | None:
    """Read the body; None when it is larger than any answer of an API."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > _ANSWER_MAX_BYTES:
            return None
    return bytes(content)
