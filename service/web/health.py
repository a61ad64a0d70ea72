"""GET /health, /health/live and /health/ready."""

from dataclasses import asdict
from datetime import datetime
from time import monotonic
from typing import Any

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from service.settings import InstanceMode
from service.web.status import Figures, Mode, ProcessFacts, Status, StatusReader, program_version

_OK = 200
_AWAY = 503
#: Work that is due for longer makes the health amber.
OVERDUE_S = 120.0


def health_routes(reader: StatusReader) -> list[HTTPRouteHandler]:
    """Make the routes; the worker serves the same."""

    @get("/health", media_type=MediaType.JSON)
    async def health() -> Response[dict[str, Any]]:
        status = await reader.read()
        body = report(status, reader.facts, now=reader.clock.now())
        return Response(body, status_code=_OK if status.database_ok else _AWAY)

    @get("/health/live", media_type=MediaType.JSON)
    async def live() -> dict[str, bool]:
        return {"live": True}

    @get("/health/ready", media_type=MediaType.JSON)
    async def ready() -> Response[dict[str, str]]:
        facts = reader.facts
        if facts.instance_mode is InstanceMode.SINGLE:
            return await _ready_single(reader)
        # Warmed up: PostgreSQL answered and is migrated.
        status = await reader.read()
        warm = status.database_ok and not status.rarities.migrations_missing
        status_code = _OK if warm and not facts.is_stopping() else _AWAY
        return Response({"mode": facts.mode()}, status_code=status_code)

    return [health, live, ready]


async def _ready_single(reader: StatusReader) -> Response[dict[str, str]]:
    if reader.facts.mode() is Mode.PASSIVE:
        return Response({"mode": Mode.PASSIVE}, status_code=_AWAY)
    body: dict[str, str] = {"mode": Mode.ACTIVE}
    if not (await reader.read()).database_ok:
        # It stays ready: someone must answer Telegram with Retry-After.
        body["reason"] = "database"
    return Response(body)


def report(status: Status, facts: ProcessFacts, *, now: datetime) -> dict[str, Any]:
    """Put a look into the shape the contract promises."""
    reasons = _reasons(status, facts)
    figures = status.figures or Figures()
    rarities = status.rarities
    return {
        "status": "down" if not status.database_ok else "degraded" if reasons else "ok",
        "reasons": reasons,
        "mode": facts.mode(),
        "role": facts.role,
        "version": program_version(),
        "uptime_s": round(monotonic() - facts.started_at, 1),
        "lock": {"web": asdict(facts.web_lock()), "worker": asdict(facts.worker_lock())},
        "db": {
            "ok": status.database_ok,
            "latency_ms": status.latency_ms,
            "migrations": {
                "applied": rarities.migrations_count,
                "missing": list(rarities.migrations_missing),
            },
            "ledger_guard": rarities.ledger_guard,
        },
        "queue": _queue(status.figures, queue_ok=facts.queue_ok()),
        "provider": {
            "ok": figures.provider_ok,
            "credits": None if figures.credits is None else float(figures.credits),
            "callback_last_s": _age_s(figures.callback_at, now),
        },
    }


def _queue(figures: Figures | None, *, queue_ok: bool) -> dict[str, Any]:
    if figures is None:
        return {"ok": queue_ok, "depth": None, "parked": None, "oldest_s": None}
    oldest_s = max((work.oldest_s or 0.0 for work in figures.work), default=0.0)
    return {
        "ok": queue_ok,
        "depth": sum(work.due_count for work in figures.work),
        "parked": sum(work.parked_count for work in figures.work),
        "oldest_s": round(oldest_s, 1),
    }


def _reasons(status: Status, facts: ProcessFacts) -> list[str]:
    if not status.database_ok:
        return ["database", *([] if facts.queue_ok() else ["queue"]), *facts.warnings()]
    figures = status.figures or Figures()
    drift = status.rarities.drift_kopecks
    found = {
        "migrations": bool(status.rarities.migrations_missing),
        "figures": status.figures is None,
        "queue": not facts.queue_ok(),
        "provider": not figures.provider_ok,
        "overdue": any((work.oldest_s or 0) > OVERDUE_S for work in figures.work),
        "ledger": drift is not None and drift != 0,
    }
    return [*(reason for reason, is_so in found.items() if is_so), *facts.warnings()]


def _age_s(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round((now - moment).total_seconds(), 1)
