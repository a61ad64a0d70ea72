"""The stub's own side, under /stub: choose scenarios, turn switches, look at tasks."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec
from aiohttp import web

from service.stubs.kie_answers import json_answer
from service.stubs.kie_create import RUNNER
from service.stubs.kie_scenarios import ALIASES, ROWS
from service.stubs.kie_state import STATE, StubState, StubTask


class Script(msgspec.Struct, forbid_unknown_fields=True):
    """One entry for each of the next tasks; several scenarios in one entry go to one task."""

    scenarios: list[str]


class Mix(msgspec.Struct, forbid_unknown_fields=True):
    """Each named scenario is drawn with its own probability, reproducibly."""

    probabilities: dict[str, float]
    seed: int = 0


class Credits(msgspec.Struct, forbid_unknown_fields=True):
    """The account's balance from now on."""

    credits: float


class Key(msgspec.Struct, forbid_unknown_fields=True):
    """A key from now on; for the HMAC key null means that callbacks are not signed."""

    key: str | None


class ModelSwitch(msgspec.Struct, forbid_unknown_fields=True):
    """What has become of one model."""

    model: str
    state: Literal["paused", "removed", "active"]


class Maintenance(msgspec.Struct, forbid_unknown_fields=True):
    """Whether every API call answers 455."""

    on: bool


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """The account's rates, and how an excess is answered."""

    creates_per_10s: int | None = None
    reads_per_s: int | None = None
    style: Literal["body", "http", "http_retry_after"] | None = None


Command = TypeVar("Command", bound=msgspec.Struct)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_routes() -> list[web.RouteDef]:
    """Give the routes under /stub."""
    return [
        web.get("/stub", _summary),
        web.get("/stub/scenarios", _list_scenarios),
        web.get("/stub/tasks", _list_tasks),
        web.get("/stub/tasks/{task_id}", _show_task),
        web.post("/stub/tasks/{task_id}/finish", _finish_task),
        web.post("/stub/script", _command(Script, _script)),
        web.post("/stub/mix", _command(Mix, _mix)),
        web.post("/stub/credits", _command(Credits, _set_credits)),
        web.post("/stub/hmac-key", _command(Key, _set_hmac_key)),
        web.post("/stub/api-key", _command(Key, _set_api_key)),
        web.post("/stub/models", _command(ModelSwitch, switch_model)),
        web.post("/stub/maintenance", _command(Maintenance, _set_maintenance)),
        web.post("/stub/limits", _command(Limits, set_limits)),
        web.post("/stub/reset", _reset),
    ]


def switch_model(state: StubState, command: ModelSwitch) -> None:
    """Pause, remove or bring back a model; an unknown one is a ValueError."""
    if command.model not in state.models:
        raise ValueError(f"No model is called {command.model!r}; GET /api/v1/models lists them.")
    state.blocked_models[command.model] = command.state


def set_limits(state: StubState, command: Limits) -> None:
    """Change what was given; calls already counted stay counted."""
    if command.creates_per_10s is not None:
        state.creates.limit = command.creates_per_10s
    if command.reads_per_s is not None:
        state.reads.limit = command.reads_per_s
    if command.style is not None:
        state.limit_style = command.style


def _command(kind: type[Command], carry_out: Callable[[StubState, Command], None]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            command = msgspec.json.decode(await request.read(), type=kind)
            carry_out(request.app[STATE], command)
        except (msgspec.DecodeError, ValueError) as error:
            return json_answer({"error": str(error)}, status=400)
        return await _summary(request)

    return handle


def _script(state: StubState, command: Script) -> None:
    state.choice.script(command.scenarios)


def _mix(state: StubState, command: Mix) -> None:
    state.choice.mix(command.probabilities, seed=command.seed)


def _set_credits(state: StubState, command: Credits) -> None:
    state.credits = command.credits


def _set_hmac_key(state: StubState, command: Key) -> None:
    state.hmac_key = command.key


def _set_api_key(state: StubState, command: Key) -> None:
    if not command.key:
        raise ValueError('An API key can\'t be empty; send {"key": "..."}.')
    state.api_key = command.key


def _set_maintenance(state: StubState, command: Maintenance) -> None:
    state.maintenance = command.on


async def _reset(request: web.Request) -> web.Response:
    request.app[RUNNER].forget()
    request.app[STATE].reset()
    return await _summary(request)


async def _summary(request: web.Request) -> web.Response:
    state = request.app[STATE]
    states = [task.state for task in state.tasks.values()]
    return json_answer(
        {
            "stub": "kie",
            "tasks": {name: states.count(name) for name in sorted(set(states))},
            "credits": state.credits,
            "maintenance": state.maintenance,
            "models": state.blocked_models,
            "signed": state.hmac_key is not None,
            "time_factor": state.options.time_factor,
        }
    )


async def _list_scenarios(_request: web.Request) -> web.Response:
    rows = [
        {"name": row.name, "summary": row.summary, "variants": row.variants, "times": row.times}
        for row in ROWS.values()
    ]
    return json_answer({"scenarios": rows, "aliases": dict(ALIASES)})


async def _list_tasks(request: web.Request) -> web.Response:
    return json_answer({"tasks": [_view(task) for task in request.app[STATE].tasks.values()]})


async def _show_task(request: web.Request) -> web.Response:
    task = request.app[STATE].tasks.get(request.match_info["task_id"])
    if task is None:
        return json_answer({"error": "No such task; GET /stub/tasks lists them."}, status=404)
    return json_answer(_view(task))


async def _finish_task(request: web.Request) -> web.Response:
    task = request.app[STATE].tasks.get(request.match_info["task_id"])
    if task is not None:
        task.hurried.set()
    return await _show_task(request)


def _view(task: StubTask) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "model": task.model,
        "input": task.input,
        "state": task.state,
        "created_at_ms": task.created_at_ms,
        "completed_at_ms": task.completed_at_ms,
        "credits": task.credits,
        "scenarios": task.scenarios.labels(),
        "result_urls": task.result_urls,
        "polls": task.polls,
        "callbacks": [{"status": sent.status} for sent in task.callbacks],
    }
