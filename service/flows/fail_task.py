"""A task that failed gives its money back, in the transaction that says so."""

import structlog

from service.bells import DeliverResults, HandleChats
from service.domain.generation import DeliveryKind, FailureReason, GenerationState
from service.domain.money import Kopecks
from service.flows.deps import Deps
from service.metrics import generation_finished
from service.store import deliveries, generations, ledger, outbox, tasks, users
from service.store.pool import Db
from service.store.tasks import Task

log = structlog.get_logger(__name__)

#: For so long the result of a task we gave up may still come and is delivered free.
WATCH_S = 24 * 3600.0
#: The first look at a task we gave up comes after this.
WATCH_FIRST_S = 600.0
#: A result that can't be delivered is tried for so long.
DELIVERY_S = 7 * 24 * 3600.0


async def fail_task(
    deps: Deps, task: Task, *, reason: str, error: str | None, watch: bool = False
) -> None:
    """Settle a task as failed and release its money. Safe to repeat: it is settled once.

    `watch`: we gave up, KIE did not; should the result come after all, it is brought free.
    """
    failure = FailureReason.of(reason)
    async with deps.pool.acquire() as db, db.transaction():
        await users.lock(db, task.user_id)
        settled = await tasks.settle_failed(
            db, task.task_id, reason=failure, error=error[:500] if error else None,
            now=deps.now(), watch_until=deps.after(WATCH_S) if watch else None,
            due_at=deps.after(WATCH_FIRST_S),
        )  # fmt: skip
        if not settled:
            return
        await ledger.resolve(db, task_id=task.task_id, capture_kopecks=Kopecks(0), now=deps.now())
        delivery_id = await finish_generation(db, deps, task)
    log.info("task_failed", reason=failure, task_id=task.task_id)
    ring_finished(deps, task, delivery_id)


async def finish_generation(db: Db, deps: Deps, task: Task) -> int | None:
    """End the generation if this was its last task; gives the delivery that is due then."""
    content = {"generation_id": task.generation_id}
    await outbox.add(
        db, chat_id=task.user_id, kind="generation_status", content=content, now=deps.now()
    )
    state = await generations.finish(db, task.generation_id, now=deps.now())
    if state is None:
        return None
    generation_finished(task.model_id, state, seconds=_seconds(deps, task))
    if state is not GenerationState.COMPLETED:
        return None
    return await deliveries.add(
        db, kind=DeliveryKind.RESULTS, generation_id=task.generation_id, chat_id=task.user_id,
        expires_at=deps.after(DELIVERY_S), now=deps.now(),
    )  # fmt: skip


def ring_finished(deps: Deps, task: Task, delivery_id: int | None) -> None:
    """Ring, after the commit, for what a settled task made due."""
    deps.bells.ring_soon(HandleChats((task.user_id,)))
    if delivery_id is not None:
        deps.bells.ring_soon(DeliverResults((delivery_id,)))


def _seconds(deps: Deps, task: Task) -> float:
    return (deps.now() - task.created_at).total_seconds()
