"""Reads the whole ledger at one moment and lists what does not add up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from service.domain.money import Kopecks
from service.store.pool import Db, Reader
from service.store.sql import queries

_sql = queries("audit")

#: Ten million movements take about a minute; a check that takes longer is broken off.
CHECK_TIMEOUT_S = 600
#: Each check is one query of `queries/audit/` that gives findings, and none when all is well.
CHECKS = (
    "list_broken_accounts",
    "list_altered_movements",
    "list_forbidden_movements",
    "list_repeated_welcomes",
    "list_unmoved_holds",
    "list_incomplete_resolutions",
    "list_misplaced_holds",
    "list_mispriced_tasks",
    "list_mispriced_generations",
    "list_negative_balances",
    "list_unheld_balances",
    "list_unbalanced_ledger",
    "list_incomplete_owners",
    "list_disabled_guards",
)
_CHAINS = "list_broken_accounts"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up; `id` is of the account, movement, hold, task or user."""

    what: str
    id: int | None
    expected: str
    found: str


@asynccontextmanager
async def open_snapshot(url: str) -> AsyncIterator[Db]:
    """Open a connection that sees the ledger at one moment and changes nothing."""
    connection = await asyncpg.connect(
        url,
        timeout=10,
        command_timeout=CHECK_TIMEOUT_S,
        server_settings={"application_name": "kartina audit"},
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close(timeout=5)


async def list_findings(db: Db, check: str) -> list[Finding]:
    """Run one of `CHECKS`."""
    findings = [Finding(**row) async for row in getattr(_sql, check)(db)]
    if check == _CHAINS and findings:
        # One walk shows where to look; a walk for each account could take hours.
        links = _sql.list_broken_links(db, account_id=findings[0].id)
        findings += [Finding(**row) async for row in links]
    return findings


async def get_drift(reader: Reader) -> Kopecks:
    """Give what is out of place at a glance, for the gauge; the audit looks at everything."""
    return Kopecks(await _sql.get_drift(reader))
