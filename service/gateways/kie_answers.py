"""What KIE's answers mean: the envelope, its codes and messages, and the record of a task."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from service.errors import KartinaError
from service.gateways.http import Answer, decode_json
from service.ports import (
    KieAwayError,
    KieBusyError,
    KieRefusedError,
    KieUnknownOutcomeError,
    TaskReport,
    TaskState,
)

_OK = 200
_BAD_KEY = 401
_NO_CREDIT = 402
_NOT_FOUND = 404
_INVALID = frozenset({400, 404, 422})
_TOO_MANY = 429
_UNAVAILABLE = frozenset({433, 505})  # a sub-key's cap is reached; the model is switched off
_BUSY = frozenset({_TOO_MANY, 455, 550})
_SERVER_ERROR = 500

_PAUSED = re.compile(r"\bpaused\b", re.IGNORECASE)
_UNSUPPORTED_MODEL = re.compile(r"model name .* is not supported", re.IGNORECASE)
_FIELD = re.compile(
    r"\bis required\b|within the range of allowed options|file type not supported", re.IGNORECASE
)
_NO_RECORD = re.compile(r"recordInfo is null|record does not exist", re.IGNORECASE)
_MODERATED = re.compile(
    r"sensitive|content[ _]polic|content could not be processed|flagged|moderat|violat",
    re.IGNORECASE,
)
_INPUT_IMAGE = re.compile(
    r"image fetch|(input|reference|source) image|image url|access settings"
    r"|fetch\w* (the |your )?image|file type not supported",
    re.IGNORECASE,
)

_STATES = {
    "waiting": TaskState.RUNNING,
    "queuing": TaskState.RUNNING,
    "generating": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "fail": TaskState.FAILED,
}
# Where addresses of results were seen, the usual place first; frames and watermarked copies of
# a video stand under keys of their own and are not what was ordered.
_URL_KEYS = (
    "resultUrls", "result_urls", "resultUrl", "result_url", "resultImageUrl", "resultVideoUrl",
    "resultObject", "url", "urls",
)  # fmt: skip
_NESTING_MAX = 5
_CODE_DIGITS_MAX = 6
_TASK_ID_MAX = 200
_MESSAGE_MAX = 300
_URL_MAX = 2048


@dataclass(frozen=True, slots=True)
class Envelope:
    """The body KIE wraps everything in; its code is the real status, not HTTP's."""

    code: int
    message: str
    data: Any
    retry_after: timedelta | None


def open_envelope(answer: Answer) -> Envelope | None:
    """Decode a body whatever its HTTP status; None when it is not KIE's."""
    try:
        body = decode_json(answer.body, exact=True)
    except ValueError:
        body = None
    code = _whole(body.get("code")) if isinstance(body, dict) else None
    if code is not None:
        message = _text(body.get("msg") or body.get("message"), limit=_MESSAGE_MAX) or ""
        return Envelope(code, message, body.get("data"), answer.retry_after)
    if answer.status == _TOO_MANY:  # A rate limiter in front answers in its own words.
        return Envelope(_TOO_MANY, "", None, answer.retry_after)
    return None


def task_id_of(answer: Answer) -> str:
    """Give the id of the task that was made, or raise what its absence means."""
    envelope = open_envelope(answer)
    if envelope is None:
        raise KieUnknownOutcomeError(
            f"KIE answered createTask with HTTP {answer.status} and no sense; a task may exist."
        )
    task_id = _task_id(envelope.data) if envelope.code == _OK else None
    if task_id is None:
        raise _refusal_of_create(envelope)
    return task_id


def report_of(answer: Answer) -> TaskReport:
    """Give what KIE says of a task, or raise why it says nothing."""
    envelope = open_envelope(answer)
    if envelope is not None and _is_missing(envelope):
        return TaskReport(state=TaskState.MISSING)
    data = _data_of_read("recordInfo", answer, envelope)
    if not isinstance(data, dict):
        raise KieAwayError("KIE answered recordInfo with data that is no record.")
    return _report(data)


def credits_of(answer: Answer) -> Decimal:
    """Give the credits left, or raise why they are not known."""
    credits_left = _decimal(_data_of_read("credit", answer, open_envelope(answer)))
    if credits_left is None:
        raise KieAwayError("KIE answered the credits with something that is no number.")
    return credits_left


def _refusal_of_create(envelope: Envelope) -> KartinaError:
    code, message = envelope.code, envelope.message
    said = f"KIE answered createTask with code {code}: {message}"
    if _lacks_credit(message) or code == _NO_CREDIT:
        return KieRefusedError(said, reason="no-credit")
    if code in _BUSY or _PAUSED.search(message):
        return KieBusyError(said, retry_after=envelope.retry_after)
    if code == _BAD_KEY:
        return KieRefusedError(said, reason="bad-key")
    if code in _UNAVAILABLE or _UNSUPPORTED_MODEL.search(message):
        return KieRefusedError(said, reason="unavailable")
    if code in _INVALID or (code == _SERVER_ERROR and _FIELD.search(message)):
        return KieRefusedError(said, reason="invalid")
    # Code 500 with "Server exception" ends here on purpose. Validation comes before billing, but
    # KIE gives a server error the same code as a bad field, and nowhere says that a server error
    # can't come after the task was made and billed. A task may exist, so the request is never
    # sent again: it is matched by its callback, or the money goes back at the deadline.
    return KieUnknownOutcomeError(f"{said}; a task may exist.")


def _data_of_read(what: str, answer: Answer, envelope: Envelope | None) -> Any:
    """Give the data of a call that only reads: whatever is not the key may be asked again."""
    if envelope is None:
        raise KieAwayError(f"KIE answered {what} with HTTP {answer.status} and no sense.")
    if envelope.code == _OK:
        return envelope.data
    said = f"KIE answered {what} with code {envelope.code}: {envelope.message}"
    if envelope.code == _BAD_KEY:
        raise KieRefusedError(said, reason="bad-key")
    if envelope.code in _BUSY or _PAUSED.search(envelope.message):
        raise KieBusyError(said, retry_after=envelope.retry_after)
    raise KieAwayError(said, retry_after=envelope.retry_after)


def _is_missing(envelope: Envelope) -> bool:
    if envelope.code == _OK:
        return envelope.data is None
    return envelope.code == _NOT_FOUND or (
        envelope.code in _INVALID and _NO_RECORD.search(envelope.message) is not None
    )


def _report(record: Mapping[str, Any]) -> TaskReport:
    state = _STATES.get(str(record.get("state")).lower(), TaskState.UNKNOWN)
    code = _text(record.get("failCode"), limit=_MESSAGE_MAX)
    message = _text(record.get("failMsg"), limit=_MESSAGE_MAX)
    failed = state is TaskState.FAILED
    return TaskReport(
        state=state,
        urls=_result_urls(record) if state is TaskState.SUCCEEDED else (),
        fail_reason=_fail_reason(code or "", message or "") if failed else None,
        fail_code=code if failed else None,
        fail_message=message if failed else None,
        credits_consumed=_decimal(record.get("creditsConsumed")),
        callback_url=_callback_url(record),
    )


def _fail_reason(code: str, message: str) -> str:
    words = f"{code} {message}"
    if _lacks_credit(words):
        return "no-credit"
    if _MODERATED.search(words):
        return "moderated"
    return "image" if _INPUT_IMAGE.search(words) else "provider"


def _result_urls(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the results' addresses in `resultJson`, else in `response`; each once, in order."""
    for place in ("resultJson", "response"):
        found = _urls_in(record.get(place), _NESTING_MAX)
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def _urls_in(value: Any, nesting: int) -> list[str]:
    if nesting == 0:
        return []
    match value:
        case str() if value.startswith(("https://", "http://")):
            url = _text(value, limit=_URL_MAX + 1)
            return [url] if url and len(url) <= _URL_MAX else []
        case str():
            return _urls_in(_unpacked(value), nesting - 1)
        case list():
            return [url for one in value for url in _urls_in(one, nesting - 1)]
        case dict():
            for key in _URL_KEYS:
                found = _urls_in(value.get(key), nesting - 1)
                if found:
                    return found
    return []


def _callback_url(record: Mapping[str, Any]) -> str | None:
    for place in ("param", "paramJson"):
        param = _unpacked(record.get(place))
        url = param.get("callBackUrl") if isinstance(param, dict) else None
        if isinstance(url, str) and url:
            return _text(url, limit=_URL_MAX)
    return None


def _unpacked(value: Any) -> Any:
    """Take JSON out of the strings it was put in (twice was seen); None for broken JSON."""
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = decode_json(value, exact=True)
        except ValueError:
            return None
    return value


def _task_id(data: Any) -> str | None:
    value = data.get("taskId") or data.get("recordId") if isinstance(data, dict) else None
    text = _text(value, limit=_TASK_ID_MAX + 1)
    return text if text and len(text) <= _TASK_ID_MAX else None


def _lacks_credit(message: str) -> bool:
    words = message.lower()
    return "credit" in words and "insufficient" in words


def _text(value: Any, *, limit: int) -> str | None:
    """Give a value as text that PostgreSQL can store: no NUL, no lone half of a surrogate pair."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return text[:limit] or None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    text = str(value)
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) <= _CODE_DIGITS_MAX else None
    )


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
