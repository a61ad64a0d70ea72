"""Section 7 of the KIE facts over plain HTTP: rows that show in how a task ends."""

import json
import time

import pytest

from tests.contracts.kie_stub_support import raw_kie, result_urls, until


@pytest.mark.parametrize("state", ["waiting", "generating"])
async def test_t09_a_stuck_task_stays_in_its_state_until_it_is_let_go(state):
    async with raw_kie() as kie:
        # Given a stuck task beside an ordinary one
        stuck = await kie.created(f"[[T9:{state}]] [[latency:0]]")
        ordinary = await kie.created()
        # When the ordinary one has ended
        await until(lambda: kie.stub.tasks[ordinary].ended)
        # Then the stuck one has not
        _, body = await kie.poll(stuck)
        assert body["data"]["state"] == state
        assert (await kie.ended(stuck))["state"] == "success"


@pytest.mark.parametrize(("variant", "code"), [("408", "408"), ("fail", "500")])
async def test_t09_a_stuck_task_may_fail_late(variant, code):
    async with raw_kie(time_factor=0.0005) as kie:
        # Given a stuck task, ten minutes being 300 ms here
        task_id = await kie.created(f"[[T9:{variant}]]")
        # When it ends by itself
        await until(lambda: kie.stub.tasks[task_id].ended)
        _, body = await kie.poll(task_id)
    # Then it has failed
    assert (body["data"]["state"], body["data"]["failCode"]) == ("fail", code)


@pytest.mark.parametrize(
    ("variant", "result"),
    [
        ("empty", ""),
        ("braces", "{}"),
        ("null", "null"),
        ("broken", '{"resultUrls":["https://'),
        ("no_urls", '{"resultUrls":[]}'),
        ("none", None),
    ],
)
async def test_t17_success_comes_without_a_usable_result(variant, result):
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created(f"[[T17:{variant}]]"))
    assert (record["state"], record["resultJson"]) == ("success", result)
    assert "response" not in record


async def test_t17_the_result_may_appear_after_some_polls():
    async with raw_kie() as kie:
        task_id = await kie.created("[[T17:empty*2]]")
        records = [await kie.ended(task_id) for _ in range(3)]
    assert [bool(record["resultJson"]) for record in records] == [False, False, True]


async def test_t18_the_result_is_an_object_or_under_another_key():
    async with raw_kie() as kie:
        as_object = await kie.ended(await kie.created("[[T18:object]]"))
        nested = await kie.ended(await kie.created("[[T18:resultObject]]"))
        single = await kie.ended(await kie.created("[[T18:resultImageUrl]]"))
    assert as_object["resultJson"]["resultUrls"][0].startswith(kie.stub.url)
    assert json.loads(nested["resultJson"])["resultObject"]["resultUrls"]
    assert json.loads(single["resultJson"])["resultImageUrl"].startswith(kie.stub.url)


@pytest.mark.parametrize("state", ["success", "generating"])
async def test_t19_complete_time_is_there_before_the_urls_are(state):
    async with raw_kie() as kie:
        task_id = await kie.created(f"[[T19:{state}]]")
        early, _, late = [await kie.ended(task_id) for _ in range(3)]
    assert (early["state"], early["resultJson"]) == (state, "")
    assert early["completeTime"] is not None
    assert late["state"] == "success"
    assert result_urls(late)


async def test_t22_moderation_refuses_in_five_ways_and_gives_the_credits_back():
    failures = {}
    async with raw_kie(credits=100.0) as kie:
        for variant in ("content", "openai", "policy", "flagged", "word"):
            record = await kie.ended(await kie.created(f"[[T22:{variant}]]"))
            failures[variant] = (record["state"], record["failCode"])
            assert record["failMsg"]
            assert record["creditsConsumed"] == 0.0
        assert kie.stub.credits == pytest.approx(100.0)
    assert failures == {
        "content": ("fail", "400"),
        "openai": ("fail", "400"),
        "policy": ("fail", "422"),
        "flagged": ("fail", "400"),
        "word": ("fail", "SENSITIVE_WORD_ERROR"),
    }


async def test_t23_the_input_image_cannot_be_fetched():
    async with raw_kie() as kie:
        by_marker = await kie.ended(await kie.created("[[T23]]"))
        gone = f"{kie.stub.url}/kieai/136592/in/never-uploaded.png"
        task_id = await kie.created(model="nano-banana-2", image_input=[gone])
        by_nature = await kie.ended(task_id)
    assert by_marker["failCode"] == by_nature["failCode"] == "400"
    assert by_nature["failMsg"].startswith("Image fetch failed.")


async def test_t24_an_internal_failure_costs_no_time_and_no_credits():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T24]]"))
    assert (record["failCode"], record["costTime"], record["creditsConsumed"]) == ("500", 0, 0.0)
    assert record["failMsg"] == "Internal Error, Please try again later."


async def test_t30_param_is_encoded_twice_and_cost_time_is_in_seconds():
    async with raw_kie() as kie:
        task_id = await kie.created("x [[latency:61]]")
        record = await kie.ended(task_id)
        older = await kie.ended(await kie.created("[[T30:old]]"))
        documented = await kie.ended(await kie.created("[[T30:milliseconds]] [[latency:61]]"))
    param = json.loads(record["param"])
    assert json.loads(param["input"]) == {"prompt": "x [[latency:61]]", "aspect_ratio": "1:1"}
    assert "callBackUrl" not in param
    assert record["costTime"] == 61
    assert documented["costTime"] == 61_000
    assert isinstance(record["creditsConsumed"], float)
    assert record["response"]["resultUrls"] == result_urls(record)
    assert abs(record["createTime"] / 1000 - time.time()) < 60
    assert "creditsConsumed" not in older


async def test_t31_a_wrong_image_field_is_ignored_without_a_word():
    async with raw_kie() as kie:
        # Given an image under another model's field name
        task_id = await kie.created(model="nano-banana-2", image_urls=["http://127.0.0.1:1/x.png"])
        record = await kie.ended(task_id)
        _, _, content = await kie.download(result_urls(record)[0])
    # Then the task succeeds from the prompt alone
    assert record["state"] == "success"
    assert b"inputs\x00\x00\x00\x00\x000" in content


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9/photo.png", "https://cdn.example/p.png?X-Amz-Signature=1", "C:\\p.png"],
)
async def test_t32_a_local_or_signed_reference_is_refused(address):
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created(model="nano-banana-2", image_input=[address]))
        marked = await kie.ended(await kie.created("[[T32]]"))
    assert record["state"] == marked["state"] == "fail"
    assert record["failMsg"].startswith("Image fetch failed.")
