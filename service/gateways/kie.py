"""The KIE client: one request, sent once, and what its answer or its silence means."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

import msgspec
import structlog

from service.gateways.http import (
    Answer,
    Observe,
    Silence,
    Wire,
    ignore_call,
    observed,
    user_agent,
)
from service.gateways.kie_answers import credits_of, report_of, task_id_of
from service.ports import KieAwayError, KieRefusedError, KieUnknownOutcomeError, TaskReport

log = structlog.get_logger(__name__)

_encoder = msgspec.json.Encoder(decimal_format="number")


class KieClient:
    """Calls the jobs API; keeps the promises of `ports.Kie`. Nothing is ever sent twice here."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        dry_run: bool = False,
        connect_s: float = 5,
        create_s: float = 30,
        read_s: float = 15,
        observe: Observe = ignore_call,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._dry_run = dry_run
        self._create_s = create_s
        self._read_s = read_s
        self._observe = observe
        headers = {"User-Agent": user_agent(), "Authorization": f"Bearer {api_key}"}
        # A kept connection may be closed by KIE in the moment we write to it. A read is just read
        # again, but a create would be of unknown outcome: each create has a connection of its own.
        self._creates = Wire(headers=headers, connect_s=connect_s, keep_alive=False)
        self._reads = Wire(headers=headers, connect_s=connect_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; safe to repeat."""
        await self._creates.close()
        await self._reads.close()

    async def create_task(
        self, model_id: str, task_input: Mapping[str, Any], *, callback_url: str | None
    ) -> str:
        """Start a task, give KIE's id of it; an answer that is lost is an unknown outcome."""
        if self._dry_run:
            log.info("dry_run_call", peer="kie", method="createTask")
            raise KieRefusedError("DRY_RUN=1: no task is made.", reason="dry_run")
        body = {"model": model_id, "input": task_input}
        if callback_url is not None:
            body["callBackUrl"] = callback_url
        with observed(self._observe, peer="kie", method="createTask"):
            heard = await self._creates.exchange(
                "POST", f"{self._base_url}/api/v1/jobs/createTask", total_s=self._create_s,
                body=_encoder.encode(body), content_type="application/json",
            )  # fmt: skip
            match heard:
                case Answer():
                    return task_id_of(heard)
                case Silence(cause, may_have_arrived=True):
                    raise KieUnknownOutcomeError(
                        f"KIE's answer to createTask was lost ({cause}); a task may exist."
                    )
                case Silence(cause):
                    raise KieAwayError(f"KIE can't be reached ({cause}); nothing was sent.")

    async def read_task(self, provider_task_id: str) -> TaskReport:
        """Read a task; safe to repeat."""
        path = f"/api/v1/jobs/recordInfo?taskId={quote(provider_task_id, safe='')}"
        with observed(self._observe, peer="kie", method="recordInfo"):
            return report_of(await self._read("recordInfo", path))

    async def read_credits(self) -> Decimal:
        """Read the credits left; safe to repeat."""
        with observed(self._observe, peer="kie", method="credit"):
            return credits_of(await self._read("credit", "/api/v1/chat/credit"))

    async def _read(self, what: str, path: str) -> Answer:
        heard = await self._reads.exchange("GET", self._base_url + path, total_s=self._read_s)
        if isinstance(heard, Silence):
            raise KieAwayError(f"KIE did not answer {what} ({heard.cause}).")
        return heard
