"""Logs of every process: one line an event, and no secret in it, whoever wrote the line."""

import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote, urlsplit

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.settings import Settings

MASK = "***"
#: A shorter secret would mask half of every line.
_SECRET_LENGTH_MIN = 4
_BOT_ID_AND_KEY = r"[1-9][0-9]{5,15}(?::|%3[Aa])[A-Za-z0-9_-]{20,64}"
_LOGIN = r"(?<=://)[^\s/:@\"']*:[^\s/@\"']+(?=@)"
#: These say at INFO what our own events say better.
_NOISY = (
    "aio_pika", "aiogram", "aiohttp", "asyncio", "dramatiq", "litestar", "uvicorn",
)  # fmt: skip
#: Each failed connection is nine errors of theirs; our events and dramatiq's tell it once.
_WORDY = ("aiormq", "pika")


class SecretMask:
    """Hides every secret in a finished line, in whatever spelling it got there."""

    def __init__(self, secrets: Sequence[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        # The longest first: a secret may begin with another.
        literal = [re.escape(text) for text in sorted(spellings, key=len, reverse=True)]
        self._pattern = re.compile("|".join([*literal, _BOT_ID_AND_KEY, _LOGIN]))

    def __call__(self, line: str) -> str:
        """Give the line with every secret masked."""
        return self._pattern.sub(MASK, line)


def set_up_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers through one pipeline; call once."""
    target = stream or sys.stderr
    log_format = settings.log_format or ("console" if target.isatty() else "json")
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(log_format, SecretMask(secrets_of(settings))))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        noisy = logging.getLogger(name)
        noisy.handlers.clear()
        noisy.propagate = True
        noisy.setLevel(max(root.level, logging.WARNING))
    for name in _WORDY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def secrets_of(settings: Settings) -> list[str]:
    """List what no line may hold: every secret setting, and the passwords within addresses."""
    found: list[str] = []
    for item in fields(Settings):
        if not item.metadata["secret"]:
            continue
        value = getattr(settings, item.name)
        for secret in value if isinstance(value, tuple) else (value,):
            if secret:
                found += [secret, *_password(secret)]
    return [secret for secret in found if len(secret) >= _SECRET_LENGTH_MIN]


def _password(address: str) -> Iterator[str]:
    if "://" in address and (password := urlsplit(address).password):
        yield password
        yield unquote(password)


def _spellings(secret: str) -> set[str]:
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in plain}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return plain | lower | escaped | {repr(secret)[1:-1]}


def _shared_processors() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(log_format: str, mask: SecretMask) -> logging.Formatter:
    renderers: list[Processor]
    if log_format == "json":
        renderers = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        # Plain tracebacks: pretty ones show local variables, and in them what users wrote.
        renderers = [
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]

    def mask_line(_: WrappedLogger, __: str, line: EventDict | str | bytes) -> Any:
        return mask(str(line))

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *renderers,
            mask_line,
        ],
    )
