"""A large upload passes through: it never lies in memory as a whole."""

import contextlib
import tracemalloc

import pytest
from aiohttp import web

from service.gateways.telegram import TelegramClient
from service.ports import Upload

SIZE_BYTES = 49_000_000
PEAK_BYTES_MAX = 5_000_000
CHUNK_BYTES = 64 * 1024


@pytest.fixture
async def sink():
    """A Bot API that counts what comes and keeps nothing."""
    counted = []

    async def swallow(request):
        size_bytes = 0
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            size_bytes += len(chunk)
        counted.append(size_bytes)
        return web.json_response({"ok": True, "result": {"message_id": 1}})

    app = web.Application()
    app.router.add_post("/{path:.*}", swallow)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", counted
    await runner.cleanup()


@contextlib.contextmanager
def traced():
    """Measure the memory that Python takes."""
    tracemalloc.start()
    yield tracemalloc
    tracemalloc.stop()


async def test_a_document_of_49_mb_is_streamed_from_disk(sink, tmp_path):
    # Given a file as large as a bot may send
    path = tmp_path / "poster.png"
    with path.open("wb") as stream:
        stream.truncate(SIZE_BYTES)
    url, counted = sink

    # When it is uploaded
    async with TelegramClient(url, "1:token") as client:
        with traced() as memory:
            await client.call(
                "sendDocument",
                {"chat_id": 1, "document": "attach://file0"},
                files={"file0": Upload(path, "poster.png")},
            )
            _, peak_bytes = memory.get_traced_memory()

    # Then all of it arrived, and no more than a few pieces were held at a time
    assert counted[0] > SIZE_BYTES
    assert peak_bytes < PEAK_BYTES_MAX
