"""Which OS account runs a private server."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class SwitchArguments(TypedDict, total=False):
    """The arguments by which `subprocess` changes to another account."""

    user: int
    group: int
    extra_groups: Iterable[int]


@dataclass(frozen=True)
class Account:
    """The OS account of a server; without ids it is the caller's own."""

    user_id: int | None = None
    group_id: int | None = None

    def switch_arguments(self) -> SwitchArguments:
        """Return what `subprocess` needs to run a program as this account."""
        if self.user_id is None or self.group_id is None:
            return {}
        # Root's own groups must not stay with a server that was meant to have no rights.
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this account the owner of a file or folder."""
        if self.user_id is not None and self.group_id is not None:
            os.chown(path, self.user_id, self.group_id)


def server_accounts(*names: str) -> list[Account]:
    """Return the accounts that may run a server, best first: for root those that exist."""
    if os.geteuid() != 0:
        return [Account()]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return [Account(known[name].pw_uid, known[name].pw_gid) for name in names if name in known]
