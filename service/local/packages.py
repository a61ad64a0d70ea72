"""Installation of a missing server program from the distribution, where the user may do that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.local.errors import LocalServerError

# Debian's packages ask this program before they start a service.
START_GUARD = Path("/usr/sbin/policy-rc.d")
GUARD_TEXT = "#!/bin/sh\n# Written by Kartina while it installs a package.\nexit 101\n"
INSTALL_LIMIT_S = 900
APT = [
    *("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"),
    *("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"),
]


def ensure_installed(package: str) -> None:
    """Install a server package without starting its service, or stop with what to install."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or not _may_install(root):
        raise LocalServerError(
            f"{package} is missing and you may not install it from here: "
            f"run `apt-get install {package}` as root, then try again"
        )
    sys.stderr.write(f"Installing {package} with apt-get (only this once) ...\n")
    sys.stderr.flush()
    with _no_service_start(root):
        # A list that cannot be refreshed may still be good enough: the install will tell.
        _run([*root, *APT, "update"])
        done = _run([*root, *APT, "install", "-y", "--no-install-recommends", package])
    if done.returncode != 0:
        reason = done.stdout.strip().rpartition("\n")[2]
        raise LocalServerError(
            f"apt-get could not install {package} ({reason}): install it, then try again"
        )


def _may_install(root: list[str]) -> bool:
    if not root:
        return True
    return shutil.which("sudo") is not None and _run([*root, "true"]).returncode == 0


@contextmanager
def _no_service_start(root: list[str]) -> Iterator[None]:
    """Keep the distribution from starting a service of its own, unless it is kept already."""
    if START_GUARD.exists():
        yield
        return
    _run([*root, "install", "-m", "755", "/dev/stdin", str(START_GUARD)], text=GUARD_TEXT)
    try:
        yield
    finally:
        _run([*root, "rm", "-f", str(START_GUARD)])


def _run(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    # Unlike a server's, its environment is the caller's: a proxy may be named there.
    return subprocess.run(  # noqa: S603 (our own constant programs)
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
