"""Rows of the table: what was measured, the figure to reach, and whether it was reached."""

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.bench.ack import AckFigures
from tests.bench.conversation import Latencies
from tests.bench.memory import Sample


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    value: float
    unit: str
    figure: float | None = None  # to be reached
    at_least: bool = False  # else: at most

    @property
    def verdict(self) -> str:
        """Say whether the figure was reached."""
        if self.figure is None:
            return ""
        reached = self.value >= self.figure if self.at_least else self.value <= self.figure
        return "reached" if reached else "NOT reached"

    def as_json(self) -> dict[str, Any]:
        """Give the row as it is kept."""
        return asdict(self) | {"verdict": self.verdict}


def rows_of_ack(figures: AckFigures) -> list[Row]:
    """Tell of the acknowledgements."""
    ours = [result.per_second for result in figures.ours]
    baseline = median(result.per_second for result in figures.baseline)
    return [
        Row("baseline: aiogram's handler, c=32", baseline, "/s"),
        Row("durable acknowledgements, c=32", median(ours), "/s"),
        Row("  slowest round", min(ours), "/s"),
        Row("  errors", sum(r.errors for r in figures.ours), "", 0),
        Row("  p99", median(r.p99_ms for r in figures.ours), "ms"),
        Row("  ratio to the baseline", figures.ratio, "x", 4, at_least=True),
        Row("acknowledgement at 200/s, p99", percentile(figures.steady_ms, 99), "ms", 50),
        Row("web memory under load, highest", max(figures.web_rss_mb), "MB", 90),
    ]  # fmt: skip


def rows_of_conversation(
    latencies: Latencies, before: tuple[float, float], samples: list[Sample]
) -> list[Row]:
    """Tell of what people feel, and what the processes hold meanwhile."""
    first, last = samples[0], samples[-1]
    return [
        Row("menu button -> answer, 50/s, p50", percentile(latencies.button_ms, 50), "ms", 40),
        Row("menu button -> answer, 50/s, p99", percentile(latencies.button_ms, 99), "ms", 200),
        Row("menu button -> redraw, 50/s, p99", percentile(latencies.redraw_ms, 99), "ms"),
        Row("/balance -> call, 20/s, p99", percentile(latencies.balance_ms, 99), "ms", 100),
        Row("confirm -> createTask, 1/s, p50", percentile(latencies.confirm_ms, 50), "ms", 150),
        Row("web memory, start", before[0], "MB", 90),
        Row(f"web memory after {first.handled} updates", first.web_mb, "MB", 90),
        Row(f"web memory after {last.handled} updates", last.web_mb, "MB", 90),
        Row("worker memory, start", before[1], "MB", 230),
        Row(f"worker memory after {first.handled} updates", first.worker_mb, "MB", 230),
        Row(f"worker memory after {last.handled} updates", last.worker_mb, "MB", 230),
    ]


def percentile(values: list[float], percent: int) -> float:
    """Give a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def print_table(rows: list[Row]) -> None:
    """Print the table."""
    for row in rows:
        sign = "" if row.figure is None else f"{'>=' if row.at_least else '<='} {row.figure:g}"
        print(f"{row.what:<42}{row.value:>10.1f} {row.unit:<3} {sign:<8} {row.verdict}")


def draw(rows: list[Row], path: Path) -> Path:
    """Draw each measured value as a share of its figure."""
    from matplotlib.figure import Figure  # only here: it is big

    shown = [row for row in rows if row.figure]
    shares = [row.value / row.figure * 100 for row in shown]
    colors = ["#2e7d32" if row.verdict == "reached" else "#c62828" for row in shown]
    figure = Figure(figsize=(9, 0.45 * len(shown) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([row.what.strip() for row in shown], shares, color=colors)
    axes.axvline(100, color="#555", linestyle="--")
    axes.invert_yaxis()
    axes.set_xlabel("% of the figure (the ratio should be over 100, all others under)")
    figure.savefig(path, dpi=120)
    return path
