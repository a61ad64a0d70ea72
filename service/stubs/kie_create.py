"""createTask: limits, validation, charge, and the faults that hit the request itself."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from service.stubs import kie_answers as answers
from service.stubs.kie_answers import Refusal, ok, refused
from service.stubs.kie_catalogue import credits_of
from service.stubs.kie_scenarios import Scenarios
from service.stubs.kie_state import STATE, StubState, StubTask, read_json_object
from service.stubs.kie_tasks import TaskRunner
from service.stubs.kie_validation import refusal_of_input

RUNNER = web.AppKey("RUNNER", TaskRunner)
LOST_ANSWER_S = 60.0

# What a scenario answers instead of making a task, in the order of who would answer first.
_FAULTS: Mapping[tuple[str, str], Callable[[], web.Response]] = {
    ("T28", "502"): answers.bad_gateway,
    ("T28", "1010"): answers.blocked_agent,
    ("T34", "on"): partial(refused, Refusal(455, answers.MAINTENANCE)),
    ("T27", "create"): answers.unauthorized,
    ("T3", "retry_after"): partial(answers.too_frequent, "http_retry_after"),
    ("T3", "bare"): partial(answers.too_frequent, "http"),
    ("T1", "create"): partial(refused, Refusal(500, answers.SERVER_EXCEPTION)),
    ("T5", "field"): partial(refused, Refusal(500, "This field is required")),
    ("T5", "server"): partial(refused, Refusal(500, answers.SERVER_EXCEPTION)),
    ("T6", "402"): partial(refused, Refusal(402, answers.INSUFFICIENT)),
    ("T6", "429"): partial(refused, Refusal(429, answers.INSUFFICIENT_OLD)),
    ("T6", "500"): partial(refused, Refusal(500, answers.INSUFFICIENT_OLD)),
    ("T26", "paused"): partial(refused, Refusal(500, answers.PAUSED)),
    ("T26", "disabled"): partial(refused, Refusal(505, "This feature is currently disabled.")),
    ("T26", "removed"): partial(refused, Refusal(422, answers.UNKNOWN_MODEL)),
}

log = structlog.get_logger(__name__)


async def create_task(request: web.Request) -> web.StreamResponse:
    """Answer createTask; a refused request costs nothing and uses up no script."""
    state = request.app[STATE]
    if not state.creates.take():
        return answers.too_frequent(state.limit_style)
    body = await read_json_object(request)
    if body is None:
        return refused(Refusal(400, "The request body is not valid JSON"))
    refusal = _refusal_of(state, body)
    if refusal is not None:
        return refused(refusal)
    scenarios = _choose(state, body)
    fault = _faulty_answer(scenarios)
    if fault is not None:
        return fault
    callback_url = body.get("callBackUrl")
    task = request.app[RUNNER].create(
        model=state.models[body["model"]],
        given=body["input"],
        callback_url=callback_url if isinstance(callback_url, str) and callback_url else None,
        scenarios=scenarios,
    )
    log.info(
        "kie_stub_task_created",
        task_id=task.task_id,
        model=task.model,
        scenarios=scenarios.labels(),
    )
    return await _answer_created(request, task)


def _refusal_of(state: StubState, body: Mapping[str, Any]) -> Refusal | None:
    model = state.models.get(body["model"]) if isinstance(body.get("model"), str) else None
    blocked = state.blocked_models.get(str(body.get("model")))
    if model is None or blocked == "removed":
        return Refusal(422, answers.UNKNOWN_MODEL)
    if blocked == "paused" or (blocked is None and model.get("status") == "paused"):
        return Refusal(500, answers.PAUSED)
    refusal = refusal_of_input(model, body.get("input"))
    if refusal is None and state.credits < credits_of(model, body["input"]):
        return Refusal(402, answers.INSUFFICIENT)
    return refusal


def _choose(state: StubState, body: Mapping[str, Any]) -> Scenarios:
    # Two identical bodies are the same request repeated, as far as anyone outside can tell.
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    prompt = body["input"].get("prompt")
    return state.choice.choose(prompt=prompt if isinstance(prompt, str) else "", body_digest=digest)


def _faulty_answer(scenarios: Scenarios) -> web.Response | None:
    for (name, variant), answer in _FAULTS.items():
        if scenarios.variant(name) == variant:
            return answer()
    return None


async def _answer_created(request: web.Request, task: StubTask) -> web.StreamResponse:
    if task.scenarios.variant("T13") == "early":
        await task.called_back.wait()
    match task.scenarios.variant("T25"):
        case "reset":
            return _cut(request)
        case "timeout":
            state = request.app[STATE]
            await state.wait_closing(state.scaled(LOST_ANSWER_S))
            return _cut(request)
        case "502":
            return answers.bad_gateway()
    data = {"taskId": task.task_id, "recordId": task.task_id}
    if task.scenarios.variant("T29") in ("all", "msg"):
        return answers.json_answer({"code": 200, "message": "success", "data": data, "trace": "x"})
    return ok(data)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
