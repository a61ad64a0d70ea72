"""The KIE stub's pictures, uploads and links over plain HTTP."""

import base64
import io

import aiohttp
import pytest
from PIL import Image

from tests.contracts.kie_stub_support import raw_kie, result_urls


async def test_the_picture_carries_its_prompt_and_model_and_has_the_asked_shape():
    prompt = "Рыжий кот 🚀 <b>&\x01 \ud800"
    async with raw_kie() as kie:
        # Given a finished task with a prompt that is hard to draw
        record = await kie.ended(await kie.created(prompt, aspect_ratio="16:9"))
        # When the result is fetched without a key
        status, mime_type, content = await kie.download(result_urls(record)[0])
    # Then the picture reads back what was asked for
    assert (status, mime_type) == (200, "image/png")
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.size == (768, 432)
        assert image.text["prompt"] == prompt.replace("\ud800", "?")
        assert image.text["model"] == "z-image"


@pytest.mark.parametrize(("spelling", "size"), [("9.9MB", 9_900_000), ("10MiB", 10_485_760)])
async def test_a_picture_of_an_exact_size_still_opens(spelling, size):
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created(f"[[size:{spelling}]]"))
        _, _, content = await kie.download(result_urls(record)[0])
    assert len(content) == size
    with Image.open(io.BytesIO(content)) as image:
        image.load()


async def test_a_picture_can_have_sides_over_every_limit():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[side:9000x300]]"))
        _, _, content = await kie.download(result_urls(record)[0])
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (9000, 300)


@pytest.mark.parametrize(
    ("model", "given", "count"),
    [
        ("wan/2-7-image", {}, 4),
        ("wan/2-7-image", {"n": 2}, 2),
        ("bytedance/seedream-v4-text-to-image", {"max_images": 3}, 3),
        ("grok-imagine/text-to-image", {"aspect_ratio": "1:1"}, 2),
        ("z-image", {}, 1),
    ],
)
async def test_each_model_makes_its_number_of_pictures(model, given, count):
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created(model=model, **given))
    assert len(set(result_urls(record))) == count


async def test_uploads_are_served_and_may_be_input_images():
    async with raw_kie() as kie:
        # Given a file uploaded in each of the three ways
        raw = base64.b64encode(b"\x89PNG body").decode()
        _, first = await kie.call(
            "POST",
            "/api/file-base64-upload",
            json={"base64Data": f"data:image/png;base64,{raw}", "uploadPath": "in"},
        )
        form = aiohttp.FormData({"uploadPath": "in", "fileName": "a.png"})
        form.add_field("file", b"\x89PNG body", filename="x.png", content_type="image/png")
        _, second = await kie.call("POST", "/api/file-stream-upload", data=form)
        address = first["data"]["downloadUrl"]
        _, third = await kie.call(
            "POST", "/api/file-url-upload", json={"fileUrl": address, "uploadPath": "in"}
        )
        urls = [answer["data"]["downloadUrl"] for answer in (first, second, third)]
        # When they are fetched and used
        files = [await kie.download(url) for url in urls]
        task_id = await kie.created(model="nano-banana-2", image_input=urls)
        record = await kie.ended(task_id)
    # Then all three hold the file and the task succeeds
    assert files == [(200, "image/png", b"\x89PNG body")] * 3
    assert record["state"] == "success"
    assert urls[1].endswith("/in/a.png")


async def test_download_links_are_given_for_own_results_only():
    async with raw_kie() as kie:
        url = result_urls(await kie.ended(await kie.created()))[0]
        _, link = await kie.call("POST", "/api/v1/common/download-url", json={"url": url})
        _, wrong = await kie.call("POST", "/api/v1/common/download-url", json={"url": "http://x/"})
        assert (await kie.download(link["data"]))[0] == 200
    assert wrong == {"code": 422, "msg": "url is wrong", "data": None}
