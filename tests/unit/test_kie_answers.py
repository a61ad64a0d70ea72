"""What KIE's bodies mean, each spelling that was seen."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from service.gateways.http import Answer
from service.gateways.kie_answers import credits_of, report_of, task_id_of
from service.ports import (
    KieAwayError,
    KieBusyError,
    KieRefusedError,
    KieUnknownOutcomeError,
    TaskState,
)

URL = "https://tempfile.aiquickdraw.com/s/1.png"
URLS = f'{{"resultUrls":["{URL}"]}}'


def answer(body, *, status=200, retry_after=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content, retry_after)


def record(**fields):
    return answer({"code": 200, "msg": "success", "data": {"taskId": "t", **fields}})


def succeeded(result_json, **fields):
    return report_of(record(state="success", resultJson=result_json, **fields))


@pytest.mark.parametrize(
    "data",
    [{"taskId": "abc"}, {"taskId": "abc", "recordId": "abc"}, {"recordId": "abc"}],
)
@pytest.mark.parametrize("status", [200, 201, 502])
def test_a_task_id_counts_whatever_the_http_status(data, status):
    # Given a body with a task id, When it is read, Then that is the task
    assert task_id_of(answer({"code": 200, "data": data}, status=status)) == "abc"


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        (402, "Credits insufficient : Your current balance isn't enough", "no-credit"),
        (429, "The current credits are insufficient. Please top up.", "no-credit"),
        (500, "The current credits are insufficient. Please top up.", "no-credit"),
        (401, "Unauthorized", "bad-key"),
        (400, "The request body is not valid JSON", "invalid"),
        (404, "Not Found", "invalid"),
        (422, "prompt is too long", "invalid"),
        (422, "The model name you specified is not supported. Please verify", "unavailable"),
        (500, "This field is required", "invalid"),
        (500, "aspect_ratio is required", "invalid"),
        (500, "aspect_ratio is not within the range of allowed options", "invalid"),
        (500, "File type not supported", "invalid"),
        (505, "This feature is currently disabled.", "unavailable"),
        (433, "Sub-key usage limit", "unavailable"),
    ],
)
@pytest.mark.parametrize("key", ["msg", "message"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_refusal_of_create_has_a_reason(code, message, reason, key, status):
    # Given a refusing body, under either name of its message
    refusal = answer({"code": code, key: message, "data": None}, status=status)

    # When it is read
    with pytest.raises(KieRefusedError) as caught:
        task_id_of(refusal)

    # Then the user can be told why
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (429, "Your call frequency is too high. Please try again later."),
        (455, "maintenance"),
        (550, "queue full"),
        (500, "This interface is temporarily paused."),
        (422, "This interface is temporarily paused."),
    ],
)
def test_a_busy_kie_made_nothing(code, message):
    # Given a body that asks to come later, with a header
    later = answer({"code": code, "msg": message}, retry_after=timedelta(seconds=3))

    # When it is read, Then it may be tried again at that time
    for read in (task_id_of, report_of):
        with pytest.raises(KieBusyError) as caught:
            read(later)
        assert caught.value.retry_after == timedelta(seconds=3)


def test_a_real_429_is_busy_even_without_a_body_of_kies():
    # Given a rate limiter in front, When its words are read, Then KIE is busy
    with pytest.raises(KieBusyError):
        task_id_of(answer(b"slow down", status=429))


@pytest.mark.parametrize(
    "lost",
    [
        answer({"code": 500, "msg": "Server exception, please try again later or contact"}),
        answer({"code": 408, "msg": "timeout"}),
        answer({"code": 501, "msg": "Playground task failed."}),
        answer({"code": 200, "msg": "success", "data": None}),
        answer({"code": 200, "msg": "success", "data": {"taskId": ""}}),
        answer({"code": 200, "msg": "success", "data": {"taskId": "x" * 201}}),
        answer({"code": 200, "msg": "success", "data": ["t"]}),
        answer({"code": True, "data": {"taskId": "t"}}),
        answer({"code": 10**30}),
        answer({"taskId": "t"}),
        answer([]),
        answer(b""),
        answer(b"<html>502</html>", status=502),
        answer(b"error code: 1010", status=403),
        answer(b"[" * 50_000),
        answer(b"\xff\xfe\x00"),
    ],
    ids=lambda lost: lost.body[:30].decode(errors="replace"),
)
def test_anything_else_after_a_create_is_unknown_for_a_task_may_exist(lost):
    # Given an answer that does not say whether there is a task, When read, Then it is unknown
    with pytest.raises(KieUnknownOutcomeError):
        task_id_of(lost)


@pytest.mark.parametrize(
    "result_json",
    [
        URLS,
        json.loads(URLS),
        json.dumps(URLS),
        f'{{"resultObject":{URLS}}}',
        {"resultObject": json.dumps({"resultUrls": [URL]})},
        f'{{"resultImageUrl":"{URL}"}}',
        f'{{"resultVideoUrl":"{URL}","firstFrameUrl":["https://x.aiquickdraw.com/f.png"]}}',
        {"resultUrls": json.dumps([URL])},
        {"resultUrls": [{"resultUrl": URL}]},
        {"resultUrls": [URL, URL, None, 7, "", "ftp://x"]},
        {"result_urls": [URL], "resultWaterMarkUrls": ["https://x.aiquickdraw.com/w.png"]},
        [URL],
        URL,
    ],
    ids=str,
)
def test_results_are_found_where_they_were_seen(result_json):
    # Given a success, When it is read, Then its one result is found, once
    assert succeeded(result_json).urls == (URL,)


def test_several_results_keep_their_order():
    # Given six results
    urls = [f"https://tempfile.aiquickdraw.com/r/{number}.jpg" for number in range(6)]

    # When the record is read, Then there are six, in order
    assert succeeded(json.dumps({"resultUrls": urls})).urls == tuple(urls)


def test_the_parsed_response_helps_when_the_string_is_broken():
    # Given a broken string beside a whole object, When read, Then the object counts
    report = succeeded('{"resultUrls":["https://', response={"resultUrls": [URL]})
    assert report.urls == (URL,)


@pytest.mark.parametrize(
    "result_json",
    ["", "{}", "null", None, '{"resultUrls":["https://', '{"resultUrls":[]}', 7, True, "[" * 9999],
)
def test_a_success_without_addresses_stays_a_success(result_json):
    # Given a success whose addresses are not there, When read, Then the flow can decide
    report = succeeded(result_json)
    assert (report.state, report.urls) == (TaskState.SUCCEEDED, ())


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("waiting", TaskState.RUNNING),
        ("queuing", TaskState.RUNNING),
        ("generating", TaskState.RUNNING),
        ("success", TaskState.SUCCEEDED),
        ("fail", TaskState.FAILED),
        ("postprocessing", TaskState.UNKNOWN),
        (None, TaskState.UNKNOWN),
        ({"a": 1}, TaskState.UNKNOWN),
    ],
)
def test_each_word_for_a_state_is_understood_or_unknown(word, state):
    # Given a record, When it is read, Then no word breaks the client
    assert report_of(record(state=word, resultJson="", extra=[1])).state is state


def test_addresses_of_a_running_task_are_not_results():
    # Given a record that names addresses too early, When read, Then there are none yet
    assert report_of(record(state="generating", resultJson=URLS)).urls == ()


@pytest.mark.parametrize(
    "missing",
    [
        answer({"code": 422, "msg": "recordInfo is null", "data": None}),
        answer({"code": 422, "msg": "The record does not exist", "data": None}),
        answer({"code": 404, "msg": "Task not found"}),
        answer({"code": 200, "msg": "success", "data": None}),
        answer({"code": 200, "msg": "success"}),
    ],
)
def test_a_record_that_is_not_there_is_missing(missing):
    # Given each way to say so, When read, Then it is MISSING
    assert report_of(missing).state is TaskState.MISSING


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("400", "The current content could not be processed", "moderated"),
        ("400", "the image we created may violate OpenAI's content policies", "moderated"),
        ("422", "CONTENT_POLICY_BLOCKED: The input or output was", "moderated"),
        ("400", "The input or output was flagged as sensitive", "moderated"),
        ("SENSITIVE_WORD_ERROR", None, "moderated"),
        ("400", "Image fetch failed. Check access settings or use our File Upload", "image"),
        ("402", "Credits insufficient : Your current balance", "no-credit"),
        ("500", "Internal Error, Please try again later.", "provider"),
        ("501", "", "provider"),
        ("", "", "provider"),
        (None, None, "provider"),
        (500, {"odd": 1}, "provider"),
    ],
)
def test_a_failure_has_a_reason_the_user_understands(code, message, reason):
    # Given a failed task, When it is read, Then its reason is the key of a text
    report = report_of(record(state="fail", failCode=code, failMsg=message, resultJson=None))
    assert (report.state, report.fail_reason) == (TaskState.FAILED, reason)


def test_kies_words_are_cut_and_made_storable():
    # Given words that PostgreSQL would refuse, and too many of them
    report = report_of(record(state="fail", failCode="5\x0000", failMsg="\ud800\x00" + "я" * 999))

    # When stored, Then nothing is left to refuse
    assert report.fail_code == "500"
    assert len(report.fail_message) == 300
    assert report.fail_message.encode()
    assert "\x00" not in report.fail_message


def test_credits_stay_exact_and_the_callback_address_is_found():
    # Given a record as in live traffic, its input twice encoded
    param = {"model": "m", "callBackUrl": "https://bot.example/kie/callback/x", "input": "{}"}

    # When it is read
    report = report_of(
        answer(b'{"code":200,"data":{"state":"success","creditsConsumed":0.1,"param":%s}}'
               % json.dumps(json.dumps(param)).encode())
    )  # fmt: skip

    # Then both are what KIE said
    assert report.credits_consumed == Decimal("0.1")
    assert report.callback_url == "https://bot.example/kie/callback/x"


@pytest.mark.parametrize("param", [None, "", "{", "[]", "null", 7, {"callBackUrl": 7}, '"x"'])
def test_a_param_without_callback_address_is_none(param):
    # Given odd param values, When read, Then there is no address
    assert report_of(record(state="waiting", param=param)).callback_url is None


@pytest.mark.parametrize("value", [None, "", "x", True, [], "NaN", "Infinity"])
def test_odd_credits_are_not_known(value):
    # Given odd credits, When read, Then they are not known
    assert report_of(record(state="waiting", creditsConsumed=value)).credits_consumed is None
    with pytest.raises(KieAwayError):
        credits_of(answer({"code": 200, "data": value}))


@pytest.mark.parametrize(
    ("value", "expected"), [(5916.25, "5916.25"), ("0,325", "0.325"), (7, "7")]
)
def test_credits_left_are_read(value, expected):
    # Given a balance, When read, Then it is exact
    assert credits_of(answer({"code": 200, "data": value})) == Decimal(expected)


@pytest.mark.parametrize(
    "odd",
    [
        answer({"code": 500, "msg": "Server exception"}),
        answer({"code": 433, "msg": "usage limit"}),
        answer({"code": 400, "msg": "taskId parameter is required"}),
        answer({"code": 200, "data": "words"}),
        answer({"code": 200, "data": []}),
        answer(b"<html>502</html>", status=502),
        answer(b"<html>not here</html>", status=404),
        answer(b"error code: 1010", status=403),
        answer(b""),
    ],
    ids=lambda odd: odd.body[:30].decode(),
)
def test_a_read_without_sense_may_be_made_again(odd):
    # Given an answer without sense, When a task is read, Then KIE is away, no task has failed
    with pytest.raises(KieAwayError):
        report_of(odd)


def test_a_bad_key_is_refused_when_reading_too():
    # Given a 401 without data, When read, Then the key is named as the reason
    for read in (report_of, credits_of):
        with pytest.raises(KieRefusedError) as caught:
            read(answer({"code": 401, "msg": "Unauthorized"}))
        assert caught.value.reason == "bad-key"
