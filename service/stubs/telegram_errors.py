"""Refusals of the Bot API: an HTTP status, a description and sometimes a time to wait."""


class BotApiError(Exception):
    """A call the stub refuses, worded as the Bot API words it."""

    def __init__(self, status: int, description: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.retry_after_s = retry_after_s


QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)


def bad_request(text: str) -> BotApiError:
    """A 400 with the usual prefix."""
    return BotApiError(400, f"Bad Request: {text}")


def forbidden(text: str) -> BotApiError:
    """A 403 with the usual prefix."""
    return BotApiError(403, f"Forbidden: {text}")


def conflict(text: str) -> BotApiError:
    """A 409 with the usual prefix."""
    return BotApiError(409, f"Conflict: {text}")


def too_many_requests(retry_after_s: int) -> BotApiError:
    """A 429 that names the seconds to wait."""
    return BotApiError(
        429, f"Too Many Requests: retry after {retry_after_s}", retry_after_s=retry_after_s
    )
