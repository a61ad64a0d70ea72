"""Whether memory stays flat: 20,000 updates go through web and worker while both are watched."""

import asyncio
import subprocess
from dataclasses import dataclass

import asyncpg

from tests.bench.processes import rss_mb
from tests.bench.steady import post_steadily

UPDATES = 20_000
LIMIT_S = 600
#: Chunks: memory is read after each.
CHUNKS = 10


@dataclass(frozen=True)
class Sample:
    """Memory once so many updates were handled."""

    handled: int
    web_mb: float
    worker_mb: float


async def measure_memory(
    url: str, database_url: str, web: subprocess.Popen, worker: subprocess.Popen
) -> list[Sample]:
    """Post updates as they are handled, and read the memory of both processes on the way."""
    connection = await asyncpg.connect(database_url)
    query = "SELECT count(*) FROM updates WHERE handled_at IS NOT NULL AND update_id >= $1"
    first_id = 50_000_000
    samples = []
    try:
        for chunk in range(1, CHUNKS + 1):
            count = UPDATES // CHUNKS
            await post_steadily(url, first_id=first_id + (chunk - 1) * count, count=count)
            async with asyncio.timeout(LIMIT_S):
                while await connection.fetchval(query, first_id) < chunk * count:
                    await asyncio.sleep(0.2)
            samples.append(Sample(chunk * count, rss_mb(web), rss_mb(worker)))
    finally:
        await connection.close()
    return samples
