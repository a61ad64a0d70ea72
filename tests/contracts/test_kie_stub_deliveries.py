"""Section 7 of the KIE facts over plain HTTP: rows that show in callbacks and in result files."""

import asyncio
import base64
import hashlib
import hmac
import io
import time

import aiohttp
import pytest
from PIL import Image

from service.stubs.kie_scenarios import ROWS, parse_scenario
from tests.contracts.kie_stub_support import Receiver, raw_kie, receiving, result_urls, until


def genuine(receiver: Receiver, task_id: str, *, number: int = 0) -> bool:
    headers = receiver.headers[number]
    message = f"{task_id}.{headers['X-Webhook-Timestamp']}".encode()
    expected = base64.b64encode(hmac.new(b"hook", message, hashlib.sha256).digest()).decode()
    return headers["X-Webhook-Signature"] == expected


def test_every_row_of_the_fact_sheet_has_a_scenario():
    assert {f"t{number}" for number in range(1, 35)} <= ROWS.keys()
    assert all(parse_scenario(f"{row.name}:{one}") for row in ROWS.values() for one in row.variants)


async def test_t10_the_callback_never_comes_though_the_task_is_done():
    async with raw_kie() as kie, receiving() as receiver:
        task_id = await kie.created("[[T10]]", callback=receiver.url)
        await kie.stub.idle()
        record = await kie.ended(task_id)
    assert record["state"] == "success"
    assert receiver.bodies == []


async def test_t11_the_callback_comes_after_polling_has_seen_the_end():
    async with raw_kie() as kie, receiving() as receiver:
        # Given a task whose callback is ten minutes late (1.2 s here)
        task_id = await kie.created("[[T11:600]]", callback=receiver.url)
        record = await kie.ended(task_id)
        # Then polling knows the result first
        assert record["state"] == "success"
        assert receiver.bodies == []
        await kie.stub.idle()
        assert len(receiver.bodies) == 1


@pytest.mark.parametrize(("variant", "copies"), [("2", 2), ("3", 3), ("together", 3)])
async def test_t12_the_same_callback_comes_again(variant, copies):
    async with raw_kie() as kie, receiving() as receiver:
        await kie.created(f"[[T12:{variant}]]", callback=receiver.url)
        await kie.stub.idle()
    assert len(receiver.bodies) == copies
    assert all(body == receiver.bodies[0] for body in receiver.bodies)


async def test_t12_copies_can_come_at_the_same_moment():
    async with raw_kie(time_factor=0.1) as kie, receiving() as receiver:
        # Given a receiver that has answered none of them yet
        receiver.hangs = True
        task_id = await kie.created("[[T12:together]]", callback=receiver.url)
        kie.stub.finish(task_id)
        # Then all three are there
        await until(lambda: len(receiver.bodies) == 3)
        receiver.released.set()


async def test_t13_the_callback_comes_before_the_answer_to_create():
    async with raw_kie(time_factor=1.0) as kie, receiving() as receiver:
        # Given a receiver that holds the callback
        receiver.hangs = True
        creating = asyncio.create_task(kie.created("[[T13:early]]", callback=receiver.url))
        await until(lambda: bool(receiver.bodies))
        # Then createTask has not been answered yet
        assert not creating.done()
        receiver.released.set()
        # And the answer names the task the callback was about
        assert await creating == receiver.bodies[0]["data"]["taskId"]


async def test_t13_a_callback_names_a_task_nobody_made():
    async with raw_kie() as kie, receiving() as receiver:
        task_id = await kie.created("[[T13:unknown]]", callback=receiver.url)
        await kie.stub.idle()
    ids = [body["data"]["taskId"] for body in receiver.bodies]
    assert ids == ["f" * 32, task_id]


async def test_t14_the_id_stands_elsewhere_and_the_signature_follows_it():
    async with raw_kie(hmac_key="hook") as kie, receiving() as receiver:
        first = await kie.created("[[T14:task_id]]", callback=receiver.url)
        await kie.stub.idle()
        second = await kie.created("[[T14:top]]", callback=receiver.url)
        await kie.stub.idle()
    assert receiver.bodies[0]["data"]["task_id"] == first
    assert "taskId" not in receiver.bodies[0]["data"]
    assert receiver.bodies[1]["taskId"] == second
    assert genuine(receiver, first)
    assert genuine(receiver, second, number=1)


@pytest.mark.parametrize(
    ("variant", "is_genuine"),
    [("right", True), ("wrong", False), ("old", True), ("changed", True)],
)
async def test_t15_a_signature_is_right_wrong_or_old(variant, is_genuine):
    async with raw_kie(hmac_key="hook") as kie, receiving() as receiver:
        task_id = await kie.created(f"[[T15:{variant}]]", callback=receiver.url)
        await kie.stub.idle()
        record = await kie.ended(task_id)
    assert genuine(receiver, task_id) is is_genuine
    age_s = time.time() - int(receiver.headers[0]["X-Webhook-Timestamp"])
    assert (age_s > 300) is (variant == "old")
    # A changed body contradicts recordInfo under a valid signature.
    told = receiver.bodies[0]["data"]["state"]
    assert (told != record["state"]) is (variant == "changed")


async def test_t15_the_signature_headers_are_missing():
    async with raw_kie(hmac_key="hook") as kie, receiving() as receiver:
        await kie.created("[[T15:missing]]", callback=receiver.url)
        await kie.stub.idle()
    assert not any(name.startswith("X-Webhook") for name in receiver.headers[0])


async def test_t15_the_key_can_be_changed_while_running():
    async with raw_kie() as kie, receiving() as receiver:
        await kie.control("hmac-key", {"key": "hook"})
        task_id = await kie.created(callback=receiver.url)
        await kie.stub.idle()
    assert genuine(receiver, task_id)


async def test_t16_a_receiver_that_answers_500_is_tried_three_times_more_and_then_left():
    async with raw_kie() as kie, receiving() as receiver:
        receiver.status = 500
        task_id = await kie.created(callback=receiver.url)
        await kie.stub.idle()
    assert len(receiver.bodies) == 4
    assert [sent.status for sent in kie.stub.tasks[task_id].callbacks] == [500] * 4


async def test_t16_a_receiver_that_hangs_is_tried_again():
    async with raw_kie() as kie, receiving() as receiver:
        receiver.hangs = True
        task_id = await kie.created(callback=receiver.url)
        await kie.stub.idle()
    assert [sent.status for sent in kie.stub.tasks[task_id].callbacks] == [None] * 4


async def test_t16_a_receiver_that_is_gone_is_tried_again():
    async with raw_kie() as kie:
        task_id = await kie.created(callback="http://127.0.0.1:9/kie/callback/token")
        await kie.stub.idle()
    assert [sent.status for sent in kie.stub.tasks[task_id].callbacks] == [None] * 4


async def test_t16_good_answers_can_count_as_errors():
    async with raw_kie() as kie, receiving() as receiver:
        await kie.created("[[T16]]", callback=receiver.url)
        await kie.stub.idle()
    assert len(receiver.bodies) == 4


async def test_t16_a_receiver_that_recovers_is_not_called_again():
    async with raw_kie(time_factor=0.02) as kie, receiving() as receiver:
        receiver.status = 500
        await kie.created("[[latency:1]]", callback=receiver.url)
        await until(lambda: bool(receiver.bodies))
        receiver.status = 200
        await kie.stub.idle()
    assert len(receiver.bodies) == 2


async def test_t20_one_request_gives_several_urls():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T20]]"))
        pictures = [(await kie.download(url))[2] for url in result_urls(record)]
    assert len(set(pictures)) == 6


@pytest.mark.parametrize("status", [403, 404])
async def test_t21_the_result_is_refused_or_gone(status):
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created(f"[[T21:{status}*1]]"))
        first = (await kie.download(result_urls(record)[0]))[0]
        second = (await kie.download(result_urls(record)[0]))[0]
    assert (first, second) == (status, 200)


async def test_t21_the_content_type_or_the_content_is_wrong():
    async with raw_kie() as kie:
        typed = await kie.ended(await kie.created("[[T21:type]]"))
        _, mime_type, picture = await kie.download(result_urls(typed)[0])
        page = await kie.ended(await kie.created("[[T21:html]]"))
        _, claimed, content = await kie.download(result_urls(page)[0])
    assert (mime_type, picture[:4]) == ("text/html", b"\x89PNG")
    assert (claimed, content[:6]) == ("image/png", b"<html>")


async def test_t21_the_body_is_truncated():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T21:truncated]]"))
        with pytest.raises(aiohttp.ClientPayloadError):
            await kie.download(result_urls(record)[0])


async def test_t21_the_body_stops_in_the_middle_and_the_stub_still_closes():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T21:hang]]"))
        async with kie.session.get(result_urls(record)[0]) as answer:
            begun = await answer.content.readexactly(4)
    assert begun == b"\x89PNG"


async def test_t21_a_jpeg_lies_under_a_png_name_and_a_png_under_a_jpg_name():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T21:jpg]]"))
        _, _, jpeg = await kie.download(result_urls(record)[0])
        other = await kie.ended(await kie.created("[[name:jpg]]"))
        _, _, png = await kie.download(result_urls(other)[0])
    assert result_urls(record)[0].endswith(".png")
    assert result_urls(other)[0].endswith(".jpg")
    with Image.open(io.BytesIO(jpeg)) as first, Image.open(io.BytesIO(png)) as second:
        assert (first.format, second.format) == ("JPEG", "PNG")


async def test_t21_results_expire_after_a_day():
    async with raw_kie(time_factor=0.000001) as kie:
        # Given a day of 86 ms
        url = result_urls(await kie.ended(await kie.created()))[0]
        statuses = [200]
        # When it has passed
        while statuses[-1] == 200:
            statuses.append((await kie.download(url))[0])
        # Then the picture is gone
        assert statuses[-1] == 404
