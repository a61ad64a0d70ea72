"""Durable acknowledgements: our web process against aiogram's own handler, in turns."""

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.baseline import SECRET
from tests.bench.load import LoadResult, wrk
from tests.bench.processes import KARTINA, accepts, free_port, ready, rss_mb, running
from tests.bench.steady import post_steadily

ROUNDS = 3
CONNECTIONS = 32
SECONDS = 6
SERVER_CORE, LOAD_CORE = 0, 1


@dataclass
class AckFigures:
    """What was measured, a value for each round."""

    ours: list[LoadResult]
    baseline: list[LoadResult]
    web_rss_mb: list[float]
    steady_ms: list[float]  # at 200/s

    @property
    def ratio(self) -> float:
        """How many times the baseline's rate ours is, by the medians."""
        ours = median(result.per_second for result in self.ours)
        return ours / median(result.per_second for result in self.baseline)


async def measure_ack(environ: dict[str, str], folder: Path) -> AckFigures:
    """Measure both in turns, so that whatever else the machine does hurts both."""
    figures = AckFigures([], [], [], [])
    for number in range(ROUNDS):
        figures.baseline.append(await _baseline(environ, folder))
        port = free_port()
        values = environ | {"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        log = folder / f"web-{number}.log"
        async with running([str(KARTINA), "web"], values, log, core=SERVER_CORE) as web:
            url = f"http://127.0.0.1:{port}"
            await ready(web, url)
            figures.web_rss_mb.append(rss_mb(web))
            figures.steady_ms += await post_steadily(url, first_id=(number + 1) * 1_000_000)
            figures.ours.append(_load(url, folder, first_id=(number + 1) * 10_000_000))
            figures.web_rss_mb.append(rss_mb(web))
    return figures


async def _baseline(environ: dict[str, str], folder: Path) -> LoadResult:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.baseline", str(port)]
    async with running(command, environ, folder / "baseline.log", core=SERVER_CORE):
        await accepts(port)
        return _load(f"http://127.0.0.1:{port}", folder, first_id=1)


def _load(url: str, folder: Path, *, first_id: int) -> LoadResult:
    return wrk(
        url, folder, connections=CONNECTIONS, seconds=SECONDS, first_id=first_id, secret=SECRET,
        core=LOAD_CORE,
    )  # fmt: skip
