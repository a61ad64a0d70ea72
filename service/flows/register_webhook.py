"""Tells Telegram where updates go, and notices when somebody tells it otherwise."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from service.errors import PermanentError, TransientError
from service.flows.web_deps import WebDeps

log = structlog.get_logger(__name__)

#: Exactly what the code handles: what is left out here never arrives.
ALLOWED_UPDATES = (
    "message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member",
)  # fmt: skip
CONNECTIONS_MAX = 40
CHECK_S = 60.0
RETRY_FIRST_S = 1.0
RETRY_LAST_S = 60.0
CALL_LIMIT_S = 10.0


class Registration:
    """Keeps the webhook registered; `is_sound` is what /health asks."""

    def __init__(self, deps: WebDeps, *, public_url: str, secret: str) -> None:
        self._deps = deps
        self._url = f"{public_url}/telegram/webhook"
        self._secret = secret
        self._was_set = False
        #: None until Telegram was asked.
        self.is_sound: bool | None = None

    async def run(self) -> None:
        """Register, then look once a minute; every failure is retried, later each time."""
        wait_s = RETRY_FIRST_S
        while True:
            try:
                await self.register()
                wait_s = RETRY_FIRST_S
                await self._sleep(CHECK_S)
            except (TransientError, PermanentError) as error:
                log.warning("webhook_not_registered", error=type(error).__name__)
                self.is_sound = False
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_LAST_S)

    async def register(self) -> None:
        """Set the webhook, unless Telegram has it already.

        The secret can't be read back and may have been rotated, so after a start it is set in any
        case; Telegram takes a repeat for what it is. Later on what differs was changed by somebody
        else: it is set again, and /health stays amber until the next look.
        """
        is_first = not self._was_set
        if not is_first and await self.check():
            return
        await self._call(
            "setWebhook",
            {
                "url": self._url,
                "secret_token": self._secret,
                "max_connections": CONNECTIONS_MAX,
                "allowed_updates": list(ALLOWED_UPDATES),
            },
        )
        self._was_set = True
        if is_first:
            await self.check()
        log.info("webhook_registered", again=not is_first)

    async def check(self) -> bool:
        """Tell whether Telegram has what we registered."""
        info = await self._call("getWebhookInfo", {})
        self.is_sound = (
            isinstance(info, Mapping)
            and info.get("url") == self._url
            and set(info.get("allowed_updates") or ()) == set(ALLOWED_UPDATES)
        )
        return self.is_sound

    async def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        return await call_in_time(self._deps, method, parameters)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._deps.time_factor)


async def call_in_time(
    deps: WebDeps, method: str, parameters: dict[str, Any], *, limit_s: float = CALL_LIMIT_S
) -> Any:
    """Make a call with a hard limit of ours, whatever the client's own is."""
    try:
        async with asyncio.timeout(limit_s):
            return await deps.messenger.call(method, parameters)
    except TimeoutError as error:
        raise TransientError(f"Telegram did not answer {method} in time") from error
