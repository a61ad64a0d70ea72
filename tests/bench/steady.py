"""Posts updates at a fixed rate, however long an answer takes, and times each."""

import asyncio
from time import monotonic

import aiohttp

from tests.bench.baseline import PATH, SECRET

PER_S = 200
SECONDS = 10


async def post_steadily(url: str, *, first_id: int, count: int = PER_S * SECONDS) -> list[float]:
    """Give the milliseconds from each POST to its answer."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    times_ms: list[float] = []

    async def post(update_id: int) -> None:
        started = monotonic()
        async with http.post(f"{url}{PATH}", json=_update(update_id), headers=headers) as answer:
            assert answer.ok, answer.status
        times_ms.append((monotonic() - started) * 1000)

    async with aiohttp.ClientSession() as http:
        started = monotonic()
        running = []
        for index in range(count):
            await asyncio.sleep(max(0.0, started + index / PER_S - monotonic()))
            running.append(asyncio.create_task(post(first_id + index)))
        await asyncio.gather(*running)
    return times_ms


def _update(update_id: int) -> dict:
    chat_id = 600_000_000 + update_id % 1000
    sender = {"id": chat_id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    message = {
        "message_id": update_id,
        "from": sender,
        "chat": {"id": chat_id, "first_name": "Ann", "type": "private"},
        "date": 1_795_400_000,
        "text": "/start",
    }
    return {"update_id": update_id, "message": message}
