"""How a task looks from outside: recordInfo's data and the callback's body."""

import json
from typing import Any

from service.stubs.kie_state import StubTask

SUCCESS_FLAGS = {"success": 1, "fail": 3}
UNKNOWN_STATE = "postprocessing"
OLDER_FIELDS = (
    "taskId", "model", "state", "param", "resultJson", "failCode", "failMsg", "costTime",
    "completeTime", "createTime",
)  # fmt: skip
EMPTY_RESULTS: dict[str, Any] = {
    "empty": "",
    "braces": "{}",
    "null": "null",
    "broken": '{"resultUrls":["https://',
    "no_urls": '{"resultUrls":[]}',
    "none": None,
}


def record_of(task: StubTask) -> dict[str, Any]:
    """Show the task as recordInfo does now, with the shape its scenarios ask for."""
    result = _result_json(task)
    record: dict[str, Any] = {
        "taskId": task.task_id,
        "model": task.model,
        "state": _shown_state(task),
        "param": _param(task),
        "resultJson": result,
        "failCode": task.fail_code,
        "failMsg": task.fail_message,
        "costTime": _cost_time(task),
        "completeTime": task.completed_at_ms,
        "createTime": task.created_at_ms,
        "updateTime": task.completed_at_ms or task.created_at_ms,
        "creditsConsumed": task.credits,
        "operationType": "generate",
        "successFlag": SUCCESS_FLAGS.get(_shown_state(task), 0),
        "paramJson": _param(task),
    }
    if isinstance(result, str) and result.startswith('{"resultUrls":["http') and _readable(result):
        record["response"] = json.loads(result)
    if task.scenarios.variant("T30") == "old":
        record = {name: record[name] for name in OLDER_FIELDS}
    if task.scenarios.variant("T29") in ("all", "keys"):
        record |= {"region": "eu-3", "queue": {"position": 0}, "flags": ["x"]}
    return record


def callback_of(task: StubTask) -> dict[str, Any]:
    """Show the task as its callback does, with the id where its scenarios put it."""
    record = record_of(task)
    done = task.state == "success"
    body: dict[str, Any] = {
        "code": 200 if done else 501,
        "msg": "Playground task completed successfully." if done else "Playground task failed.",
        "data": record,
    }
    if not done:
        record["resultJson"] = None
        record.pop("updateTime", None)
    match task.scenarios.variant("T14"):
        case "task_id":
            record["task_id"] = record.pop("taskId")
            record["callbackType"] = "task_completed"
        case "top":
            body["taskId"] = record.pop("taskId")
    return body


def changed_callback_of(task: StubTask) -> dict[str, Any]:
    """Tell the opposite of what happened to the task; only its id is true."""
    body = callback_of(task)
    if task.state == "success":
        lie = {"state": "fail", "resultJson": None, "failCode": "500", "failMsg": "changed"}
        body |= {"code": 501, "msg": "Playground task failed."}
    else:
        forged = json.dumps({"resultUrls": ["http://127.0.0.1:9/forged.png"]})
        lie = {"state": "success", "resultJson": forged, "failCode": None, "failMsg": None}
        body |= {"code": 200, "msg": "Playground task completed successfully."}
    body["data"] = {**body["data"], **lie}
    return body


def _shown_state(task: StubTask) -> str:
    if _urls_lag(task) and task.scenarios.variant("T19") == "generating":
        return "generating"
    unknown = task.scenarios.variant("T29") in ("all", "state")
    return UNKNOWN_STATE if unknown and not task.ended else task.state


def _urls_lag(task: StubTask) -> bool:
    lag = task.scenarios.get("T19")
    return lag is not None and task.state == "success" and lag.shows_at(task.polls_after_end)


def _param(task: StubTask) -> str:
    # KIE encodes the input twice: it is a JSON string inside a JSON string.
    param = {"input": json.dumps(task.input, separators=(",", ":")), "model": task.model}
    if task.callback_url is not None:
        param["callBackUrl"] = task.callback_url
    return json.dumps(param, separators=(",", ":"))


def _result_json(task: StubTask) -> Any:
    if task.state != "success" or _urls_lag(task):
        return ""
    empty = task.scenarios.get("T17")
    if empty is not None and empty.shows_at(task.polls_after_end):
        return EMPTY_RESULTS[empty.variant]
    match task.scenarios.variant("T18"):
        case "object":
            return {"resultUrls": task.result_urls}
        case "resultObject":
            return json.dumps({"resultObject": {"resultUrls": task.result_urls}})
        case "resultImageUrl":
            return json.dumps({"resultImageUrl": task.result_urls[0]})
        case _:
            return json.dumps({"resultUrls": task.result_urls}, separators=(",", ":"))


def _readable(result: str) -> bool:
    return result.endswith("]}")


def _cost_time(task: StubTask) -> int | None:
    if not task.ended:
        return None
    if task.state == "fail":
        return 0
    per_second = 1000 if task.scenarios.variant("T30") == "milliseconds" else 1
    return max(1, round(task.latency_s)) * per_second
