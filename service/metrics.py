"""Every metric of both processes, in one registry; rules and dashboards rely on these names."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_MIDDLE_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_SLOW_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 2700)

LEADER = Gauge("kartina_leader", "1 while this process is ACTIVE.", ["role"], registry=REGISTRY)
DATABASE_UP = Gauge(
    "kartina_database_up", "1 when the last look at PostgreSQL succeeded.", registry=REGISTRY
)
QUEUE_UP = Gauge("kartina_queue_up", "1 while bells can be rung.", registry=REGISTRY)

UPDATES_UNHANDLED = Gauge(
    "kartina_updates_unhandled", "Updates that are kept and not handled yet.", registry=REGISTRY
)
DUE_WORK = Gauge("kartina_due_work", "Rows that are due.", ["kind"], registry=REGISTRY)
DUE_WORK_OLDEST_SECONDS = Gauge(
    "kartina_due_work_oldest_seconds", "For how long the oldest has been due.", ["kind"],
    registry=REGISTRY,
)  # fmt: skip
PARKED_WORK = Gauge(
    "kartina_parked_work", "Rows put aside after too many failures.", ["kind"], registry=REGISTRY
)
GENERATIONS_OPEN = Gauge(
    "kartina_generations_open", "Generations under way.", ["state"], registry=REGISTRY
)
HOLD_OLDEST_SECONDS = Gauge(
    "kartina_hold_oldest_seconds", "Age of the oldest open hold.", registry=REGISTRY
)
LEDGER_DRIFT_KOPECKS = Gauge(
    "kartina_ledger_drift_kopecks", "Sum of all balances: 0, or money came from nowhere.",
    registry=REGISTRY,
)  # fmt: skip
PROVIDER_CREDITS = Gauge(
    "kartina_provider_credits", "KIE credits left when last asked.", registry=REGISTRY
)

WEBHOOK_SECONDS = Histogram(
    "kartina_webhook_seconds", "From a webhook request to its answer.", buckets=_FAST_S,
    registry=REGISTRY,
)  # fmt: skip
WEBHOOK_ANSWERS = Counter(
    "kartina_webhook_answers", "Webhook requests by HTTP status.", ["status"], registry=REGISTRY
)
CALLBACKS = Counter(
    "kartina_callbacks", "KIE callbacks by what became of them.", ["outcome"], registry=REGISTRY
)
BELLS = Counter(
    "kartina_bells", "Bells by outcome: rung, or left to the sweeper.", ["outcome"],
    registry=REGISTRY,
)  # fmt: skip
SWEPT = Counter(
    "kartina_swept", "Rows the sweeper rang for again.", ["kind"], registry=REGISTRY
)  # fmt: skip
UPDATE_SECONDS = Histogram(
    "kartina_update_seconds", "From an update being stored to its reply.", buckets=_MIDDLE_S,
    registry=REGISTRY,
)  # fmt: skip
GENERATIONS = Counter(
    "kartina_generations", "Generations that ended.", ["model", "outcome"], registry=REGISTRY
)
GENERATION_SECONDS = Histogram(
    "kartina_generation_seconds", "From a confirmation to its end.", ["model"], buckets=_SLOW_S,
    registry=REGISTRY,
)  # fmt: skip
PROVIDER_STATES_UNKNOWN = Counter(
    "kartina_provider_states_unknown", "Task states of KIE that nobody knows.", registry=REGISTRY
)
LATE_RESULTS = Counter(
    "kartina_late_results", "Results brought free after their deadline.", registry=REGISTRY
)
TOPUPS = Counter("kartina_topups", "Top-ups credited.", registry=REGISTRY)
OUTSIDE_CALL_SECONDS = Histogram(
    "kartina_outside_call_seconds", "Calls to Telegram and KIE.", ["peer", "method", "outcome"],
    buckets=_MIDDLE_S, registry=REGISTRY,
)  # fmt: skip


def observe_call(peer: str, method: str, outcome: str, seconds: float) -> None:
    """Count one call to the outside."""
    OUTSIDE_CALL_SECONDS.labels(peer, method, outcome).observe(seconds)


def update_replied(*, seconds: float) -> None:
    """Count an update whose reply is out, if any was needed."""
    UPDATE_SECONDS.observe(seconds)


def generation_finished(model_id: str, outcome: str, *, seconds: float) -> None:
    """Count one generation that ended."""
    GENERATIONS.labels(model_id, outcome).inc()
    GENERATION_SECONDS.labels(model_id).observe(seconds)


def provider_state_unknown() -> None:
    """Count an answer of KIE with a state we never heard of."""
    PROVIDER_STATES_UNKNOWN.inc()


def late_result() -> None:
    """Count a result that came after its money was given back."""
    LATE_RESULTS.inc()


def render() -> bytes:
    """Give all metrics as Prometheus text."""
    return generate_latest(REGISTRY)
