"""Callbacks as KIE sends them: signed when a key is set, retried, and now and then wrong."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog

from service.stubs.kie_records import callback_of, changed_callback_of
from service.stubs.kie_state import Delivery, StubState, StubTask

ANSWER_LIMIT_S = 15.0
RETRY_DELAYS_S = (10.0, 30.0, 60.0)
# A receiver's own work isn't scaled, so however fast the stub runs it gets this long.
SHORTEST_LIMIT_S = 0.5
OLD_SIGNATURE_AGE_S = 3600
CONNECT_LIMIT_S = 5.0

log = structlog.get_logger(__name__)


def signature_of(*, hmac_key: str, task_id: str, timestamp_s: int) -> str:
    """Sign as KIE does: task id and time only, the body isn't covered."""
    message = f"{task_id}.{timestamp_s}".encode()
    digest = hmac.new(hmac_key.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class CallbackSender:
    """Delivers the callback of an ended task; nobody waits for it but the task's own runner."""

    def __init__(self, state: StubState, session: aiohttp.ClientSession) -> None:
        self._state = state
        self._session = session

    async def send(self, task: StubTask) -> None:
        """Send what the task's scenarios ask for, retries included."""
        if task.callback_url is not None and task.scenarios.get("T10") is None:
            await self._send_copies(task, task.callback_url)

    async def _send_copies(self, task: StubTask, url: str) -> None:
        late = task.scenarios.get("T11")
        if late is not None:
            await asyncio.sleep(self._state.scaled(float(late.variant)))
        if task.scenarios.variant("T13") == "unknown":
            stranger = {**callback_of(task), "data": {"taskId": "f" * 32, "state": "success"}}
            await self._deliver_with_retries(task, url, stranger)
        body = callback_of(task)
        if task.scenarios.variant("T15") == "changed":
            body = changed_callback_of(task)
        copies = task.scenarios.variant("T12") or "1"
        if copies == "together":
            await asyncio.gather(*(self._deliver_with_retries(task, url, body) for _ in range(3)))
            return
        for _ in range(int(copies)):
            await self._deliver_with_retries(task, url, body)

    async def _deliver_with_retries(
        self, task: StubTask, url: str, body: Mapping[str, Any]
    ) -> None:
        for delay_s in (*RETRY_DELAYS_S, None):
            status = await self._deliver(task, url, body)
            task.called_back.set()
            if status == HTTPStatus.OK and not task.scenarios.get("T16"):
                return
            if task.scenarios.variant("T16") == "hang":
                await asyncio.sleep(self._answer_limit_s())
            if delay_s is not None:
                await asyncio.sleep(self._state.scaled(delay_s))
        log.warning("kie_stub_callback_given_up", task_id=task.task_id)

    async def _deliver(self, task: StubTask, url: str, body: Mapping[str, Any]) -> int | None:
        headers = {"Content-Type": "application/json", **self._signature_headers(task, body)}
        status: int | None = None
        try:
            async with self._session.post(
                url,
                data=json.dumps(body),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=self._answer_limit_s(), connect=CONNECT_LIMIT_S
                ),
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            status = None
        task.callbacks.append(Delivery(body=body, headers=headers, status=status))
        return status

    def _answer_limit_s(self) -> float:
        return max(self._state.scaled(ANSWER_LIMIT_S), SHORTEST_LIMIT_S)

    def _signature_headers(self, task: StubTask, body: Mapping[str, Any]) -> dict[str, str]:
        hmac_key = self._state.hmac_key
        flaw = task.scenarios.variant("T15")
        if hmac_key is None or flaw == "missing":
            return {}
        timestamp_s = int(time.time()) - (OLD_SIGNATURE_AGE_S if flaw == "old" else 0)
        signature = signature_of(
            hmac_key=hmac_key + "-wrong" if flaw == "wrong" else hmac_key,
            task_id=_id_in(body),
            timestamp_s=timestamp_s,
        )
        return {"X-Webhook-Timestamp": str(timestamp_s), "X-Webhook-Signature": signature}


def _id_in(body: Mapping[str, Any]) -> str:
    data = body["data"]
    return str(data.get("taskId") or data.get("task_id") or body.get("taskId"))
