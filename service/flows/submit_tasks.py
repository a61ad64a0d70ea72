"""Submits queued tasks to KIE, each at most once, within the budget all processes share."""

import asyncio
from weakref import WeakKeyDictionary

import structlog

from service.bells import Bells, HandleChats, SettleTasks, SubmitTasks
from service.errors import TransientError
from service.flows.deps import Deps
from service.flows.fail_task import fail_task
from service.flows.usual_time import usual_time_s
from service.ports import KieAwayError, KieBusyError, KieRefusedError, KieUnknownOutcomeError
from service.store import generations, outbox, provider, tasks
from service.store.tasks import Task

log = structlog.get_logger(__name__)

#: A task whose submission broke off is looked at after this, and found to be `unknown`.
CLAIM_S = 60.0
#: One bell submits at most so many tasks; others take their share meanwhile.
TASKS_MAX = 20
#: When KIE names no time, a task it would not take now is tried again after a quarter of the
#: task's age, within these limits: a model that stays paused must not use up the budget.
RETRY_MIN_S = 5.0
RETRY_MAX_S = 60.0
#: A task of unknown outcome is first looked for after this.
LOOK_S = 5.0
#: Where no callback can come, and nobody knows how long it takes, the first look is after this.
FIRST_LOOK_S = 10.0

_alarms: WeakKeyDictionary[Bells, asyncio.TimerHandle] = WeakKeyDictionary()


async def submit_tasks(deps: Deps) -> None:
    """Submit what waits, in fair order. Safe to call at any time, from anywhere, at once."""
    await _fail_overdue(deps)
    if (await provider.get(deps.pool)).away_since is not None:
        return
    for _ in range(TASKS_MAX):
        task = await tasks.claim_next_queued(
            deps.pool, now=deps.now(), lease_s=CLAIM_S * deps.time_factor
        )
        slot = await _use_budget(deps, task) if task else None
        if task is None or slot is None:
            return
        with structlog.contextvars.bound_contextvars(
            task_id=task.task_id, generation_id=task.generation_id
        ):
            await _submit(deps, task)
        await provider.end_call(deps.pool, deps.creates, slot)
    deps.bells.ring_soon(SubmitTasks())


async def _fail_overdue(deps: Deps) -> None:
    """Give back what waited past its deadline, for example through a long outage of KIE."""
    for task_id in await tasks.list_overdue_queued(deps.pool, now=deps.now()):
        task = await tasks.get(deps.pool, task_id)
        if task:
            await fail_task(deps, task, reason="deadline", error="never submitted")


async def _use_budget(deps: Deps, task: Task) -> int | None:
    """Use one call of the budget; without one the task waits its turn and nobody sleeps."""
    slot = await provider.use_slot(deps.pool, deps.creates)
    if slot is None:
        wait_s = await provider.get_wait_s(deps.pool, deps.creates)
        await tasks.requeue(deps.pool, task.task_id, due_at=deps.now(), error="no call budget")
        _ring_later(deps, wait_s)
    return slot


def _ring_later(deps: Deps, wait_s: float) -> None:
    """Ring when a call is free again: once, however many bells found none.

    Only a shortcut: should this process end, the sweeper rings a little later.
    """
    loop = asyncio.get_running_loop()
    alarm = _alarms.get(deps.bells)
    if alarm is None or alarm.when() <= loop.time():
        _alarms[deps.bells] = loop.call_later(wait_s, deps.bells.ring_soon, SubmitTasks())


async def _submit(deps: Deps, task: Task) -> None:
    callback_url = (
        f"{deps.public_url}/kie/callback/{task.callback_token}" if deps.public_url else None
    )
    try:
        provider_task_id = await deps.kie.create_task(
            task.model_id, task.input, callback_url=callback_url
        )
    except KieRefusedError as error:
        await fail_task(deps, task, reason=error.reason, error=str(error))
    except KieUnknownOutcomeError as error:
        await provider.note_failure(deps.pool, now=deps.now())
        await tasks.mark_unknown(
            deps.pool, task.task_id, due_at=deps.after(LOOK_S), error=str(error)
        )
        log.warning("submission_unknown", error=str(error))
    except (KieBusyError, KieAwayError) as error:
        await _submit_later(deps, task, error)
    else:
        await provider.note_success(deps.pool)
        await _note_submitted(deps, task, provider_task_id)


async def _submit_later(deps: Deps, task: Task, error: TransientError) -> None:
    if isinstance(error, KieAwayError):
        await provider.note_failure(deps.pool, now=deps.now())
    age = deps.now() - task.created_at
    wait = error.retry_after or min(max(age / 4, deps.span(RETRY_MIN_S)), deps.span(RETRY_MAX_S))
    # KIE may name a day: at the deadline the task is due all the same, to be given back.
    due_at = min(deps.now() + wait, task.deadline_at)
    await tasks.requeue(deps.pool, task.task_id, due_at=due_at, error=str(error)[:500])
    log.warning("submission_delayed", error=type(error).__name__)


async def _note_submitted(deps: Deps, task: Task, provider_task_id: str) -> None:
    model = deps.catalogue.by_id.get(task.model_id)
    usual_s = await usual_time_s(deps.pool, model) if model else None
    async with deps.pool.acquire() as db, db.transaction():
        due_now = await tasks.mark_submitted(
            db, task.task_id, provider_task_id=provider_task_id, now=deps.now(),
            due_at=deps.after(usual_s or FIRST_LOOK_S),
        )  # fmt: skip
        if await generations.mark_processing(db, task.generation_id):
            content = {"generation_id": task.generation_id}
            await outbox.add(
                db, chat_id=task.user_id, kind="generation_status", content=content, now=deps.now()
            )
    log.info("task_submitted", provider_task_id=provider_task_id)
    deps.bells.ring_soon(HandleChats((task.user_id,)))
    if due_now:
        deps.bells.ring_soon(SettleTasks((task.task_id,)))
