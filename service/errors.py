"""The error tree: what may cross a boundary, and what the caller does about it."""

from datetime import timedelta


class KartinaError(Exception):
    """Anything Kartina raises on purpose; the message names the thing and the next step."""


class TransientError(KartinaError):
    """It may work later: the row is due again, after `retry_after` where the peer named a time."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(KartinaError):
    """It will not work however often it is tried: stop, and give back what was held."""


class UserError(KartinaError):
    """The user is told why; nothing was changed. `reason` is the key of the text."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


class ConfigurationError(KartinaError):
    """The process can't start as it is set up; one line of `problems` for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
