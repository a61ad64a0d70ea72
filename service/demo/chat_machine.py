"""The panel that shows the machine at work."""

from time import monotonic

from textual.content import Content
from textual.widgets import Static

from service.demo.chat_figures import KINDS, STATES, Ack, MachineFigures

_LABEL_WIDTH = 12
_NUMBER_WIDTH = 7
_TREND_LENGTH = 20
_BARS = "▁▂▃▄▅▆▇█"
_GOOD, _WARNING, _BAD, _QUIET = "#7bd88f", "#f5c26b", "#ff6b6b", "#7a8b9c"
_STATUS_COLORS = {"ok": _GOOD, "degraded": _WARNING, "down": _BAD}
_STATE_COLORS = {
    "pending": _WARNING, "processing": "#6ab3f3", "completed": _GOOD, "failed": _BAD,
}  # fmt: skip
_GUARD_WIDTH_MAX = 20


class MachinePanel(Static):
    """Figures of the running bot, from its own /health and /metrics."""

    DEFAULT_CSS = "MachinePanel { width: 40; padding: 1 2; }"

    def __init__(self) -> None:
        super().__init__(Content.styled("waiting for the first figures…", _QUIET), id="machine")
        self._before = Ack()
        self._recent: Ack | None = None
        self._trend: list[int] = []
        self._known_at = monotonic()

    def show_figures(self, figures: MachineFigures) -> None:
        """Show a new look."""
        fresh = figures.ack.since(self._before)
        if fresh.count > 0:
            self._recent = fresh
        self._before = figures.ack
        self._trend = [*self._trend, max(fresh.count, 0)][-_TREND_LENGTH:]
        self._known_at = monotonic()
        parts = (
            self._head(figures), _work(figures), _generations(figures), _money(figures),
        )  # fmt: skip
        self.update(Content("\n\n").join(parts))

    def show_away(self) -> None:
        """Say that the machine does not answer."""
        away_s = monotonic() - self._known_at
        self.update(Content.styled(f"no answer for {away_s:.0f} s", _BAD))

    def _head(self, figures: MachineFigures) -> Content:
        color = _STATUS_COLORS.get(figures.status, _WARNING)
        state = ", ".join(figures.reasons) or figures.status
        recent = self._recent.mean_ms if self._recent else None
        return Content("\n").join(
            [
                _title("THE MACHINE AT WORK"),
                _line("mode", Content.styled(f"● {figures.mode}", f"bold {color}")),
                _line("health", Content.styled(state, color)),
                _line("up for", Content(_duration(figures.uptime_s))),
                _line("ack, last", Content(_milliseconds(recent))),
                _line("ack, mean", Content(_milliseconds(figures.ack.mean_ms))),
                _line("updates in", Content(f"{figures.ack.count}")),
                _line("traffic", Content.styled(_sparkline(self._trend), "#6ab3f3")),
                _line("PostgreSQL", Content(_milliseconds(figures.database_ms))),
            ]
        )


def _work(figures: MachineFigures) -> Content:
    head = f"{'':<{_LABEL_WIDTH}}{'due':>{_NUMBER_WIDTH}}{'parked':>{_NUMBER_WIDTH + 2}}"
    lines = [_title("ROWS TO DO"), Content.styled(head, _QUIET)]
    for kind in KINDS:
        due, parked = figures.due.get(kind), figures.parked.get(kind)
        lines.append(
            _line(
                kind,
                _number(due, "#6ab3f3", _NUMBER_WIDTH) + _number(parked, _BAD, _NUMBER_WIDTH + 2),
            )
        )
    return Content("\n").join(lines)


def _generations(figures: MachineFigures) -> Content:
    lines = [_title("GENERATIONS")]
    for state in STATES:
        count = figures.generations.get(state)
        bar = Content.styled("  " + "■" * min(count or 0, 12), _STATE_COLORS[state])
        lines.append(_line(state, _number(count, _STATE_COLORS[state], _NUMBER_WIDTH) + bar))
    return Content("\n").join(lines)


def _money(figures: MachineFigures) -> Content:
    drift = figures.drift_kopecks
    if drift is None:
        check = Content.styled("not read yet", _QUIET)
    elif drift == 0:
        check = Content.styled("✓ adds up, drift 0", _GOOD)
    else:
        check = Content.styled(f"✗ drift {drift / 100:.2f} ₽", f"bold {_BAD}")
    kie = "unknown" if figures.credits is None else f"{figures.credits:,.1f}".replace(",", " ")
    kie_color = _GOOD if figures.provider_ok else _BAD
    return Content("\n").join(
        [
            _title("MONEY"),
            _line("ledger", check),
            _line("guard", Content(figures.ledger_guard[:_GUARD_WIDTH_MAX])),
            _line("KIE", Content.styled("answers" if figures.provider_ok else "away", kie_color)),
            _line("KIE credits", Content(kie)),
        ]
    )


def _title(words: str) -> Content:
    return Content.styled(words, "bold #6ab3f3")


def _line(label: str, value: Content) -> Content:
    return Content.styled(f"{label:<{_LABEL_WIDTH}}", _QUIET) + value


def _number(count: int | None, color: str, width: int) -> Content:
    if count is None:
        return Content.styled(f"{'?':>{width}}", _QUIET)
    return Content.styled(f"{count:>{width}}", color if count else _QUIET)


def _sparkline(counts: list[int]) -> str:
    highest = max([*counts, 1])
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-count * steps // highest)] for count in counts)


def _milliseconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f} ms"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
