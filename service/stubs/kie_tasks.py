"""The life of a task: through its states to success or fail, with money and callback."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from service.stubs import kie_catalogue as catalogue
from service.stubs.kie_answers import INSUFFICIENT_OLD
from service.stubs.kie_callbacks import CallbackSender
from service.stubs.kie_scenarios import Scenarios
from service.stubs.kie_state import RESULT_LIFE_S, StoredFile, StubState, StubTask, now_ms
from service.stubs.kie_validation import url_values

log = structlog.get_logger(__name__)

STUCK_FOR_S = 600.0
FETCH_FAILED = "Image fetch failed. Check access settings or use our File Upload API instead."
INTERNAL = "Internal Error, Please try again later."
# The failCode and failMsg of the scenarios in which the task itself fails.
FAILURES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("T6", "late"): ("402", INSUFFICIENT_OLD),
    ("T9", "408"): ("408", "The upstream service gave no result for over 10 minutes."),
    ("T9", "fail"): ("500", "Internal server error"),
    ("T22", "content"): ("400", "The current content could not be processed"),
    ("T22", "openai"): (
        "400",
        "Sorry, but the image we created may violate OpenAI's content policies",
    ),
    ("T22", "policy"): (
        "422",
        "CONTENT_POLICY_BLOCKED: The input or output was flagged as sensitive.",
    ),
    ("T22", "flagged"): ("400", "The input or output was flagged as sensitive"),
    ("T22", "word"): ("SENSITIVE_WORD_ERROR", "Sensitive words were found in the prompt"),
    ("T23", "on"): ("400", FETCH_FAILED),
    ("T24", "on"): ("500", INTERNAL),
    ("T32", "on"): ("400", FETCH_FAILED),
}
STATES_SHOWN = {
    "waiting": ("waiting",),
    "generating": ("generating",),
    "full": ("waiting", "queuing", "generating"),
}
_GENERATING_FIRST = ("gpt-image-2-text", "kling-3.0", "seedream/5-lite")
_WAITING_FIRST = ("bytedance/seedance-2", "gpt-image-2-image", "grok-imagine", "happyhorse", "wan/")
_LOCAL_HOSTS = ("localhost", "127.", "10.", "192.168.", "0.0.0.0", "[::1]")  # noqa: S104  Refused, not bound.
_SIGNED_QUERY = {"x-amz-signature", "signature", "x-goog-signature", "sig", "token"}


class TaskRunner:
    """Makes tasks and lets each run on its own until it has ended and called back."""

    def __init__(self, state: StubState, sender: CallbackSender) -> None:
        self._state = state
        self._sender = sender
        self._running: set[asyncio.Task[None]] = set()

    def create(
        self,
        *,
        model: catalogue.JsonObject,
        given: dict[str, Any],
        callback_url: str | None,
        scenarios: Scenarios,
    ) -> StubTask:
        """Make a task, charge for it and start it."""
        cost = catalogue.credits_of(model, given)
        task = StubTask(
            task_id=self._state.new_hex(),
            model=model["id"],
            input=given,
            callback_url=callback_url,
            scenarios=scenarios,
            cost=cost,
            latency_s=self._latency_s(model, scenarios),
            created_at_ms=now_ms(),
            credits=cost,
        )
        task.state = self._states_of(task)[0]
        self._state.credits -= cost
        self._state.tasks[task.task_id] = task
        if scenarios.variant("T13") == "early":
            task.hurried.set()
        runner = asyncio.create_task(self._run(task))
        self._running.add(runner)
        runner.add_done_callback(self._running.discard)
        return task

    async def idle(self) -> None:
        """Return once every task so far has ended and said so."""
        if self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Cancel what still runs; tasks stay in the state they have."""
        self.forget()
        await asyncio.gather(*self._running, return_exceptions=True)

    def forget(self) -> None:
        """Cancel what still runs without waiting for it."""
        for runner in self._running:
            runner.cancel()

    async def _run(self, task: StubTask) -> None:
        try:
            await self._live(task)
            await self._sender.send(task)
        finally:
            # Whoever waits for an early callback must not wait for a cancelled task.
            task.called_back.set()

    async def _live(self, task: StubTask) -> None:
        states = self._states_of(task)
        stuck = task.scenarios.variant("T9")
        for shown in states:
            task.state = shown
            await self._pause(task, task.latency_s / len(states))
        if stuck in ("generating", "waiting"):
            task.state = stuck
            await task.hurried.wait()
        elif stuck:
            await self._pause(task, STUCK_FOR_S)
        self._finish(task)
        log.info("kie_stub_task_ended", task_id=task.task_id, model=task.model, state=task.state)

    async def _pause(self, task: StubTask, seconds: float) -> None:
        try:
            await asyncio.wait_for(task.hurried.wait(), self._state.scaled(seconds))
        except TimeoutError:
            return

    def _finish(self, task: StubTask) -> None:
        failure = self._failure_of(task)
        task.completed_at_ms = now_ms()
        if failure is not None:
            task.fail_code, task.fail_message = failure
            self._state.credits += task.credits
            task.credits = 0.0
            task.state = "fail"
            return
        model = self._state.models[task.model]
        count = int(task.scenarios.variant("T20") or catalogue.picture_count(model, task.input))
        task.result_urls = [self._keep_result(task, model, index) for index in range(count)]
        task.state = "success"

    def _failure_of(self, task: StubTask) -> tuple[str, str] | None:
        for (name, variant), failure in FAILURES.items():
            if task.scenarios.variant(name) == variant:
                return failure
        urls = url_values(self._state.models[task.model], task.input)
        return None if all(map(self._can_fetch, urls)) else ("400", FETCH_FAILED)

    def _can_fetch(self, url: str) -> bool:
        """Judge by the address alone: own uploads are looked up, other hosts are believed."""
        if url.startswith(self._state.url + "/"):
            return self._state.own_file(url) is not None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.netloc.startswith(_LOCAL_HOSTS):
            return False
        return not _SIGNED_QUERY & {name.lower() for name in parse_qs(parts.query)}

    def _latency_s(self, model: catalogue.JsonObject, scenarios: Scenarios) -> float:
        given = scenarios.variant("latency")
        if given:
            return float(given)
        return catalogue.latency_s(model) * self._state.chances.uniform(0.8, 1.2)

    def _states_of(self, task: StubTask) -> tuple[str, ...]:
        chosen = task.scenarios.variant("states")
        if chosen:
            return STATES_SHOWN[chosen]
        if task.model.startswith(_GENERATING_FIRST):
            return STATES_SHOWN["generating"]
        if task.model.startswith(_WAITING_FIRST):
            return STATES_SHOWN["waiting"]
        return STATES_SHOWN["waiting" if int(task.task_id[-1], 16) % 2 else "generating"]

    def _keep_result(self, task: StubTask, model: catalogue.JsonObject, index: int) -> str:
        file = StoredFile(
            made_at=time.monotonic(),
            life_s=self._state.scaled(RESULT_LIFE_S),
            task=task,
            index=index,
        )
        return self._state.keep_file(self._result_path(task, model, index), file)

    def _result_path(self, task: StubTask, model: catalogue.JsonObject, index: int) -> str:
        token = self._state.new_hex()
        unix_s = task.created_at_ms // 1000
        if catalogue.makes_video(model):
            return f"/k/{task.task_id}_{index + 1}_{unix_s}_{token[:4]}.mp4"
        if task.scenarios.variant("name") == "jpg":
            return f"/p/{task.task_id}_{index}_{unix_s}_{token[:4]}.jpg"
        if task.model.startswith("gpt-image"):
            return f"/images/chatgpt/file_{token}.png"
        if "nano-banana" in task.model:
            return f"/na2/{task.task_id}{index}.png"
        return f"/s/{token}.png"
