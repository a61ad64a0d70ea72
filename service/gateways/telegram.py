"""The Bot API client: one call, its time limit, and the error it means for us."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Self

import aiohttp
import msgspec
import structlog

from service.errors import TransientError
from service.gateways.http import (
    Answer,
    Observe,
    Silence,
    Wire,
    decode_json,
    ignore_call,
    observed,
    seconds_to_wait,
    user_agent,
)
from service.ports import MessengerRefusedError, UnreachableError, Upload

log = structlog.get_logger(__name__)

_NO_FILES: Mapping[str, Upload] = MappingProxyType({})
_REFUSING = frozenset({400, 401, 404, 409, 413})
_FORBIDDEN = 403
_TOO_MANY = 429
_POLL_MARGIN_S = 10
# Telegram's core spells some refusals in capitals, and those come as 400 instead of 403.
_GONE = ("chat not found", "user_is_blocked", "input_user_deactivated", "user is deactivated")


class TelegramClient:
    """Calls the Bot API; keeps the promises of `ports.Messenger`.

    The token lives in the address only, so no error and no log line holds an address.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        dry_run: bool = False,
        connect_s: float = 5,
        call_s: float = 10,
        upload_s: float = 120,
        observe: Observe = ignore_call,
    ) -> None:
        self._address = f"{base_url.rstrip('/')}/bot{token}/"
        self._dry_run = dry_run
        self._call_s = call_s
        self._upload_s = upload_s
        self._observe = observe
        self._wire = Wire(headers={"User-Agent": user_agent()}, connect_s=connect_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; safe to repeat."""
        await self._wire.close()

    async def call(
        self,
        method: str,
        parameters: Mapping[str, Any],
        *,
        files: Mapping[str, Upload] = _NO_FILES,
    ) -> Any:
        """Make a call, give its `result`; a parameter that is None is left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        if self._dry_run and not method.lower().startswith("get"):
            log.info("dry_run_call", peer="telegram", method=method)
            return _plausible_result(method, given)
        with observed(self._observe, peer="telegram", method=method):
            if files:
                heard = await self._upload(method, given, files)
            else:
                heard = await self._send(method, given)
            return _result_of(method, heard)

    async def _send(self, method: str, parameters: Mapping[str, Any]) -> Answer | Silence:
        total_s = self._call_s
        if method.lower() == "getupdates":
            total_s = float(parameters.get("timeout", 0)) + _POLL_MARGIN_S
        return await self._wire.exchange(
            "POST", self._address + method, total_s=total_s,
            body=msgspec.json.encode(parameters), content_type="application/json",
        )  # fmt: skip

    async def _upload(
        self, method: str, parameters: Mapping[str, Any], files: Mapping[str, Upload]
    ) -> Answer | Silence:
        with ExitStack() as opened:
            form = await asyncio.to_thread(_form, parameters, files, opened)
            return await self._wire.exchange(
                "POST", self._address + method, total_s=self._upload_s, body=form
            )


def _form(
    parameters: Mapping[str, Any], files: Mapping[str, Upload], opened: ExitStack
) -> aiohttp.FormData:
    """Put the call into parts; files are read from disk while they are sent."""
    form = aiohttp.FormData()
    for name, value in parameters.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        form.add_field(name, text)
    for name, upload in files.items():
        try:
            stream = opened.enter_context(upload.path.open("rb"))
        except OSError:
            raise MessengerRefusedError(
                f"Our copy of {upload.file_name} can't be read; fetch it again."
            ) from None
        form.add_field(
            name, stream, filename=upload.file_name, content_type="application/octet-stream"
        )
    return form


def _result_of(method: str, heard: Answer | Silence) -> Any:
    if isinstance(heard, Silence):
        raise TransientError(f"Telegram did not answer {method} ({heard.cause}).")
    try:
        body = decode_json(heard.body)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        raise TransientError(f"Telegram answered {method} with HTTP {heard.status} and no sense.")
    if body["ok"]:
        return body.get("result")
    raise _error_of(method, heard, body)


def _error_of(method: str, answer: Answer, body: Mapping[str, Any]) -> Exception:
    """Tell what a refusal means for us; the body's code counts before the HTTP status."""
    code = body.get("error_code", answer.status)
    description = str(body.get("description", f"{method} was refused with code {code}"))
    if code == _TOO_MANY:
        more = body.get("parameters")
        named = more.get("retry_after") if isinstance(more, dict) else None
        return TransientError(
            f"Telegram asks to wait with {method}.",
            retry_after=seconds_to_wait(named) or answer.retry_after,
        )
    if code == _FORBIDDEN or any(word in description.lower() for word in _GONE):
        return UnreachableError(description)
    if code in _REFUSING:
        return MessengerRefusedError(description)
    return TransientError(f"Telegram failed at {method} with code {code}.")


def _plausible_result(method: str, parameters: Mapping[str, Any]) -> Any:
    """Invent what Telegram would give, so that DRY_RUN walks the same way."""
    message = {
        "message_id": 0,
        "date": 0,
        "chat": {"id": parameters.get("chat_id", 0), "type": "private"},
    }
    kind = method.lower()
    if kind in {"sendmediagroup", "copymessages", "forwardmessages"}:
        return [message for _ in parameters.get("media", parameters.get("message_ids", ()))]
    if kind == "createinvoicelink":
        return "https://t.me/$dry_run"
    if kind == "sendchataction" or not kind.startswith(("send", "edit", "copy", "forward")):
        return True
    return message
