"""The folder of a private server, where the server's account can enter, and its owner lock."""

import fcntl
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from service.local.accounts import Account
from service.local.errors import LocalServerError
from service.local.processes import run

# Not /tmp: that may be a small memory file system, and it is emptied at boot.
SHARED_BASE = Path("/var/tmp")  # noqa: S108 (what is made below is private, its owner is checked)


@dataclass(frozen=True)
class Home:
    """A server's folder and the account that owns it and runs the server."""

    folder: Path
    account: Account

    @classmethod
    def make(cls, wanted: Path, accounts: list[Account]) -> "Home":
        """Make or find the wanted folder, or one in its place that the account can enter."""
        if not accounts:
            raise LocalServerError("root runs servers as another account, and `nobody` is missing")
        wanted = wanted.absolute()
        wanted.parent.mkdir(parents=True, exist_ok=True)
        if not can_enter(accounts[0], wanted.parent):
            digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:10]
            wanted = SHARED_BASE / f"kartina-{os.geteuid()}-{digest}"
        wanted.mkdir(mode=0o700, exist_ok=True)
        home = cls(wanted, _owner(wanted, accounts))
        home.account.give(wanted)
        wanted.chmod(0o700)
        return home

    def write(self, name: str, text: str) -> Path:
        """Write a file that only the server's account (and root) can read."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        self.account.give(path)
        return path


class OwnerLock:
    """Held by the living process that started a server; the kernel frees it when that dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Take the lock unless another living process has it; tell whether it is ours now."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the lock go, if held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def can_enter(account: Account, folder: Path) -> bool:
    """Tell whether the account may pass into the folder."""
    return run(["test", "-x", str(folder)], account=account).returncode == 0


def _owner(folder: Path, accounts: list[Account]) -> Account:
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode):
        if found.st_uid == os.geteuid():
            return accounts[0]
        # An earlier start may have used another account, before a package made a better one.
        for account in accounts:
            if account.user_id == found.st_uid:
                return account
    raise LocalServerError(f"{folder} belongs to somebody else; remove it and start again")
