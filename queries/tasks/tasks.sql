-- name: queue_task(generation_id, user_id, model_id, ordinal, input, pictures, price_kopecks, callback_token, deadline_at, now)$
-- One createTask to be made. The money is held in the same transaction.
INSERT INTO tasks (
    generation_id, user_id, model_id, ordinal, input, pictures, price_kopecks, callback_token,
    deadline_at, due_at, rung_at, created_at
) VALUES (
    :generation_id, :user_id, :model_id, :ordinal, :input, :pictures, :price_kopecks,
    :callback_token, :deadline_at, :now, :now, :now
)
RETURNING task_id;

-- name: claim_next_queued(now, lease_s)^
-- Take the next task to submit: of the user with the fewest running tasks, the oldest.
-- It is `submitting` before the call is made, so that a crash never leads to a second one.
UPDATE tasks SET
    state = 'submitting', attempts = attempts + 1,
    due_at = :now::timestamptz + make_interval(secs => :lease_s)
WHERE task_id = (
    SELECT waiting.task_id FROM tasks AS waiting
    WHERE waiting.state = 'queued' AND waiting.parked_at IS NULL AND waiting.due_at <= :now
    ORDER BY (
        SELECT count(*) FROM tasks AS running
        WHERE running.user_id = waiting.user_id
            AND running.state IN ('submitting', 'unknown', 'processing')
    ), waiting.task_id
    LIMIT 1
    FOR UPDATE OF waiting SKIP LOCKED
)
RETURNING task_id, generation_id, user_id, model_id, input, pictures, price_kopecks, state,
    callback_token, provider_task_id, attempts, polls, deadline_at, created_at, submitted_at,
    watch_until;

-- name: requeue_task(task_id, due_at, error)$
-- KIE surely made nothing: try again later; the try does not count.
UPDATE tasks SET state = 'queued', attempts = attempts - 1, due_at = :due_at, error = :error
WHERE task_id = :task_id AND state = 'submitting'
RETURNING task_id;

-- name: mark_submitted(task_id, provider_task_id, now, due_at)$
-- KIE has the task. A callback that was quicker makes it due at once.
UPDATE tasks SET
    state = 'processing', provider_task_id = :provider_task_id, submitted_at = :now,
    attempts = 0, error = NULL, rung_at = :now, rings = 0,
    due_at = CASE WHEN EXISTS (
        SELECT FROM callbacks
        WHERE callbacks.task_id = tasks.task_id AND callbacks.handled_at IS NULL
    ) THEN :now ELSE :due_at END
WHERE task_id = :task_id AND state IN ('submitting', 'unknown')
RETURNING due_at <= :now;

-- name: mark_unknown(task_id, due_at, error)$
-- Nobody knows whether KIE has the task: it is never sent again, only looked for.
UPDATE tasks SET state = 'unknown', attempts = 0, due_at = :due_at, error = :error
WHERE task_id = :task_id AND state = 'submitting'
RETURNING task_id;

-- name: claim_task(task_id, now, lease_s)^
-- Take a task to read it, counting the try. No row: it is not due, settled or parked.
UPDATE tasks SET
    attempts = attempts + 1,
    due_at = :now::timestamptz + make_interval(secs => :lease_s)
WHERE task_id = :task_id AND parked_at IS NULL AND due_at <= :now
    AND (state IN ('submitting', 'unknown', 'processing') OR watch_until IS NOT NULL)
RETURNING task_id, generation_id, user_id, model_id, input, pictures, price_kopecks, state,
    callback_token, provider_task_id, attempts, polls, deadline_at, created_at, submitted_at,
    watch_until;

-- name: get_task(task_id)^
-- The task as it stands.
SELECT task_id, generation_id, user_id, model_id, input, pictures, price_kopecks, state,
    callback_token, provider_task_id, attempts, polls, deadline_at, created_at, submitted_at,
    watch_until
FROM tasks WHERE task_id = :task_id;

-- name: snooze_task(task_id, due_at, polls, attempts, error)$
-- Look again later; it counts as not rung for long, so that the sweeper rings when it is due.
-- No row: it was settled meanwhile.
UPDATE tasks SET due_at = :due_at, polls = :polls, attempts = :attempts, error = :error,
    rung_at = :due_at::timestamptz - interval '1 minute', rings = 0
WHERE task_id = :task_id AND (settled_at IS NULL OR watch_until IS NOT NULL)
RETURNING task_id;

-- name: settle_succeeded(task_id, pictures_made, credits_consumed, now)$
-- The task was made. No row: it was settled before.
UPDATE tasks SET
    state = 'succeeded', pictures_made = :pictures_made,
    credits_consumed = :credits_consumed, settled_at = :now, error = NULL
WHERE task_id = :task_id AND state = 'processing'
RETURNING task_id;

-- name: settle_failed(task_id, reason, error, watch_until, due_at, now)$
-- The task failed, its money goes back. No row: it was settled before.
UPDATE tasks SET
    state = 'failed', reason = :reason, error = coalesce(:error, error), settled_at = :now,
    watch_until = :watch_until, due_at = :due_at, attempts = 0
WHERE task_id = :task_id AND state IN ('queued', 'submitting', 'unknown', 'processing')
RETURNING task_id;

-- name: mark_late(task_id, provider_task_id, credits_consumed, now)$
-- A result came after the money was given back. No row: that was noticed before.
UPDATE tasks SET
    late_at = :now, watch_until = NULL, credits_consumed = :credits_consumed,
    provider_task_id = coalesce(provider_task_id, :provider_task_id)
WHERE task_id = :task_id AND state = 'failed' AND late_at IS NULL
RETURNING task_id;

-- name: stop_watching(task_id)$
-- No result will come any more.
UPDATE tasks SET watch_until = NULL
WHERE task_id = :task_id AND watch_until IS NOT NULL
RETURNING task_id;

-- name: park_task(task_id, now, error)$
-- Put the task aside with its error: people must look. No row: it was settled or parked before.
UPDATE tasks SET parked_at = :now, error = coalesce(:error, error, 'the process was killed')
WHERE task_id = :task_id AND parked_at IS NULL
    AND (settled_at IS NULL OR watch_until IS NOT NULL)
RETURNING task_id;

-- name: list_overdue_queued(now)
-- Tasks that were never submitted before their deadline.
SELECT task_id FROM tasks
WHERE state = 'queued' AND parked_at IS NULL AND deadline_at <= :now
ORDER BY task_id LIMIT 50;

-- name: count_queued_before(task_id)$
-- How many tasks were queued earlier and still wait.
SELECT count(*) FROM tasks WHERE state = 'queued' AND task_id < :task_id;
