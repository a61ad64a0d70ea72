"""Starts the processes that are measured, each pinned to a core, and reads their memory."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.support.rig import free_port, until_ready

KARTINA = Path(sys.executable).with_name("kartina")
STOP_LIMIT_S = 30


@contextlib.asynccontextmanager
async def running(
    command: list[str], environ: dict[str, str], log: Path, *, core: int | None = None
) -> AsyncIterator[subprocess.Popen]:
    """Run a command until the block ends, then end it by its own pid."""
    pinned = ["taskset", "-c", str(core), *command] if core is not None else command
    process = await asyncio.to_thread(_start, pinned, environ, log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, STOP_LIMIT_S)


def _start(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen:
    with log.open("w") as output:
        return subprocess.Popen(
            command, env={"PATH": os.defpath, **environ}, stdout=output, stderr=output
        )


async def ready(process: subprocess.Popen, url: str) -> None:
    """Wait until a process of ours is ready."""
    async with aiohttp.ClientSession() as http:
        await until_ready(http, url)
    assert process.poll() is None, "the process ended before it was ready"


async def accepts(port: int) -> None:
    """Wait until something listens on a loopback port."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)


def rss_mb(process: subprocess.Popen) -> float:
    """Give the memory a process holds, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return int(kilobytes) / 1024


__all__ = ["KARTINA", "accepts", "free_port", "ready", "rss_mb", "running"]
