"""The commands. Each imports what it needs when it runs: aiogram alone takes seconds."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

from service.errors import ConfigurationError, KartinaError
from service.logging import set_up_logging
from service.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kartina")
def main() -> None:
    """Kartina: a Telegram bot that sells AI pictures."""


@main.command()
def web() -> None:
    """Take Telegram's webhook and KIE's callback; sweep; serve health and metrics."""
    from service.app import serve_web  # noqa: PLC0415 - see the module's docstring

    settings = _settings()
    _require(settings, "DATABASE_URL", "RABBITMQ_URL")
    _run(serve_web(settings))


@main.command()
def worker() -> None:
    """Do the work: converse, submit, settle, deliver."""
    from actors.worker import serve_worker  # noqa: PLC0415
    from service.stubs.builtin import with_kie_stub  # noqa: PLC0415

    settings = _settings()
    _require(settings, "DATABASE_URL", "RABBITMQ_URL")

    async def serve() -> None:
        async with with_kie_stub(settings) as pointed:
            await serve_worker(pointed)

    _run(serve())


@main.command()
def run() -> None:
    """Run web and worker in one process; starts the servers that no variable names."""
    from actors.machine import run_machine  # noqa: PLC0415

    _run(run_machine(_settings()))


@main.command()
@click.option("--check", is_flag=True, help="Apply nothing; exit 1 when some are missing.")
def migrate(check: bool) -> None:
    """Bring the database up to this version."""
    settings = _settings()
    _require(settings, "DATABASE_URL")
    if check:
        names = _run(_missing(settings.database_url or ""))
        for name in names:
            click.echo(f"missing: {name}")
        sys.exit(1 if names else 0)
    applied = _run(_migrate(settings))
    click.echo("\n".join(f"applied: {name}" for name in applied) or "nothing to apply")


@main.command()
@click.option("--script", is_flag=True, help="Play one conversation and exit, no terminal needed.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the demo keeps its data.")
def demo(script: bool, data_dir: Path | None) -> None:
    """Chat with the whole bot in the terminal, against simulated Telegram and KIE."""
    from actors.machine import run_machine  # noqa: PLC0415
    from service.demo.stage import play_demo  # noqa: PLC0415

    is_script = script or not (sys.stdin.isatty() and sys.stdout.isatty())
    _run(play_demo(run_machine, script=is_script, data_dir=data_dir))


@main.command()
def audit() -> None:
    """Check the whole ledger; exit 1 if anything does not add up."""
    from service.flows.audit_ledger import audit_ledger  # noqa: PLC0415

    settings = _settings()
    _require(settings, "DATABASE_URL")
    findings = _run(audit_ledger(settings.database_url or ""))
    for finding in findings:
        click.echo(
            f"{finding.what}: {finding.id}: expected {finding.expected}, found {finding.found}"
        )
    click.echo(f"{len(findings)} findings" if findings else "the ledger adds up")
    sys.exit(1 if findings else 0)


@main.command()
def config() -> None:
    """Show the effective settings, secrets masked; exit 1 if one is missing or bad."""
    settings = _settings()
    for name, value in settings.masked().items():
        click.echo(f"{name}={value}")
    if settings.database_url:
        click.echo(f"ledger_guard: {_run(_ledger_guard(settings.database_url))}")


@main.command("kie-stub")
@click.option("--time-factor", type=float, default=1.0, help="Scales every latency of the stub.")
def kie_stub(time_factor: float) -> None:
    """Run the KIE stub alone, on HOST:PORT."""
    from service.stubs.builtin import STUB_KEY  # noqa: PLC0415
    from service.stubs.kie_server import KieStubOptions, serve  # noqa: PLC0415

    settings = _settings(telegram_bot_token="unused", kie_stub=True)  # noqa: S106 - no secret
    options = KieStubOptions(
        host=settings.host, port=settings.port, api_key=settings.kie_api_key or STUB_KEY,
        time_factor=time_factor,
        hmac_key=settings.kie_webhook_hmac_key[0] if settings.kie_webhook_hmac_key else None,
    )  # fmt: skip
    _run(serve(options))


@main.command("telegram-stub")
@click.option("--time-factor", type=float, default=1.0, help="Scales every wait of the stub.")
def telegram_stub(time_factor: float) -> None:
    """Run the Telegram stub alone, on HOST:PORT."""
    from service.stubs.telegram_server import TelegramStubOptions, serve  # noqa: PLC0415

    settings = _settings(kie_stub=True)
    options = TelegramStubOptions(
        host=settings.host, port=settings.port, bot_token=settings.telegram_bot_token,
        time_factor=time_factor,
    )  # fmt: skip
    _run(serve(options))


def _settings(**overrides: Any) -> Settings:
    try:
        settings = Settings.load(**overrides)
    except ConfigurationError as error:
        _refuse(error)
    set_up_logging(settings)
    return settings


def _require(settings: Settings, *names: str) -> None:
    try:
        settings.require(*names)
    except ConfigurationError as error:
        _refuse(error)


def _refuse(error: ConfigurationError) -> None:
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(1)


def _run(main_coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end; an error of ours is one line, not a traceback."""
    try:
        return uvloop.run(main_coroutine)
    except KartinaError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


async def _migrate(settings: Settings) -> list[str]:
    from service.store.migrations import migrate_for  # noqa: PLC0415

    app_url = settings.database_url or ""
    return await migrate_for(settings.migrate_database_url or app_url, app_url)


async def _missing(url: str) -> list[str]:
    from service.store.migrations import missing  # noqa: PLC0415

    names: list[str] = await _with_connection(url, missing)
    return names


async def _ledger_guard(url: str) -> str:
    from service.store.ledger import get_guard  # noqa: PLC0415

    guard: str = await _with_connection(url, get_guard)
    return guard


async def _with_connection(url: str, ask: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    import asyncpg  # noqa: PLC0415

    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise KartinaError(f"PostgreSQL does not answer ({error}): check DATABASE_URL") from error
    try:
        return await ask(connection)
    finally:
        await connection.close(timeout=5)
