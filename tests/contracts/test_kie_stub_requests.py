"""Section 7 of the KIE facts over plain HTTP: rows that show in createTask and recordInfo."""

import aiohttp
import pytest

from tests.contracts.kie_stub_support import raw_kie, receiving, until


async def test_t01_an_error_code_comes_inside_http_200_for_create_and_for_polls():
    async with raw_kie() as kie:
        # When createTask and the first poll go wrong
        create_status, create_body = await kie.create("[[T1]]")
        task_id = await kie.created("[[T1:record]]")
        poll_status, poll_body = await kie.poll(task_id)
        _, second_poll = await kie.poll(task_id)
    # Then HTTP says 200 and the body says 500; the next poll is normal
    assert (create_status, create_body["code"]) == (200, 500)
    assert (poll_status, poll_body["code"]) == (200, 500)
    assert second_poll["code"] == 200


async def test_t02_polls_of_a_running_task_answer_429_inside_http_200():
    async with raw_kie() as kie:
        task_id = await kie.created("[[T2*2]]")
        answers = [await kie.poll(task_id) for _ in range(3)]
    assert [(status, body["code"]) for status, body in answers] == [
        (200, 429),
        (200, 429),
        (200, 200),
    ]


@pytest.mark.parametrize(("variant", "retry_after"), [("retry_after", "1"), ("bare", None)])
async def test_t03_create_answers_real_http_429_twice_then_accepts(variant, retry_after):
    async with raw_kie() as kie:
        headers = {"Authorization": f"Bearer {kie.api_key}"}
        given = {"prompt": f"[[T3:{variant}]]", "aspect_ratio": "1:1"}
        seen = []
        # When the same request is made three times
        for _ in range(3):
            async with kie.session.post(
                kie.stub.url + "/api/v1/jobs/createTask",
                headers=headers,
                json={"model": "z-image", "input": given},
            ) as answer:
                seen.append((answer.status, answer.headers.get("Retry-After")))
    # Then two are refused with the HTTP status and the third passes
    assert seen == [(429, retry_after), (429, retry_after), (200, None)]


async def test_t03_a_burst_over_the_limit_can_answer_with_the_http_status():
    async with raw_kie(time_factor=1.0, creates_per_10s=2) as kie:
        await kie.control("limits", {"style": "http_retry_after"})
        statuses = [(await kie.create())[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_t04_a_burst_of_polls_makes_record_info_answer_429():
    async with raw_kie(time_factor=1.0) as kie:
        # Given the account's own limit of ten a second
        task_id = await kie.created()
        account = [(await kie.poll(task_id))[1]["code"] for _ in range(11)]
    async with raw_kie(time_factor=1.0) as kie:
        # And a task that allows one a second
        task_id = await kie.created("[[T4]]")
        alone = [(await kie.poll(task_id))[1]["code"] for _ in range(2)]
    # Then the excess is refused
    assert account == [200] * 10 + [429]
    assert alone == [200, 429]


async def test_t05_code_500_means_a_field_or_the_server_and_only_the_message_tells():
    async with raw_kie() as kie:
        _, field = await kie.create("[[T5:field]]")
        _, server = await kie.create("[[T5:server]]")
    assert field == {"code": 500, "msg": "This field is required", "data": None}
    assert server["code"] == 500
    assert server["msg"].startswith("Server exception")


@pytest.mark.parametrize("code", [402, 429, 500])
async def test_t06_no_credit_has_three_codes(code):
    async with raw_kie() as kie:
        status, body = await kie.create(f"[[T6:{code}]]")
    assert (status, body["code"]) == (200, code)
    assert "insufficient" in body["msg"]
    assert "credit" in body["msg"].lower()


async def test_t06_no_credit_can_be_a_late_failure_of_the_task():
    async with raw_kie() as kie:
        record = await kie.ended(await kie.created("[[T6:late]]"))
    assert (record["state"], record["failCode"]) == ("fail", "402")
    assert "insufficient" in record["failMsg"]


async def test_t07_record_info_is_null_right_after_create_and_then_normal():
    async with raw_kie() as kie:
        task_id = await kie.created("[[T7]]")
        bodies = [(await kie.poll(task_id))[1] for _ in range(3)]
    assert bodies[:2] == [{"code": 422, "msg": "recordInfo is null", "data": None}] * 2
    assert bodies[2]["data"]["taskId"] == task_id


async def test_t08_data_is_null_with_code_200():
    async with raw_kie() as kie:
        task_id = await kie.created("[[T8*1]]")
        bodies = [(await kie.poll(task_id))[1] for _ in range(2)]
    assert bodies[0] == {"code": 200, "msg": "success", "data": None}
    assert bodies[1]["data"]["taskId"] == task_id


@pytest.mark.parametrize("variant", ["reset", "timeout"])
async def test_t25_the_task_is_made_and_billed_but_the_answer_is_lost(variant):
    async with raw_kie(credits=10.0) as kie:
        # When the connection is cut after the task was made
        with pytest.raises(aiohttp.ClientConnectionError):
            await kie.create(f"[[T25:{variant}]]")
        assert len(kie.stub.tasks) == 1
        assert kie.stub.credits == pytest.approx(9.2)
        # Then repeating the request makes and bills a second task
        await kie.created(f"[[T25:{variant}]]")
        assert len(kie.stub.tasks) == 2
        assert kie.stub.credits == pytest.approx(8.4)


async def test_t25_a_gateway_may_answer_502_for_a_task_that_was_made():
    async with raw_kie() as kie, receiving() as receiver:
        headers = {"Authorization": f"Bearer {kie.api_key}"}
        given = {"prompt": "[[T25:502]]", "aspect_ratio": "1:1"}
        body = {"model": "z-image", "input": given, "callBackUrl": receiver.url}
        async with kie.session.post(
            kie.stub.url + "/api/v1/jobs/createTask", headers=headers, json=body
        ) as answer:
            assert (answer.status, answer.content_type) == (502, "text/html")
        # Then the callback still tells of the task
        await until(lambda: bool(receiver.bodies))
        assert receiver.bodies[0]["data"]["taskId"] in kie.stub.tasks


async def test_t26_a_model_is_paused_disabled_or_removed():
    async with raw_kie() as kie:
        bodies = [
            (await kie.create(f"[[T26:{variant}]]"))[1]
            for variant in ("paused", "disabled", "removed")
        ]
        # And by the control side, until it is active again
        await kie.control("models", {"model": "z-image", "state": "paused"})
        _, paused = await kie.create()
        await kie.control("models", {"model": "z-image", "state": "removed"})
        _, removed = await kie.create()
        await kie.control("models", {"model": "z-image", "state": "active"})
        await kie.created()
    assert [body["code"] for body in bodies] == [500, 505, 422]
    assert paused["msg"] == bodies[0]["msg"] == "This interface is temporarily paused."
    assert removed["code"] == 422


async def test_t27_a_wrong_key_gives_401_without_data():
    async with raw_kie() as kie:
        status, marked = await kie.create("[[T27]]")
        # And a key that is rotated in the middle of a run
        task_id = await kie.created()
        await kie.control("api-key", {"key": "another"})
        _, rotated = await kie.poll(task_id)
        kie.api_key = "another"
        _, accepted = await kie.poll(task_id)
    assert (status, marked["code"], "data" in marked) == (200, 401, False)
    assert marked["msg"].startswith("Unauthorized")
    assert rotated == marked
    assert accepted["code"] == 200


@pytest.mark.parametrize(
    ("variant", "status", "text"), [("502", 502, "<html>"), ("1010", 403, "error code: 1010")]
)
async def test_t28_the_body_is_not_json(variant, status, text):
    async with raw_kie() as kie:
        headers = {"Authorization": f"Bearer {kie.api_key}"}
        given = {"prompt": f"[[T28:{variant}]]", "aspect_ratio": "1:1"}
        async with kie.session.post(
            kie.stub.url + "/api/v1/jobs/createTask",
            headers=headers,
            json={"model": "z-image", "input": given},
        ) as answer:
            assert answer.status == status
            assert (await answer.text()).startswith(text)
        assert not kie.stub.tasks


@pytest.mark.parametrize(("variant", "status"), [("record", 502), ("record1010", 403)])
async def test_t28_polls_may_get_such_a_body_too(variant, status):
    async with raw_kie() as kie:
        task_id = await kie.created(f"[[T28:{variant}*1]]")
        address = f"{kie.stub.url}/api/v1/jobs/recordInfo?taskId={task_id}"
        headers = {"Authorization": f"Bearer {kie.api_key}"}
        async with kie.session.get(address, headers=headers) as answer:
            assert answer.status == status
        assert (await kie.poll(task_id))[1]["code"] == 200


async def test_t28_an_agent_without_a_name_is_blocked():
    async with raw_kie() as kie:
        skipped = {"User-Agent"}
        address = kie.stub.url + "/api/v1/chat/credit"
        async with kie.session.get(address, skip_auto_headers=skipped) as answer:
            assert (answer.status, await answer.text()) == (403, "error code: 1010")


async def test_t29_message_for_msg_and_extra_keys_and_an_unknown_state():
    async with raw_kie() as kie:
        _, created = await kie.create("[[T29]] [[T9]]")
        _, polled = await kie.poll(created["data"]["taskId"])
    assert "msg" not in created
    assert created["message"] == polled["message"] == "success"
    assert polled["data"]["state"] == "postprocessing"
    assert {"region", "queue"} <= polled["data"].keys()


async def test_t33_prices_are_strings_and_one_has_a_decimal_comma():
    async with raw_kie() as kie:
        _, body = await kie.call(
            "POST", "/client/v1/model-pricing/page", json={"pageNum": 1, "pageSize": 5}
        )
        _, counts = await kie.call("GET", "/client/v1/model-pricing/count")
        assert await kie.created("[[T33]]")
    assert all(isinstance(one["usdPrice"], str) for one in body["data"]["records"])
    assert "," in body["data"]["records"][0]["usdPrice"]
    assert body["data"]["total"] == counts["data"]["all"]


async def test_t34_maintenance_answers_455_for_a_while():
    async with raw_kie() as kie:
        marked = [(await kie.create("[[T34]]"))[1]["code"] for _ in range(3)]
        await kie.control("maintenance", {"on": True})
        _, closed = await kie.call("GET", "/api/v1/chat/credit")
        await kie.control("maintenance", {"on": False})
        _, opened = await kie.call("GET", "/api/v1/chat/credit")
    assert marked == [455, 455, 200]
    assert (closed["code"], opened["code"]) == (455, 200)
