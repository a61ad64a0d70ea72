"""recordInfo and the balance, with the faults that hit a poll."""

from collections.abc import Callable, Sequence
from functools import partial

from aiohttp import web

from service.stubs import kie_answers as answers
from service.stubs.kie_answers import Refusal, json_answer, ok, refused
from service.stubs.kie_records import record_of
from service.stubs.kie_state import STATE, SlidingWindow, StubState, StubTask

_FAULTS: Sequence[tuple[str, str, Callable[[], web.Response]]] = (
    ("T7", "on", partial(refused, Refusal(422, "recordInfo is null"))),
    ("T8", "on", partial(ok, None)),
    ("T2", "on", partial(answers.too_frequent, "body")),
    ("T1", "record", partial(refused, Refusal(500, answers.SERVER_EXCEPTION))),
    ("T27", "record", answers.unauthorized),
    ("T28", "record", answers.bad_gateway),
    ("T28", "record1010", answers.blocked_agent),
)


async def record_info(request: web.Request) -> web.Response:
    """Answer recordInfo for one task."""
    state = request.app[STATE]
    if not state.reads.take():
        return answers.too_frequent(state.limit_style)
    task_id = request.query.get("taskId")
    if not task_id:
        return refused(Refusal(400, "taskId parameter is required"))
    task = state.tasks.get(task_id)
    if task is None:
        return refused(Refusal(422, "recordInfo is null"))
    task.polls += 1
    task.polls_after_end += int(task.ended)
    fault = _faulty_answer(state, task)
    if fault is not None:
        return fault
    if task.scenarios.variant("T29") in ("all", "msg"):
        return json_answer({"code": 200, "message": "success", "data": record_of(task)})
    return ok(record_of(task))


async def balance(request: web.Request) -> web.Response:
    """Answer the balance: a bare float."""
    return ok(float(round(request.app[STATE].credits, 4)))


def _faulty_answer(state: StubState, task: StubTask) -> web.Response | None:
    for name, variant, answer in _FAULTS:
        scenario = task.scenarios.get(name)
        if scenario and scenario.variant == variant and scenario.shows_at(task.polls):
            return answer()
    return answers.too_frequent("body") if _polled_too_often(state, task) else None


def _polled_too_often(state: StubState, task: StubTask) -> bool:
    if task.scenarios.get("T4") is None:
        return False
    if task.own_window is None:
        task.own_window = SlidingWindow(1, state.scaled(1.0))
    return not task.own_window.take()
