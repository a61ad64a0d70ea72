"""The clock of a running service."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time; keeps the promise of `ports.Clock`."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""
        return datetime.now(UTC)
