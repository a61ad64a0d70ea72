-- name: get_task_of_token(token)^
-- Which task a callback's token belongs to. No row: an unknown token.
SELECT task_id, provider_task_id FROM tasks WHERE callback_token = :token;

-- name: keep_callback(task_id, provider_task_id, body, matches, now)$
-- Keep a callback and make its task due: KIE says that it has ended.
WITH kept AS (
    INSERT INTO callbacks (task_id, provider_task_id, body, matches, received_at)
    VALUES (:task_id, :provider_task_id, :body, :matches, :now)
    RETURNING task_id
),

due AS (
    UPDATE tasks SET due_at = :now, rung_at = :now, rings = 0
    WHERE task_id = :task_id AND :matches::boolean
        AND (state IN ('processing', 'unknown') OR watch_until IS NOT NULL)
        AND parked_at IS NULL
)

SELECT task_id FROM kept;

-- name: list_hints(task_id)
-- KIE's ids that came with this task's token, oldest first: where its answer was lost.
SELECT DISTINCT ON (provider_task_id) provider_task_id
FROM callbacks
WHERE task_id = :task_id AND provider_task_id IS NOT NULL
ORDER BY provider_task_id, callback_id
LIMIT 5;

-- name: has_open_callback(task_id)$
-- Tell whether a callback came that nobody acted on.
SELECT EXISTS (SELECT FROM callbacks WHERE task_id = :task_id AND handled_at IS NULL);

-- name: finish_callbacks(task_id, now)$
-- The task was read after these came.
WITH finished AS (
    UPDATE callbacks SET handled_at = :now
    WHERE task_id = :task_id AND handled_at IS NULL AND received_at <= :now
    RETURNING callback_id
)

SELECT count(*) FROM finished;

-- name: finish_settled_callbacks(task_id, now)$
-- The task is settled, nothing is left to look at; of any other task its callbacks stay open.
WITH finished AS (
    UPDATE callbacks SET handled_at = :now
    FROM tasks
    WHERE callbacks.task_id = :task_id AND tasks.task_id = :task_id
        AND callbacks.handled_at IS NULL
        AND tasks.settled_at IS NOT NULL AND tasks.watch_until IS NULL
    RETURNING callbacks.callback_id
)

SELECT count(*) FROM finished;

-- name: get_last_received()$
-- When the newest callback came; null: never.
SELECT max(received_at) FROM callbacks;
