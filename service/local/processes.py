"""Start, recognise and end the processes of private servers, always by their own ids."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from service.local.accounts import Account

# A clean environment: what the caller has set for its own servers must not reach ours.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASE_ENVIRONMENT = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
POLL_S = 0.02

# Children of this program, whose exit status nobody else collects.
_spawned: set[int] = set()


def run(
    command: list[str],
    *,
    account: Account,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path("/"),
    text: str = "",
    limit_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a short program as this account and return its status and what it said."""
    return subprocess.run(  # noqa: S603 (our own constant programs; nothing comes from outside)
        command,
        env={**BASE_ENVIRONMENT, **(environment or {})},
        cwd=folder,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=limit_s,
        check=False,
        **account.switch_arguments(),
    )


def spawn(
    command: list[str],
    *,
    account: Account,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
) -> int:
    """Start a server in its folder, apart from our terminal's signals; return its process id."""
    with log.open("ab") as output:
        account.give(log)
        process = subprocess.Popen(  # noqa: S603 (our own constant programs)
            command,
            env={**BASE_ENVIRONMENT, **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **account.switch_arguments(),
        )
    # Servers are known by process id from here on: a later program must be able to end them too.
    process.returncode = 0
    _spawned.add(process.pid)
    return process.pid


def is_server(pid: int, *, program: str, folder: Path) -> bool:
    """Tell whether this process is alive, runs this program and was started in this folder."""
    entry = Path("/proc") / str(pid)
    try:
        return (
            (entry / "exe").readlink().name.startswith(program)
            and (entry / "cwd").readlink() == folder.resolve()
            and is_alive(pid)
        )
    except OSError:
        return False


def find_server(*, program: str, folder: Path) -> int | None:
    """Return the id of the server that was started in this folder, if it runs."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            # A server leads a session of its own; a helper that it started does not.
            if is_server(pid, program=program, folder=folder) and os.getsid(pid) == pid:
                return pid
    return None


def is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that ended and waits for its parent does not."""
    if pid in _spawned:
        if os.waitpid(pid, os.WNOHANG)[0] != pid:
            return True
        _spawned.discard(pid)
        return False
    entry = Path("/proc") / str(pid)
    try:
        status = (entry / "stat").read_text()
        # The first thread may have ended while others still hold files and ports.
        threads = len(list((entry / "task").iterdir()))
    except OSError:
        return False
    return threads > 1 or status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def children(pid: int) -> list[int]:
    """Return the ids of the processes which this process started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def end(pid: int, number: signal.Signals, *, limit_s: float) -> bool:
    """Send a signal and tell whether the process ended within the limit."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    return wait_until(lambda: not is_alive(pid), limit_s=limit_s)


def wait_until(condition: Callable[[], bool], *, limit_s: float) -> bool:
    """Poll a condition and tell whether it became true within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def last_lines(log: Path, count: int = 8) -> str:
    """Return the end of a log file, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-count:])
