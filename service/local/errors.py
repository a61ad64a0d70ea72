"""What a private server reports when it cannot do what was asked."""

from service.errors import KartinaError


class LocalServerError(KartinaError):
    """A private server is missing or refused to work; the message names the next step."""
