"""Installation of a missing server program from the distribution, where the user may do that."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.local.accounts import Account
from service.local.errors import LocalServerError
from service.local.processes import run

# Debian's packages ask this program before they start a service.
START_GUARD = Path("/usr/sbin/policy-rc.d")
INSTALL_LIMIT_S = 900


def ensure_installed(package: str) -> None:
    """Install a server package without starting its service, or stop with what to install."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or not _may(root):
        raise LocalServerError(
            f"{package} is missing and may not be installed from here: "
            f"run `apt-get install {package}` as root, then try again"
        )
    sys.stderr.write(f"Installing {package} with apt-get (once) ...\n")
    with _no_service_start(root):
        for action in (["update"], ["install", "-y", "--no-install-recommends", package]):
            _apt(root, action, package)


def _apt(root: list[str], action: list[str], package: str) -> None:
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    done = run(
        [*root, *settings, "apt-get", "-q", *action], account=Account(), limit_s=INSTALL_LIMIT_S
    )
    if done.returncode != 0:
        reason = done.stdout.strip().splitlines()[-1:] or ["no output"]
        raise LocalServerError(
            f"apt-get {action[0]} failed ({reason[0]}): install {package} by hand, then try again"
        )


def _may(root: list[str]) -> bool:
    if not root:
        return True
    return shutil.which("sudo") is not None and (
        run([*root, "true"], account=Account(), limit_s=10).returncode == 0
    )


@contextmanager
def _no_service_start(root: list[str]) -> Iterator[None]:
    """Keep the distribution from starting a service of its own, unless it is kept already."""
    if START_GUARD.exists():
        yield
        return
    place = [*root, "install", "-m", "755", "/dev/stdin", str(START_GUARD)]
    run(place, account=Account(), text="#!/bin/sh\nexit 101\n")
    try:
        yield
    finally:
        run([*root, "rm", "-f", str(START_GUARD)], account=Account())
