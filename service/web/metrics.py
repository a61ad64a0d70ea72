"""GET /metrics: what processes counted, and what PostgreSQL says at the moment."""

from math import nan

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from service import metrics
from service.web.status import Figures, Mode, Status, StatusReader

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def metrics_route(reader: StatusReader) -> HTTPRouteHandler:
    """Make the route; the worker serves the same."""

    @get("/metrics")
    async def metrics_page() -> Response[bytes]:
        status = await reader.read()
        facts = reader.facts
        metrics.LEADER.labels(facts.role).set(facts.mode() is Mode.ACTIVE)
        metrics.QUEUE_UP.set(facts.queue_ok())
        _show(status)
        return Response(metrics.render(), media_type=_TEXT)

    return metrics_page


def _show(status: Status) -> None:
    """Set the gauges that come from rows; an unknown figure is no figure, not an old one."""
    metrics.DATABASE_UP.set(status.database_ok)
    figures = status.figures
    drift = status.rarities.drift_kopecks
    metrics.LEDGER_DRIFT_KOPECKS.set(nan if drift is None else drift)
    if figures is None or not figures.work:
        _show_unknown()
        return
    for work in figures.work:
        metrics.DUE_WORK.labels(work.kind).set(work.due_count)
        metrics.DUE_WORK_OLDEST_SECONDS.labels(work.kind).set(work.oldest_s or 0)
        metrics.PARKED_WORK.labels(work.kind).set(work.parked_count)
        if work.kind == "updates":
            metrics.UPDATES_UNHANDLED.set(work.open_count)
    for state, count in figures.generations_open.items():
        metrics.GENERATIONS_OPEN.labels(state).set(count)
    metrics.HOLD_OLDEST_SECONDS.set(figures.hold_oldest_s or 0)
    _show_credits(figures)


def _show_unknown() -> None:
    for gauge in (metrics.UPDATES_UNHANDLED, metrics.HOLD_OLDEST_SECONDS, metrics.PROVIDER_CREDITS):
        gauge.set(nan)
    for state in ("pending", "processing"):
        metrics.GENERATIONS_OPEN.labels(state).set(nan)
    for kind in ("updates", "outbox", "tasks", "deliveries"):
        metrics.DUE_WORK.labels(kind).set(nan)
        metrics.DUE_WORK_OLDEST_SECONDS.labels(kind).set(nan)
        metrics.PARKED_WORK.labels(kind).set(nan)


def _show_credits(figures: Figures) -> None:
    metrics.PROVIDER_CREDITS.set(nan if figures.credits is None else float(figures.credits))
