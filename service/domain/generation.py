"""The states of a generation and of its tasks; docs/states.md draws them."""

from enum import StrEnum


class GenerationState(StrEnum):
    """What users and operators see."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class TaskStage(StrEnum):
    """How far one createTask has come."""

    QUEUED = "queued"  # not yet sent to KIE
    SUBMITTING = "submitting"  # being sent: never sent again from here on
    UNKNOWN = "unknown"  # sent, the answer lost: looked for by its token
    PROCESSING = "processing"  # KIE has it
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class FailureReason(StrEnum):
    """Why a task failed; each has a text `failed-<reason>` in every language."""

    REFUSED = "refused"
    INVALID = "invalid"
    MODERATED = "moderated"
    PROVIDER = "provider"
    IMAGE = "image"
    NO_CREDIT = "no-credit"
    BAD_KEY = "bad-key"
    UNAVAILABLE = "unavailable"
    NO_RESULT = "no-result"
    NO_ANSWER = "no-answer"
    DEADLINE = "deadline"
    DRY_RUN = "dry_run"

    @classmethod
    def of(cls, key: str | None) -> "FailureReason":
        """Give the reason of a key; PROVIDER for a word that we never heard."""
        return cls(key) if key in set(cls) else cls.PROVIDER


class DeliveryKind(StrEnum):
    """What is brought to a user: results once, late ones free, the rest on a button press."""

    RESULTS = "results"
    LATE = "late"
    AGAIN = "again"
    FILES = "files"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    SENT = "sent"
    EXPIRED = "expired"
    PARKED = "parked"
