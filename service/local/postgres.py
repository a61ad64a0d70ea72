"""A private PostgreSQL server: its own folder, a free loopback port, a random password."""

import shutil
import signal
from pathlib import Path
from typing import Literal

from service.local import processes
from service.local.accounts import server_accounts
from service.local.errors import LocalServerError
from service.local.packages import ensure_installed
from service.local.ports import LOOPBACK
from service.local.programs import PostgresPrograms, find_postgres
from service.local.server import PrivateServer

DATABASE = "kartina"
OWNER = "postgres"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    # A socket file's path may be too long below a deep checkout, and nothing here uses one.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# Lines of postmaster.pid: the process id, and whether connections are accepted.
PID_LINE, STATUS_LINE = 0, 7


class PrivatePostgres(PrivateServer):
    """A PostgreSQL server of our own, with one empty database and its superuser."""

    title = "PostgreSQL"
    ports_needed = 1
    start_limit_s = 30
    passing_troubles = ("pre-existing shared memory", "Address already in use", "lock file")

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        super().__init__(data_dir, server_accounts("postgres", "nobody"))
        self._durable = durable
        self._programs: PostgresPrograms | None = None

    @property
    def url(self) -> str:
        """The owner's address; other logins are made through it."""
        return f"postgresql://{OWNER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server: `fast` ends sessions in order, `immediate` leaves a recovery to do."""
        self._finish(SIGNALS[mode])

    @property
    def _data(self) -> Path:
        return self._home.folder / "data"

    def _prepare(self) -> None:
        made = self._data / "PG_VERSION"
        major = int(made.read_text()) if made.exists() else None
        self._programs = find_postgres(self._home.account, major=major)
        if self._programs is None and major is None:
            ensure_installed("postgresql")
            self._programs = find_postgres(self._home.account)
        if self._programs is None:
            raise LocalServerError(
                f"{self._data} needs PostgreSQL {major or '15 or newer'}: install it, or remove "
                "the folder if its data may be lost"
            )
        if major is None:
            self._make_cluster()

    def _make_cluster(self) -> None:
        # Made aside and renamed, so that a start that was cut off leaves no half of it.
        beside = self._home.folder / "data.new"
        shutil.rmtree(beside, ignore_errors=True)
        self._keep()
        password = self._home.write("password", self._password)
        self._run(
            "initdb",
            *("-D", str(beside), "-U", OWNER, "--pwfile", str(password)),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            *(() if self._durable else ("--no-sync",)),
        )
        self._run(
            "postgres", "--single", "-D", str(beside), OWNER, text=f"CREATE DATABASE {DATABASE}"
        )
        beside.rename(self._data)
        password.unlink()

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        assert self._programs is not None
        command = [str(self._programs.folder / program), *arguments]
        account, folder = self._home.account, self._home.folder
        done = processes.run(command, account=account, folder=folder, text=text)
        if done.returncode != 0:
            said = "\n".join(done.stdout.splitlines()[-8:])
            raise LocalServerError(f"{program} failed in {self._home.folder}:\n{said}")

    def _launch(self) -> int:
        assert self._programs is not None
        settings = {**SETTINGS, "port": str(self.port)}
        if not self._durable:
            settings |= FAST_SETTINGS
        command = [str(self._programs.folder / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return processes.spawn(
            command,
            account=self._home.account,
            environment={},
            folder=self._home.folder,
            log=self.log,
        )

    def _end_remains(self) -> None:
        # Called when the server is known to be dead: its mark would stop the next one, should
        # another process have got its number by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _running(self) -> int | None:
        lines = self._status()
        if not lines or not lines[PID_LINE].isdigit():
            return None
        pid = int(lines[PID_LINE])
        return pid if processes.is_server(pid, program="postgres", folder=self._data) else None

    def _is_ready(self) -> bool:
        lines = self._status()
        return (
            len(lines) > STATUS_LINE
            and lines[STATUS_LINE].strip() == "ready"
            and self._running() is not None
        )

    def _status(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []
