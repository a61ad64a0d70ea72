"""Checks the whole ledger while everything else runs."""

from service.store import audit
from service.store.audit import Finding


async def audit_ledger(url: str) -> list[Finding]:
    """List what does not add up; empty when all is well. All checks see one moment."""
    findings = []
    async with audit.open_snapshot(url) as snapshot:
        for check in audit.CHECKS:
            findings += await audit.list_findings(snapshot, check)
    return findings
