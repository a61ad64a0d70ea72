"""Every setting, read from the environment once; a bad one is named before anything starts."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from service.errors import ConfigurationError

_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
_BOT_TOKEN = re.compile(r"[1-9][0-9]{5,15}:[A-Za-z0-9_-]{3,64}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PORT_MAX = 65_535


class InstanceMode(StrEnum):
    """Whether one instance works and the others wait, or all of them work."""

    SINGLE = "single"
    MULTI = "multi"


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _bot_token(value: str) -> str:
    if not _BOT_TOKEN.fullmatch(value):
        raise ValueError("must look like 123456789:AAbbCC, as @BotFather gave it")
    return value


def _webhook_secrets(value: str) -> tuple[str, ...]:
    secrets = _list(value)
    if not secrets or not all(_SECRET_TOKEN.fullmatch(secret) for secret in secrets):
        raise ValueError("must be 1-256 characters of A-Z a-z 0-9 _ - (a comma between several)")
    return secrets


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _user_ids(value: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in _list(value))
    except ValueError:
        raise ValueError("must be Telegram user ids with a comma between them") from None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must be an address that starts with {'://, '.join(schemes)}://")
        return value.rstrip("/")

    return parse


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    secure = parts.scheme == "https" or parts.hostname in _LOOPBACK
    if not secure or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an https:// address (http:// only for loopback)")
    return value.rstrip("/")


def _flag(value: str) -> bool:
    if value not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return value == "1"


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not minimum <= int(value) <= maximum:
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(value)

    return parse


def _positive(value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("must be a number, such as 1.4") from None
    if not number.is_finite() or number <= 0:
        raise ValueError("must be a number above 0")
    return number


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.upper() not in {choice.upper() for choice in choices}:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return next(choice for choice in choices if choice.upper() == value.upper())

    return parse


def _mode(value: str) -> InstanceMode:
    return InstanceMode(_choice(*InstanceMode)(value))


def _variable(
    parse: Callable[[str], Any], *, default: Any = MISSING, secret: bool = False, doc: str
) -> Any:
    """Declare one variable: how its text becomes a value, and what it means."""
    metadata = {"parse": parse, "secret": secret, "doc": doc}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of a process; the field `port` is the variable `PORT`, and so on."""

    telegram_bot_token: str = _variable(_bot_token, secret=True, doc="The bot's token.")
    telegram_api_url: str = _variable(
        _url("https", "http"), default="https://api.telegram.org", doc="Bot API base address."
    )
    telegram_webhook_secret: tuple[str, ...] = _variable(
        _webhook_secrets, default=(), secret=True,
        doc="Compared with Telegram's secret header; a comma-separated list accepts several.",
    )  # fmt: skip
    public_url: str | None = _variable(
        _public_url, default=None, doc="This service's address; unset: Telegram is polled."
    )
    kie_api_key: str | None = _variable(_text, default=None, secret=True, doc="KIE.ai key.")
    kie_api_url: str = _variable(
        _url("https", "http"), default="https://api.kie.ai", doc="KIE API address."
    )
    kie_upload_url: str = _variable(
        _url("https", "http"), default="https://kieai.redpandaai.co", doc="KIE upload address."
    )
    kie_webhook_hmac_key: tuple[str, ...] = _variable(
        _list, default=(), secret=True, doc="Keys that verify KIE's callbacks."
    )
    kie_result_hosts: tuple[str, ...] = _variable(
        _list, default=("aiquickdraw.com", "redpandaai.co"),
        doc="Host suffixes results may be fetched from; `host:port` allows exactly that.",
    )  # fmt: skip
    kie_stub: bool = _variable(_flag, default=False, doc="1: use the built-in KIE stub.")
    kie_stub_port: int = _variable(
        _whole(1, _PORT_MAX), default=8090, doc="Loopback port of the built-in KIE stub."
    )
    dry_run: bool = _variable(_flag, default=False, doc="1: write nothing to Telegram or KIE.")
    database_url: str | None = _variable(
        _url("postgresql", "postgres"), default=None, secret=True, doc="PostgreSQL 15 or newer."
    )
    migrate_database_url: str | None = _variable(
        _url("postgresql", "postgres"), default=None, secret=True,
        doc="The owner's address, for migrations; unset: DATABASE_URL.",
    )  # fmt: skip
    lock_database_url: str | None = _variable(
        _url("postgresql", "postgres"), default=None, secret=True,
        doc="A direct, unpooled address for the lock; unset: DATABASE_URL.",
    )  # fmt: skip
    rabbitmq_url: str | None = _variable(
        _url("amqp", "amqps"), default=None, secret=True, doc="RabbitMQ address."
    )
    data_dir: Path = _variable(Path, default=Path(".run"), doc="Servers' data, kept pictures.")
    admin_ids: frozenset[int] = _variable(
        _user_ids, default=frozenset(), doc="Telegram ids of the administrators."
    )
    welcome_balance_rub: int = _variable(
        _whole(0, 1_000_000), default=0, doc="Bonus rubles for each new user, once."
    )
    rub_per_star: Decimal = _variable(
        _positive, default=Decimal("1.4"), doc="What a user gets for a Star (first value)."
    )
    rub_per_usd: Decimal = _variable(
        _positive, default=Decimal(95), doc="Exchange rate (first value)."
    )
    usd_per_star: Decimal = _variable(
        _positive, default=Decimal("0.013"), doc="What a Star brings us (first value)."
    )
    price_markup: Decimal = _variable(
        _positive, default=Decimal("2.0"), doc="Price over cost (first value)."
    )
    kie_creates_per_10s: int = _variable(
        _whole(1, 10_000), default=20, doc="createTask calls allowed in 10 seconds."
    )
    kie_reads_per_s: int = _variable(
        _whole(1, 10_000), default=10, doc="recordInfo calls allowed in a second."
    )
    instance_mode: InstanceMode = _variable(
        _mode, default=InstanceMode.SINGLE, doc="single: one instance works; multi: all do."
    )
    worker_threads: int = _variable(
        _whole(1, 512), default=32, doc="Actors that run at the same time in one worker."
    )
    time_factor: Decimal = _variable(
        _positive, default=Decimal(1),
        doc="Multiplies every wait, retry and deadline of ours; below 1 only for tests.",
    )  # fmt: skip
    host: str = _variable(_text, default="0.0.0.0", doc="Address to listen on.")  # noqa: S104 - the contract's default
    port: int = _variable(_whole(1, _PORT_MAX), default=8080, doc="Port of `kartina web`.")
    worker_port: int = _variable(
        _whole(1, _PORT_MAX), default=8081, doc="Port of the worker's health and metrics."
    )
    log_level: str = _variable(
        _choice("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", doc="Least level logged."
    )
    log_format: str | None = _variable(
        _choice("json", "console"), default=None,
        doc="json or console; unset: console on a terminal, json elsewhere.",
    )  # fmt: skip

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read the environment; `ConfigurationError` names every missing or bad variable."""
        source = os.environ if environ is None else environ  # noqa: TID251 - the one place
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            if item.name not in overrides:
                _read(item, source, values, problems)
        values |= overrides
        problems += _missing_together(values)
        if problems:
            raise ConfigurationError(problems)
        return cls(**values)

    def require(self, *names: str) -> None:
        """Refuse to go on without these variables."""
        missing = [f"{name} is required" for name in names if not getattr(self, name.lower())]
        if missing:
            raise ConfigurationError(missing)

    def masked(self) -> dict[str, str]:
        """Give each variable's effective value as text, secrets hidden."""
        return {item.name.upper(): _shown(item, getattr(self, item.name)) for item in fields(self)}


def variables() -> list[tuple[str, str, str]]:
    """List every variable as (name, default, meaning), in the order of the page."""
    return [
        (item.name.upper(), "" if item.default is MISSING else _plain(item.default),
         item.metadata["doc"])
        for item in fields(Settings)
    ]  # fmt: skip


def _read(
    item: Field[Any], source: Mapping[str, str], values: dict[str, Any], problems: list[str]
) -> None:
    name = item.name.upper()
    try:
        text = _given(name, source)
        if text is not None:
            values[item.name] = item.metadata["parse"](text)
        elif item.default is MISSING:
            problems.append(f"{name} is required")
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        problems.append(f"{name} {reason}")


def _given(name: str, source: Mapping[str, str]) -> str | None:
    """Give the variable's text, from the variable itself or from the file of `NAME_FILE`."""
    path = source.get(f"{name}_FILE")
    text = Path(path).read_text(encoding="utf-8").strip() if path else source.get(name)
    return text or None


def _missing_together(values: Mapping[str, Any]) -> list[str]:
    problems = []
    if values.get("public_url") and not values.get("telegram_webhook_secret"):
        problems.append("TELEGRAM_WEBHOOK_SECRET is required when PUBLIC_URL is set")
    if not values.get("kie_api_key") and not values.get("kie_stub"):
        problems.append("KIE_API_KEY is required unless KIE_STUB=1")
    return problems


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case tuple() | frozenset():
            return ",".join(str(part) for part in sorted(value))
        case _:
            return str(value)


def _shown(item: Field[Any], value: Any) -> str:
    text = _plain(value)
    if not item.metadata["secret"] or not text:
        return text
    parts = urlsplit(text)
    if parts.scheme and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit(parts._replace(netloc=f"***@{parts.hostname}{port}"))
    return "***"
