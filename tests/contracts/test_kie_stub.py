"""The KIE stub's basics over plain HTTP: envelope, key, states, money, limits, signature."""

import base64
import hashlib
import hmac
import json

import pytest

from service.stubs.kie_catalogue import load_models
from tests.contracts.kie_stub_support import raw_kie, receiving, result_urls, until


async def test_create_answers_with_two_equal_ids_of_32_hex_digits():
    async with raw_kie() as kie:
        # When a task is created
        status, body = await kie.create()
    # Then the answer is the recorded envelope
    assert (status, body["code"], body["msg"]) == (200, 200, "success")
    assert body["data"]["taskId"] == body["data"]["recordId"]
    assert len(bytes.fromhex(body["data"]["taskId"])) == 16


async def test_ids_differ_between_two_runs_of_the_default_seed():
    ids = set()
    # Given two stubs started one after the other
    for _ in range(2):
        async with raw_kie() as kie:
            ids.add(await kie.created())
    # Then a database that lived on sees no id twice
    assert len(ids) == 2


async def test_a_fixed_seed_gives_the_same_ids_again():
    ids = set()
    for _ in range(2):
        async with raw_kie(seed=5) as kie:
            ids.add(await kie.created())
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("waiting", ["waiting", "success"]),
        ("generating", ["generating", "success"]),
        ("full", ["waiting", "queuing", "generating", "success"]),
    ],
)
async def test_a_task_goes_through_the_states_of_its_profile(profile, expected):
    async with raw_kie() as kie:
        # Given a task that shows this profile
        task_id = await kie.created(f"x [[states:{profile}]] [[latency:600]]")
        seen = []
        # When it is polled to the end
        while not seen or seen[-1] != "success":
            _, body = await kie.poll(task_id)
            if body["code"] == 200 and body["data"]["state"] not in seen[-1:]:
                seen.append(body["data"]["state"])
    # Then its states came in this order
    assert seen == expected


async def test_credits_are_taken_at_create_and_given_back_after_a_failure():
    async with raw_kie(credits=10.0) as kie:
        # Given one task that succeeds and one that fails
        good = await kie.created("fine")
        _, balance = await kie.call("GET", "/api/v1/chat/credit")
        assert balance["data"] == 9.2
        assert (await kie.ended(good))["creditsConsumed"] == 0.8
        bad = await kie.created("[[T24]]")
        assert kie.stub.credits == pytest.approx(8.4)
        # When the second has failed
        record = await kie.ended(bad)
        # Then its credits are back
        assert record["creditsConsumed"] == 0.0
        _, balance = await kie.call("GET", "/api/v1/chat/credit")
        assert balance == {"code": 200, "msg": "success", "data": 9.2}


async def test_price_follows_resolution_and_number_of_pictures():
    async with raw_kie(credits=1000.0) as kie:
        # When pictures with variants and counts are ordered
        await kie.created(model="nano-banana-2", resolution="4K")
        assert kie.stub.credits == pytest.approx(982)
        await kie.created(model="wan/2-7-image", n=3)
        assert kie.stub.credits == pytest.approx(982 - 14.4)
        await kie.created(model="wan/2-7-image")
        # Then each cost what the price list says, wan's default of four included
        assert kie.stub.credits == pytest.approx(982 - 14.4 - 19.2)


async def test_an_empty_account_refuses_before_a_task_is_made():
    async with raw_kie(credits=0.5) as kie:
        # When the balance is too small
        status, body = await kie.create()
        # Then the refusal is code 402 inside HTTP 200 and nothing was made
        assert (status, body["code"]) == (200, 402)
        assert "insufficient" in body["msg"]
        assert not kie.stub.tasks


@pytest.mark.parametrize(
    ("model", "given", "code", "msg"),
    [
        ("no-such-model", {}, 422, "The model name you specified is not supported."),
        ("z-image", {"aspect_ratio": ""}, 500, "aspect_ratio is required"),
        ("z-image", {"prompt": ""}, 500, "prompt is required"),
        ("z-image", {"aspect_ratio": "1080:1080"}, 500, "aspect_ratio is not within the range"),
        ("z-image", {"prompt": "x" * 1001}, 500, "prompt is not within the range"),
        ("qwen2-1/text-to-image", {"resolution": "4K"}, 422, "resolution is not within"),
        ("wan/2-7-image", {"n": 5}, 500, "n is not within the range"),
        ("nano-banana-2", {"image_input": ["data:image/png;base64,AA=="]}, 500, "File type not"),
        ("google/nano-banana-edit", {}, 500, "This field is required"),
        ("sora-2-text-to-video", {}, 500, "This interface is temporarily paused."),
        ("gpt-image-2-text-to-image", {"resolution": "4K"}, 500, "resolution is not within"),
    ],
)
async def test_bad_input_is_refused_in_kies_words_and_costs_nothing(model, given, code, msg):
    async with raw_kie(credits=100.0) as kie:
        # When a request breaks a rule of its model
        status, body = await kie.create(**{"prompt": "x", **given, "model": model})
        # Then the message is KIE's and no credit is gone
        assert (status, body["code"], body["data"]) == (200, code, None)
        assert body["msg"].startswith(msg)
        assert kie.stub.credits == 100.0


async def test_unknown_fields_are_ignored_and_numbers_may_be_strings():
    async with raw_kie() as kie:
        assert await kie.created(model="wan/2-7-image", n="2", never_heard_of=True)


async def test_a_body_that_is_not_json_is_code_400():
    async with raw_kie() as kie:
        status, body = await kie.call("POST", "/api/v1/jobs/createTask", data=b"{")
    assert (status, body["code"]) == (200, 400)


async def test_polling_without_an_id_or_with_an_unknown_one():
    async with raw_kie() as kie:
        _, missing = await kie.call("GET", "/api/v1/jobs/recordInfo")
        _, unknown = await kie.poll("0" * 32)
    assert missing["code"] == 400
    assert unknown == {"code": 422, "msg": "recordInfo is null", "data": None}


async def test_the_21st_create_within_ten_seconds_is_rejected_and_not_queued():
    async with raw_kie(time_factor=1.0) as kie:
        # When 21 tasks are created at once
        codes = [(await kie.create())[1]["code"] for _ in range(21)]
        # Then the last is refused
        assert codes == [200] * 20 + [429]
        assert len(kie.stub.tasks) == 20


async def test_the_window_of_creates_slides():
    async with raw_kie(creates_per_10s=1) as kie:
        # Given a window that is full
        await kie.created()
        codes = [429]
        # When it has slid on (20 ms at this factor)
        while codes[-1] == 429:
            codes.append((await kie.create())[1]["code"])
        # Then creates pass again
        assert codes[-1] == 200


async def test_the_signature_is_the_one_computed_by_hand():
    async with raw_kie(hmac_key="hook-key") as kie, receiving() as receiver:
        # Given a stub with a key for callbacks
        task_id = await kie.created(callback=receiver.url)
        # When the callback comes
        await until(lambda: bool(receiver.bodies))
        timestamp = receiver.headers[0]["X-Webhook-Timestamp"]
        # Then the signature covers id and time, as base64
        expected = hmac.new(b"hook-key", f"{task_id}.{timestamp}".encode(), hashlib.sha256)
        signature = receiver.headers[0]["X-Webhook-Signature"]
        assert signature == base64.b64encode(expected.digest()).decode()
        assert len(timestamp) == 10


async def test_without_a_key_callbacks_carry_no_signature_and_the_whole_record():
    async with raw_kie() as kie, receiving() as receiver:
        task_id = await kie.created(callback=receiver.url)
        await until(lambda: bool(receiver.bodies))
        _, polled = await kie.poll(task_id)
    assert "X-Webhook-Signature" not in receiver.headers[0]
    assert receiver.bodies[0]["code"] == 200
    assert receiver.bodies[0]["msg"] == "Playground task completed successfully."
    assert receiver.bodies[0]["data"]["resultJson"] == polled["data"]["resultJson"]
    assert json.loads(polled["data"]["param"])["callBackUrl"] == receiver.url


async def test_a_failure_calls_back_with_code_501():
    async with raw_kie() as kie, receiving() as receiver:
        await kie.created("[[T24]]", callback=receiver.url)
        await until(lambda: bool(receiver.bodies))
    assert receiver.bodies[0]["code"] == 501
    assert receiver.bodies[0]["data"]["state"] == "fail"
    assert receiver.bodies[0]["data"]["resultJson"] is None


async def test_catalogue_calls_share_one_a_second():
    async with raw_kie(time_factor=1.0) as kie:
        _, found = await kie.call("GET", "/api/v1/models?q=wan/2-7-image-pro")
        _, excess = await kie.call("GET", "/api/v1/models/wan/2-7-image-pro/price")
    assert [one["model"] for one in found["data"]["models"]] == ["wan/2-7-image-pro"]
    assert excess["code"] == 429


async def test_the_mix_is_drawn_with_its_probabilities_and_its_seed():
    drawn = []
    for _ in range(2):
        async with raw_kie(creates_per_10s=200) as kie:
            # Given one failure in ten, twice with the same seed
            await kie.control(
                "mix", {"probabilities": {"fail": 0.1, "callback_lost": 0.1}, "seed": 3}
            )
            ids = [await kie.created(f"picture {number}") for number in range(100)]
            # When all have ended
            await kie.stub.idle()
            drawn.append([kie.stub.tasks[task_id].state for task_id in ids])
    # Then the same tasks failed, and about as many as asked for
    assert drawn[0] == drawn[1]
    assert 3 <= drawn[0].count("fail") <= 20


async def test_the_control_side_refuses_what_it_does_not_know():
    async with raw_kie() as kie:
        unknown, body = await kie.control("script", {"scenarios": ["T99"]})
        mistyped, _ = await kie.control("credits", {"credit": 1})
    assert (unknown, mistyped) == (400, 400)
    assert "T99" in body["error"]


async def test_reset_forgets_tasks_and_switches():
    async with raw_kie() as kie:
        await kie.created()
        await kie.control("maintenance", {"on": True})
        _, body = await kie.control("reset", {})
        assert body["tasks"] == {}
        assert await kie.created()


async def test_a_script_goes_to_the_next_tasks_in_order():
    async with raw_kie() as kie:
        kie.stub.script("T24", "", "T12:3 T20:5")
        states = [(await kie.ended(await kie.created())) for _ in range(3)]
    assert [record["state"] for record in states] == ["fail", "success", "success"]
    assert len(result_urls(states[2])) == 5


def test_the_packaged_catalogue_is_what_the_stub_reads():
    models = load_models()
    assert len(models) >= 133
    assert models["z-image"]["price"]["credits"] == 0.8
