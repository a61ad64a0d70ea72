"""Fetches updates where Telegram can't reach us; they go the same way in as the webhook's."""

import asyncio
from typing import Any

import msgspec
import structlog

from service.errors import PermanentError, TransientError
from service.flows.accept_update import Inbox
from service.flows.answer_pre_checkout import accept_pre_checkout
from service.flows.read_update import read_update
from service.flows.register_webhook import ALLOWED_UPDATES, call_in_time
from service.flows.web_deps import WebDeps

log = structlog.get_logger(__name__)

POLL_S = 25
POLL_MARGIN_S = 15.0
PAGE_SIZE = 100
RETRY_FIRST_S = 1.0
RETRY_LAST_S = 30.0


class Poller:
    """Asks Telegram for updates; the offset moves only after the rows are committed."""

    def __init__(self, deps: WebDeps, inbox: Inbox, *, poll_s: int = POLL_S) -> None:
        self._deps = deps
        self._inbox = inbox
        self._poll_s = poll_s
        self._offset: int | None = None
        #: None until Telegram was asked.
        self.is_sound: bool | None = None

    async def run(self) -> None:
        """Poll until cancelled; every failure is retried, later each time."""
        await self._deps.database.migrated.wait()
        wait_s = RETRY_FIRST_S
        is_webhook_removed = False
        while True:
            try:
                if not is_webhook_removed:
                    await call_in_time(self._deps, "deleteWebhook", {})
                    is_webhook_removed = True
                await self.poll_once()
                self.is_sound, wait_s = True, RETRY_FIRST_S
            except (TransientError, PermanentError) as error:
                log.warning("updates_not_polled", error=type(error).__name__)
                self.is_sound = False
                # Somebody may have set a webhook meanwhile: it is removed anew.
                is_webhook_removed = is_webhook_removed and isinstance(error, TransientError)
                await asyncio.sleep(wait_s * self._deps.time_factor)
                wait_s = min(wait_s * 2, RETRY_LAST_S)

    async def poll_once(self) -> int:
        """Fetch a page and keep it; gives how many updates came."""
        parameters: dict[str, Any] = {
            "timeout": self._poll_s,
            "limit": PAGE_SIZE,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        if self._offset is not None:
            parameters["offset"] = self._offset
        page = await call_in_time(
            self._deps, "getUpdates", parameters, limit_s=self._poll_s + POLL_MARGIN_S
        )
        if not isinstance(page, list):
            raise TransientError("Telegram answered getUpdates without a list")
        results = await asyncio.gather(
            *(self._accept(update) for update in page), return_exceptions=True
        )
        # All have ended before one that failed holds the offset back.
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if ids := [result for result in results if isinstance(result, int)]:
            self._offset = 1 + max(ids)
        return len(page)

    async def _accept(self, update: Any) -> int | None:
        """Keep one update, give its id; a TransientError means that it must come again."""
        try:
            envelope = read_update(msgspec.json.encode(update))
            if envelope.pre_checkout_query is not None:
                await accept_pre_checkout(self._deps, envelope.pre_checkout_query, envelope.update)
            else:
                await self._inbox.accept(envelope.update)
        except PermanentError as error:
            # Asking for it again would bring it again, and nothing behind it.
            log.error("update_skipped", error=type(error).__name__)  # noqa: TRY400 - its text is user's
            update_id = update.get("update_id") if isinstance(update, dict) else None
            return update_id if isinstance(update_id, int) else None
        return envelope.update.update_id
