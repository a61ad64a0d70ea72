"""Settles a task by what recordInfo says; a callback is only the hint to look."""

import structlog

from service.bells import DeliverResults, HandleChats
from service.domain.generation import DeliveryKind, TaskStage
from service.domain.money import Kopecks
from service.errors import TransientError
from service.flows.deps import Deps
from service.flows.fail_task import (
    DELIVERY_S,
    fail_task,
    finish_generation,
    ring_finished,
)
from service.metrics import late_result, provider_state_unknown
from service.ports import KieAwayError, KieRefusedError, TaskReport, TaskState
from service.store import callbacks, deliveries, ledger, provider, tasks, users
from service.store.tasks import Task

log = structlog.get_logger(__name__)

#: A look that broke off is made again after this.
CLAIM_S = 45.0
#: Steps between looks, in seconds; the last goes on.
STEPS_S = (3.0, 5.0, 5.0, 10.0, 15.0, 30.0)
#: For so long after its creation KIE may not know a task of its own.
FRESH_S = 30.0
#: So many looks may find no record, or a success without a file, before we believe it.
ODD_ANSWERS_MAX = 5
#: A task whose look kills the process so often is parked.
ATTEMPTS_MAX = 8
#: Steps between looks for a result that comes late: from ten minutes up to hours.
WATCH_STEP_S = 1800.0


async def settle_task(deps: Deps, task_id: int) -> None:
    """Look at a task and settle it if it has ended. Safe to repeat, from anywhere, at once."""
    task = await tasks.claim(deps.pool, task_id, now=deps.now(), lease_s=CLAIM_S * deps.time_factor)
    if task is None:
        # A callback that overtook createTask's answer stays open: the answer makes it due.
        await callbacks.finish_settled(deps.pool, task_id, now=deps.now())
        return
    with structlog.contextvars.bound_contextvars(
        task_id=task.task_id, generation_id=task.generation_id
    ):
        if task.attempts > ATTEMPTS_MAX:
            await _park(deps, task)
            return
        if task.state == TaskStage.SUBMITTING:
            # Its submission broke off: a task may exist at KIE, so it is never sent again.
            error = "the submission broke off"
            await tasks.mark_unknown(deps.pool, task_id, due_at=deps.now(), error=error)
        await _look(deps, task)


async def _park(deps: Deps, task: Task) -> None:
    """Put a task aside that nobody can read, and give its money back: people look at the row."""
    await tasks.park(deps.pool, task.task_id, now=deps.now(), error=None)
    log.error("task_parked", attempts=task.attempts)
    await fail_task(deps, task, reason="no-answer", error=None, watch=True)


async def _look(deps: Deps, task: Task) -> None:
    if (await provider.get(deps.pool)).away_since is not None:
        # Only the probe calls KIE now; the deadline holds all the same.
        await _put_off(deps, task, KieAwayError("KIE is away"))
        return
    looked_at = deps.now()
    candidates = (
        [task.provider_task_id]
        if task.provider_task_id
        else await callbacks.list_hints(deps.pool, task.task_id)
    )
    report = provider_task_id = None
    for candidate in candidates:
        if await provider.use_slot(deps.pool, deps.reads) is None:
            await _snooze(deps, task, seconds=1.0, polls=task.polls)
            return
        try:
            report = await deps.kie.read_task(candidate)
        except (TransientError, KieRefusedError) as error:
            await _note_unread(deps, task, error)
            return
        await provider.note_success(deps.pool)
        if _is_ours(task, report):
            provider_task_id = candidate
            break
        report = None
    await _act(deps, task, report, provider_task_id)
    await callbacks.finish(deps.pool, task.task_id, now=looked_at)


def _is_ours(task: Task, report: TaskReport) -> bool:
    """Tell whether a record found by a hint carries this task's token, not another's."""
    if task.provider_task_id or report.callback_url is None:
        return report.state is not TaskState.MISSING or bool(task.provider_task_id)
    return report.callback_url.endswith(f"/{task.callback_token}")


async def _act(
    deps: Deps, task: Task, report: TaskReport | None, provider_task_id: str | None
) -> None:
    """Do what the report calls for; None: nothing of this task was found at KIE."""
    if report is None or provider_task_id is None:
        await _wait_or_give_up(deps, task, reason="no-answer")
        return
    if task.provider_task_id is None and task.watch_until is None:
        await tasks.mark_submitted(
            deps.pool, task.task_id, provider_task_id=provider_task_id, now=deps.now(),
            due_at=deps.now(),
        )  # fmt: skip
    match report.state:
        case TaskState.SUCCEEDED if report.urls:
            await _succeed(deps, task, report, provider_task_id)
        case TaskState.SUCCEEDED:
            await _odd(deps, task, reason="no-result", error="success without a file")
        case TaskState.FAILED if task.watch_until:
            await tasks.stop_watching(deps.pool, task.task_id)
        case TaskState.FAILED:
            error = f"{report.fail_code}: {report.fail_message}"
            await fail_task(deps, task, reason=report.fail_reason or "provider", error=error)
        case TaskState.MISSING:
            await _odd(deps, task, reason="no-answer", error="KIE has no record")
        case TaskState.UNKNOWN:
            provider_state_unknown()
            log.error("provider_state_unknown")
            await _wait_or_give_up(deps, task, reason="deadline")
        case TaskState.RUNNING:
            await _wait_or_give_up(deps, task, reason="deadline")


async def _succeed(deps: Deps, task: Task, report: TaskReport, provider_task_id: str) -> None:
    """Capture what was made, release the rest, write down the files: once."""
    if task.watch_until is not None:
        await _bring_late(deps, task, report, provider_task_id)
        return
    made = min(len(report.urls), task.pictures)
    capture = Kopecks(task.price_kopecks * made // task.pictures)
    async with deps.pool.acquire() as db, db.transaction():
        await users.lock(db, task.user_id)
        settled = await tasks.settle_succeeded(
            db, task.task_id, pictures_made=len(report.urls),
            credits_consumed=report.credits_consumed, now=deps.now(),
        )  # fmt: skip
        if not settled:
            return
        for ordinal, url in enumerate(report.urls, start=1):
            await deliveries.add_result(
                db, task_id=task.task_id, generation_id=task.generation_id, ordinal=ordinal,
                url=url, now=deps.now(),
            )  # fmt: skip
        await ledger.resolve(db, task_id=task.task_id, capture_kopecks=capture, now=deps.now())
        delivery_id = await finish_generation(db, deps, task)
    log.info("task_succeeded", pictures=len(report.urls))
    ring_finished(deps, task, delivery_id)


async def _bring_late(deps: Deps, task: Task, report: TaskReport, provider_task_id: str) -> None:
    """A result came after the money went back: it is brought free, once, and counted."""
    async with deps.pool.acquire() as db, db.transaction():
        late = await tasks.mark_late(
            db, task.task_id, provider_task_id=provider_task_id,
            credits_consumed=report.credits_consumed, now=deps.now(),
        )  # fmt: skip
        if not late:
            return
        for ordinal, url in enumerate(report.urls, start=1):
            await deliveries.add_result(
                db, task_id=task.task_id, generation_id=task.generation_id, ordinal=ordinal,
                url=url, now=deps.now(),
            )  # fmt: skip
        delivery_id = await deliveries.add(
            db, kind=DeliveryKind.LATE, generation_id=task.generation_id, task_id=task.task_id,
            chat_id=task.user_id, expires_at=deps.after(DELIVERY_S), now=deps.now(),
        )  # fmt: skip
    late_result()
    log.warning("late_result_delivered", pictures=len(report.urls))
    if delivery_id is not None:
        deps.bells.ring_soon(DeliverResults((delivery_id,)))
    deps.bells.ring_soon(HandleChats((task.user_id,)))


async def _odd(deps: Deps, task: Task, *, reason: str, error: str) -> None:
    """An answer that may mend itself: believed when it comes again and again."""
    fresh = task.submitted_at is None or deps.now() < task.submitted_at + deps.span(FRESH_S)
    if task.attempts < ODD_ANSWERS_MAX or fresh:
        step = STEPS_S[min(task.attempts, len(STEPS_S)) - 1]
        attempts = min(task.attempts, ODD_ANSWERS_MAX)
        await _snooze(deps, task, seconds=step, attempts=attempts, error=error)
        return
    if task.watch_until is not None:
        await tasks.stop_watching(deps.pool, task.task_id)
        return
    await fail_task(deps, task, reason=reason, error=error, watch=True)


async def _wait_or_give_up(deps: Deps, task: Task, *, reason: str) -> None:
    if task.watch_until is not None:
        if deps.now() >= task.watch_until:
            await tasks.stop_watching(deps.pool, task.task_id)
        else:
            await _snooze(deps, task, seconds=WATCH_STEP_S)
        return
    if deps.now() >= task.deadline_at:
        await fail_task(deps, task, reason=reason, error="the deadline passed", watch=True)
        return
    await _snooze(deps, task, seconds=STEPS_S[min(task.polls, len(STEPS_S) - 1)])


async def _snooze(
    deps: Deps, task: Task, *, seconds: float, polls: int | None = None, attempts: int = 0,
    error: str | None = None,
) -> None:  # fmt: skip
    """Look again later, at the deadline at the latest; `polls` is given where none was made."""
    due_at = deps.after(seconds)
    if task.watch_until is None and deps.now() < task.deadline_at:
        due_at = min(due_at, task.deadline_at)
    await tasks.snooze(
        deps.pool, task.task_id, due_at=due_at, attempts=attempts, error=error,
        polls=task.polls + 1 if polls is None else polls,
    )  # fmt: skip


async def _note_unread(deps: Deps, task: Task, error: TransientError | KieRefusedError) -> None:
    """Count what KIE did not answer."""
    if isinstance(error, KieAwayError):
        await provider.note_failure(deps.pool, now=deps.now())
    log.warning("task_unread", error=type(error).__name__)
    await _put_off(deps, task, error)


async def _put_off(deps: Deps, task: Task, error: TransientError | KieRefusedError) -> None:
    """KIE could not be read: that says nothing of the task, so it is only looked at later."""
    if deps.now() >= task.deadline_at and task.watch_until is None:
        await fail_task(deps, task, reason="deadline", error=str(error), watch=True)
        return
    retry_after = getattr(error, "retry_after", None)
    seconds = STEPS_S[min(task.polls, len(STEPS_S) - 1)]
    wait_s = retry_after.total_seconds() / deps.time_factor if retry_after else seconds
    await _snooze(deps, task, seconds=wait_s, error=str(error)[:500])
