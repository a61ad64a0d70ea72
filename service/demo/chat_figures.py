"""The machine's own figures, as /health and /metrics give them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

KINDS = ("updates", "outbox", "tasks", "deliveries")
STATES = ("pending", "processing", "completed", "failed")

Series = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Webhook requests answered so far, and the time they took in all."""

    count: int = 0
    total_s: float = 0.0

    @property
    def mean_ms(self) -> float | None:
        """Give the mean time of an answer; None: nothing was asked."""
        return self.total_s / self.count * 1000 if self.count else None

    def since(self, before: "Ack") -> "Ack":
        """Give what came after an earlier look."""
        return Ack(count=self.count - before.count, total_s=self.total_s - before.total_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """One look at the machine; None: not known at the moment."""

    status: str
    reasons: list[str]
    mode: str
    uptime_s: float
    database_ms: float | None
    ledger_guard: str
    drift_kopecks: float | None
    credits: float | None
    provider_ok: bool
    ack: Ack
    due: dict[str, int | None] = field(default_factory=dict)
    parked: dict[str, int | None] = field(default_factory=dict)
    generations: dict[str, int | None] = field(default_factory=dict)


async def read_figures(http: aiohttp.ClientSession, url: str) -> MachineFigures:
    """Ask the bot's web process how it is; aiohttp.ClientError or TimeoutError: it is away."""
    async with http.get(f"{url}/health") as answer:
        health = await answer.json()
    async with http.get(f"{url}/metrics") as answer:
        metrics = await answer.text()
    return combine(health, metrics)


def combine(health: Mapping[str, Any], metrics: str) -> MachineFigures:
    """Put both answers together."""
    series = _read_series(metrics)
    database, provider = health["db"], health["provider"]
    return MachineFigures(
        status=health["status"],
        reasons=list(health.get("reasons", [])),
        mode=health["mode"],
        uptime_s=health["uptime_s"],
        database_ms=database["latency_ms"] if database["ok"] else None,
        ledger_guard=database["ledger_guard"] or "unknown",
        drift_kopecks=_known(series, "kartina_ledger_drift_kopecks"),
        credits=provider["credits"],
        provider_ok=bool(provider["ok"]),
        ack=_timing(series, "kartina_webhook_seconds"),
        due={kind: _whole(series, "kartina_due_work", kind) for kind in KINDS},
        parked={kind: _whole(series, "kartina_parked_work", kind) for kind in KINDS},
        generations={state: _generations(series, state) for state in STATES},
    )


def _read_series(metrics: str) -> dict[tuple[str, str], float]:
    """Sum the samples by name and by the one label the panel looks at."""
    series: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            labels = sample.labels
            label = labels.get("kind") or labels.get("state") or labels.get("outcome") or ""
            key = (sample.name, label)
            series[key] = series.get(key, 0.0) + sample.value
    return series


def _known(series: Series, name: str, label: str = "") -> float | None:
    value = series.get((name, label))
    return None if value is None or isnan(value) else value


def _whole(series: Series, name: str, label: str) -> int | None:
    value = _known(series, name, label)
    return None if value is None else int(value)


def _generations(series: Series, state: str) -> int | None:
    """Count the open ones as they stand, the ended ones since the start."""
    if state in {"pending", "processing"}:
        return _whole(series, "kartina_generations_open", state)
    return _whole(series, "kartina_generations_total", state) or 0


def _timing(series: Series, name: str) -> Ack:
    count = _known(series, f"{name}_count") or 0
    return Ack(count=int(count), total_s=_known(series, f"{name}_sum") or 0.0)
