"""The three upload calls; what they keep is served like a result and may be an input image."""

import asyncio
import base64
import binascii
import mimetypes
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from service.stubs.kie_answers import Refusal, json_answer, refused
from service.stubs.kie_state import RESULT_LIFE_S, STATE, StoredFile, StubState, read_json_object

SESSION = web.AppKey("SESSION", aiohttp.ClientSession)
LARGEST_BYTES = 100 * 1_000_000
FETCH_LIMIT_S = 30.0
ACCOUNT_FOLDER = "kieai/136592"


async def upload_base64(request: web.Request) -> web.Response:
    """Keep a file given as a data URL or as raw base64."""
    body = await read_json_object(request) or {}
    text = str(body.get("base64Data") or "")
    head, comma, tail = text.partition(",")
    mime_type = head.removeprefix("data:").partition(";")[0] if comma else ""
    try:
        content = base64.b64decode(tail if comma else head, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        return refused(Refusal(400, "base64Data is not valid"))
    return _keep(request.app[STATE], body, content, mime_type)


async def upload_stream(request: web.Request) -> web.Response:
    """Keep a file given as multipart form data."""
    form = await request.post()
    upload = form.get("file")
    if not isinstance(upload, web.FileField):
        return refused(Refusal(400, "file is required"))
    content = await asyncio.to_thread(upload.file.read)
    return _keep(request.app[STATE], dict(form), content, upload.content_type)


async def upload_from_url(request: web.Request) -> web.Response:
    """Fetch a file from its address and keep it."""
    state = request.app[STATE]
    body = await read_json_object(request) or {}
    limit = aiohttp.ClientTimeout(total=max(1.0, state.scaled(FETCH_LIMIT_S)), connect=5)
    try:
        async with request.app[SESSION].get(str(body.get("fileUrl")), timeout=limit) as answer:
            answer.raise_for_status()
            content = await answer.content.read(LARGEST_BYTES)
            mime_type = answer.content_type
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return refused(Refusal(400, "The file could not be fetched from fileUrl"))
    return _keep(state, body, content, mime_type)


def _keep(state: StubState, body: dict[str, Any], content: bytes, mime_type: str) -> web.Response:
    folder = str(body.get("uploadPath") or "").strip("/")
    if not folder:
        return refused(Refusal(400, "uploadPath is required"))
    mime_type = mime_type or "application/octet-stream"
    ending = mimetypes.guess_extension(mime_type) or ".bin"
    name = str(body.get("fileName") or f"{time.time_ns() // 1_000_000}-{state.new_hex()[:11]}")
    name = name if "." in name else name + ending
    path = f"{ACCOUNT_FOLDER}/{folder}/{name}"
    file = StoredFile(
        made_at=time.monotonic(),
        life_s=state.scaled(RESULT_LIFE_S),
        content=content,
        mime_type=mime_type,
    )
    data = {
        "success": True,
        "fileName": name,
        "filePath": path,
        "downloadUrl": state.keep_file(f"/{path}", file),
        "fileSize": len(content),
        "mimeType": mime_type,
        "uploadedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    body_out = {"success": True, "code": 200, "msg": "File uploaded successfully", "data": data}
    return json_answer(body_out, headers={"Access-Control-Allow-Origin": "*"})
