"""Result files, uploads and temporary links, served from the stub's one address."""

import asyncio
import time

from aiohttp import web

from service.stubs import kie_pictures as pictures
from service.stubs.kie_answers import Refusal, ok, refused
from service.stubs.kie_catalogue import makes_video, picture_count
from service.stubs.kie_state import (
    LINK_LIFE_S,
    STATE,
    StoredFile,
    StubState,
    StubTask,
    read_json_object,
)
from service.stubs.kie_validation import url_values


async def serve_file(request: web.Request) -> web.StreamResponse:
    """Serve a file, or what has become of it by the task's scenarios."""
    state = request.app[STATE]
    file = state.files.get(request.path)
    if file is None or file.expired():
        return web.Response(status=404, text="Not Found")
    file.downloads += 1
    if file.task is None:
        return web.Response(body=file.content, content_type=file.mime_type)
    fault = file.task.scenarios.get("T21")
    variant = fault.variant if fault and fault.shows_at(file.downloads) else ""
    if variant in ("403", "404"):
        return web.Response(status=int(variant), text="expired")
    if variant == "html":
        return web.Response(body=b"<html>gone</html>", content_type="image/png")
    content = await _content_of(state, file, file.task, jpeg=variant == "jpg")
    if variant in ("truncated", "hang"):
        return await _half_a_file(request, content, hang=variant == "hang")
    return web.Response(body=content, content_type=_mime_type(request.path, variant))


async def make_download_link(request: web.Request) -> web.Response:
    """Give a link of 20 minutes to a result of the stub's own."""
    state = request.app[STATE]
    body = await read_json_object(request) or {}
    file = state.own_file(str(body.get("url", "")))
    if file is None or file.task is None:
        return refused(Refusal(422, "url is wrong"))
    link = StoredFile(
        made_at=time.monotonic(),
        life_s=state.scaled(LINK_LIFE_S),
        task=file.task,
        index=file.index,
    )
    return ok(state.keep_file(f"/d/{state.new_hex()}.png", link))


def _mime_type(path: str, variant: str) -> str:
    if variant == "type":
        return "text/html"
    if path.endswith(".mp4"):
        return "video/mp4"
    return "image/jpeg" if path.endswith(".jpg") else "image/png"


async def _content_of(state: StubState, file: StoredFile, task: StubTask, *, jpeg: bool) -> bytes:
    model = state.models[task.model]
    if makes_video(model):
        return pictures.tiny_video()
    ignored = task.scenarios.get("T31") is not None
    caption = pictures.Caption(
        prompt=task.prompt,
        model=task.model,
        title=model["title"],
        index=file.index,
        count=len(task.result_urls) or picture_count(model, task.input),
        inputs=0 if ignored else len(url_values(model, task.input)),
    )
    return await asyncio.to_thread(_draw, task, caption, jpeg)


def _draw(task: StubTask, caption: pictures.Caption, jpeg: bool) -> bytes:
    given = task.input
    ratio = given.get("aspect_ratio") or given.get("image_size") or "1:1"
    resolution = given.get("resolution") or given.get("image_resolution") or "1K"
    side = task.scenarios.variant("side")
    size = pictures.dimensions(ratio=str(ratio), resolution=str(resolution), side=side)
    picture = pictures.draw_picture(caption, size=size, jpeg=jpeg)
    wanted = task.scenarios.variant("size")
    if not wanted or jpeg:
        return picture
    size_bytes = pictures.size_in_bytes(wanted)
    if size_bytes < len(picture) + 12:
        picture = pictures.draw_picture(caption, size=(64, 64))
    return pictures.picture_of_size(max(size_bytes, len(picture) + 12), picture)


async def _half_a_file(request: web.Request, content: bytes, *, hang: bool) -> web.StreamResponse:
    """Promise the whole file, send half, then cut the connection or keep it silent."""
    response = web.StreamResponse(headers={"Content-Type": "image/png"})
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if hang:
        await request.app[STATE].closing.wait()
    if request.transport is not None:
        request.transport.close()
    return response
