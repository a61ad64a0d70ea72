"""Processes as an operator starts them: the console script, its environment, log and end."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

KARTINA = Path(sys.executable).with_name("kartina")
#: The contract: a process ends this soon after SIGTERM.
STOP_LIMIT_S = 25
RUN_LIMIT_S = 60
READY_LIMIT_S = 60
POLL_S = 0.05
#: So many lines of its log are shown when the test fails.
LINES_SHOWN = 15
#: Nothing of the test's own environment reaches a process but this.
_SEARCH_PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
_TROUBLE = frozenset({"error", "critical"})


@dataclass
class KartinaProcess:
    """One running `kartina web` or `kartina worker`."""

    name: str
    url: str
    log: Path
    popen: subprocess.Popen[bytes]

    async def until_ready(self, http: aiohttp.ClientSession) -> None:
        """Wait until /health/ready says 200."""
        async with asyncio.timeout(READY_LIMIT_S):
            while not await self._is_ready(http):
                assert self.popen.poll() is None, f"{self.name} ended with {self.popen.returncode}"
                await asyncio.sleep(POLL_S)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.url}/health/ready") as answer:
                return answer.ok
        except aiohttp.ClientConnectionError:
            return False

    async def stop(self) -> int:
        """Send SIGTERM and give the exit status; one that does not end in time is killed."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.popen.wait, STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return await asyncio.to_thread(self.popen.wait, STOP_LIMIT_S)

    def memory_mb(self) -> float:
        """Give what the running process holds in memory at present."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def events(self) -> list[dict[str, Any]]:
        """Give every event it has logged; what is no event is one named `not_an_event`."""
        return [_event(line) for line in self.log.read_text().splitlines() if line.strip()]

    def troubles(self) -> list[dict[str, Any]]:
        """Give what it logged as an error, and what it said outside its log."""
        return [event for event in self.events() if event.get("level") in _TROUBLE]

    def last_lines(self) -> str:
        """Give the end of its log."""
        return "\n".join(self.log.read_text().splitlines()[-LINES_SHOWN:])


def _event(line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"level": "error", "event": "not_an_event", "line": line}
    return event


@asynccontextmanager
async def kartina(
    command: str, *, name: str, url: str, folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[KartinaProcess]:
    """Run `kartina COMMAND` until the block ends; it must obey SIGTERM and exit 0.

    A failure shows the end of its log.
    """
    process = _start(command, name=name, url=url, folder=folder, environ=environ)
    try:
        yield process
        assert await process.stop() == 0, f"{name} did not exit 0 at SIGTERM"
    except BaseException as error:
        error.add_note(f"--- {name}, {process.log}:\n{process.last_lines()}")
        raise
    finally:
        await process.stop()


def _start(
    command: str, *, name: str, url: str, folder: Path, environ: Mapping[str, str]
) -> KartinaProcess:
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [KARTINA, command], env=_SEARCH_PATH | dict(environ), cwd=folder,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    return KartinaProcess(name, url, log, popen)


@asynccontextmanager
async def all_ready(
    processes: Sequence[AbstractAsyncContextManager[KartinaProcess]], http: aiohttp.ClientSession
) -> AsyncIterator[list[KartinaProcess]]:
    """Start several processes at once, go on when all are ready; end them at once too."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(each) for each in processes]
        await asyncio.gather(*(process.until_ready(http) for process in started))
        yield started
        await asyncio.gather(*(process.stop() for process in started))


async def run_kartina(*arguments: str, environ: Mapping[str, str]) -> str:
    """Run a short command to its end and give what it said; it must succeed."""
    done = await asyncio.to_thread(_run, arguments, environ)
    assert done.returncode == 0, f"kartina {arguments[0]} said:\n{done.stdout}{done.stderr}"
    return done.stdout


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KARTINA, *arguments], env=_SEARCH_PATH | dict(environ),
        capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False,
    )  # fmt: skip
