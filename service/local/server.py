"""What both private servers share: ownership, start and stop, what a restart must find again."""

import atexit
import json
import secrets
import shutil
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from service.local import processes
from service.local.accounts import Account
from service.local.errors import LocalServerError
from service.local.homes import Home, OwnerLock
from service.local.ports import keep_or_replace

STOP_LIMIT_S = 30
RETRY_S = 0.3


class PrivateServer(ABC):
    """A server in a folder of its own; it ends with `stop`, with its block or with this program.

    A server that a dead program left in the folder is taken over; one that a living program
    owns is shared and left to its owner.
    """

    title: str
    ports_needed: int
    start_limit_s: float
    # What a failed start says in its log when another try a moment later may succeed.
    passing_troubles: tuple[str, ...]

    def __init__(self, data_dir: Path, accounts: list[Account]) -> None:
        self._wanted = data_dir
        self._accounts = accounts
        self._opened: Home | None = None
        self._lock: OwnerLock | None = None
        self._ports: list[int] = []
        self._password = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The loopback port that clients use."""
        return self._ports[0]

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        pid = self._running()
        if pid is None:
            raise LocalServerError(f"{self.title} does not run; see {self.log}, then start it")
        return pid

    @property
    def log(self) -> Path:
        """The file with everything the server said."""
        return self._home.folder / "server.log"

    def start(self) -> None:
        """Start the server, or take over the one in the folder; return when it serves."""
        if not self._owner.take():
            # Its owner may still be starting it.
            if not processes.wait_until(self._shared_is_ready, limit_s=self.start_limit_s):
                raise LocalServerError(
                    f"{self.title}: another program owns {self._home.folder} and does not start it"
                )
            return
        self._remember()
        if self._running() is None:
            self._start_until_ready()
        elif not processes.wait_until(self._is_ready, limit_s=self.start_limit_s):
            raise self._failure()
        atexit.register(self._end_with_program)

    def stop(self) -> None:
        """Stop the server in order; what it keeps is safe. A server of another owner goes on."""
        self._finish(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        pid = self._running()
        if pid is not None:
            helpers = processes.children(pid)
            processes.end(pid, signal.SIGKILL, limit_s=STOP_LIMIT_S)
            # They notice their parent's death; until then a new start may be refused.
            processes.wait_until(
                lambda: not any(map(processes.is_alive, helpers)), limit_s=STOP_LIMIT_S
            )

    def erase(self) -> None:
        """Stop the server and delete its folder with all data."""
        self.stop()
        if self._owner.take():
            shutil.rmtree(self._home.folder, ignore_errors=True)
            self._owner.release()
        self._opened = self._lock = None

    def leave_running(self) -> None:
        """Let the server outlive this program; a later `start` and `stop` will find it."""
        atexit.unregister(self._end_with_program)
        self._owner.release()

    def _finish(self, number: signal.Signals) -> None:
        if not self._owner.take():
            return
        pid = self._running()
        if pid is not None and not processes.end(pid, number, limit_s=STOP_LIMIT_S):
            self.kill()
        self._end_remains()
        self.leave_running()

    def _end_with_program(self) -> None:
        if self._owner.is_held:
            self.stop()

    @property
    def _home(self) -> Home:
        if self._opened is None:
            self._opened = Home.make(self._wanted, self._accounts)
        return self._opened

    @property
    def _owner(self) -> OwnerLock:
        if self._lock is None:
            self._lock = OwnerLock(self._home.folder / "owner.lock")
        return self._lock

    def _start_until_ready(self) -> None:
        deadline = time.monotonic() + self.start_limit_s
        self._prepare()
        while True:
            self._end_remains()
            self._ports = keep_or_replace(self._ports, self.ports_needed)
            self._keep()
            said_before = self.log.stat().st_size if self.log.exists() else 0
            if self._serves(self._launch(), limit_s=deadline - time.monotonic()):
                return
            said = self.log.read_bytes()[said_before:].decode(errors="replace")
            passing = any(trouble in said for trouble in self.passing_troubles)
            if not passing or time.monotonic() > deadline:
                failure = self._failure()
                self._finish(signal.SIGKILL)
                raise failure
            time.sleep(RETRY_S)

    def _serves(self, pid: int, *, limit_s: float) -> bool:
        processes.wait_until(
            lambda: self._is_ready() or not processes.is_alive(pid), limit_s=limit_s
        )
        return processes.is_alive(pid) and self._is_ready()

    def _shared_is_ready(self) -> bool:
        self._remember()
        return self._running() is not None and self._is_ready()

    def _remember(self) -> None:
        try:
            known = json.loads((self._home.folder / "address.json").read_text())
            self._ports, self._password = known["ports"], known["password"]
        except (OSError, ValueError, KeyError):
            self._ports, self._password = [], secrets.token_hex(16)

    def _keep(self) -> None:
        self._home.write(
            "address.json", json.dumps({"ports": self._ports, "password": self._password})
        )

    def _failure(self) -> LocalServerError:
        said = processes.last_lines(self.log)
        return LocalServerError(f"{self.title} did not start; the log {self.log} ends:\n{said}")

    @abstractmethod
    def _end_remains(self) -> None:
        """End what a stopped or dead server leaves behind."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address with login and password."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the server needs before its first start."""

    @abstractmethod
    def _launch(self) -> int:
        """Start the server's process and return its id."""

    @abstractmethod
    def _running(self) -> int | None:
        """Return the id of the server process of this folder, if it lives."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Tell whether clients can connect."""
