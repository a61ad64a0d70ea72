-- name: ring_updates(now, time_factor, rows_max)
-- Chats whose lowest open update is due and was not rung for a while; they count as rung now.
WITH lowest AS (
    SELECT DISTINCT ON (chat_id) update_id, due_at, rung_at, rings FROM updates
    WHERE handled_at IS NULL AND parked_at IS NULL
    ORDER BY chat_id, update_id
),

stale AS (
    SELECT update_id FROM lowest
    WHERE due_at <= :now AND rung_at <= :now::timestamptz
        - make_interval(secs => least(60, 5 * 2 ^ least(rings, 4)) * :time_factor)
    ORDER BY due_at LIMIT :rows_max
),

free AS (
    SELECT updates.update_id FROM updates JOIN stale USING (update_id)
    WHERE updates.handled_at IS NULL AND updates.parked_at IS NULL
    ORDER BY updates.update_id
    FOR NO KEY UPDATE OF updates SKIP LOCKED
)

UPDATE updates SET rung_at = :now, rings = least(rings + 1, 4)
WHERE update_id IN (SELECT update_id FROM free)
RETURNING chat_id;

-- name: ring_outbox(now, time_factor, rows_max)
-- Chats whose oldest message is due and was not rung for a while; they count as rung now.
WITH oldest AS (
    SELECT DISTINCT ON (chat_id) outbox_id, due_at, rung_at, rings FROM outbox
    WHERE state = 'due'
    ORDER BY chat_id, outbox_id
),

stale AS (
    SELECT outbox_id FROM oldest
    WHERE due_at <= :now AND rung_at <= :now::timestamptz
        - make_interval(secs => least(60, 5 * 2 ^ least(rings, 4)) * :time_factor)
    ORDER BY due_at LIMIT :rows_max
),

free AS (
    SELECT outbox.outbox_id FROM outbox JOIN stale USING (outbox_id)
    WHERE outbox.state = 'due'
    ORDER BY outbox.outbox_id
    FOR NO KEY UPDATE OF outbox SKIP LOCKED
)

UPDATE outbox SET rung_at = :now, rings = least(rings + 1, 4)
WHERE outbox_id IN (SELECT outbox_id FROM free)
RETURNING chat_id;

-- name: ring_tasks(now, time_factor, rows_max)
-- Tasks that are due and were not rung for a while; they count as rung now.
WITH free AS (
    SELECT task_id FROM tasks
    WHERE (settled_at IS NULL OR watch_until IS NOT NULL) AND parked_at IS NULL
        AND due_at <= :now
        AND rung_at <= :now::timestamptz
        - make_interval(secs => least(60, 5 * 2 ^ least(rings, 4)) * :time_factor)
    ORDER BY due_at LIMIT :rows_max
    FOR NO KEY UPDATE SKIP LOCKED
)

UPDATE tasks SET rung_at = :now, rings = least(rings + 1, 4)
WHERE task_id IN (SELECT task_id FROM free)
RETURNING task_id, state;

-- name: ring_deliveries(now, time_factor, rows_max)
-- Deliveries that are due and were not rung for a while; they count as rung now.
WITH free AS (
    SELECT delivery_id FROM deliveries
    WHERE state = 'due' AND due_at <= :now AND rung_at <= :now::timestamptz
        - make_interval(secs => least(60, 5 * 2 ^ least(rings, 4)) * :time_factor)
    ORDER BY due_at LIMIT :rows_max
    FOR NO KEY UPDATE SKIP LOCKED
)

UPDATE deliveries SET rung_at = :now, rings = least(rings + 1, 4)
WHERE delivery_id IN (SELECT delivery_id FROM free)
RETURNING delivery_id;

-- name: empty_updates(since, before, rows_max)$
-- Forget what people wrote, of updates handled in this span; gives how many rows.
WITH old AS (
    SELECT update_id FROM updates
    WHERE handled_at >= :since AND handled_at < :before AND body IS NOT NULL
    ORDER BY handled_at LIMIT :rows_max
),

emptied AS (
    UPDATE updates SET body = NULL WHERE update_id IN (SELECT update_id FROM old)
    RETURNING update_id
)

SELECT count(*) FROM emptied;

-- name: delete_updates(before, rows_max)$
-- Forget updates handled before this: Telegram repeats none that old. Gives how many rows.
WITH old AS (
    SELECT update_id FROM updates WHERE handled_at < :before
    ORDER BY handled_at LIMIT :rows_max
),

deleted AS (
    DELETE FROM updates WHERE update_id IN (SELECT update_id FROM old) RETURNING update_id
)

SELECT count(*) FROM deleted;

-- name: delete_outbox(before, rows_max)$
-- Forget messages that ended before this; parked ones stay for the operator. How many rows.
WITH old AS (
    SELECT outbox_id FROM outbox WHERE ended_at < :before AND state <> 'parked'
    ORDER BY ended_at LIMIT :rows_max
),

deleted AS (
    DELETE FROM outbox WHERE outbox_id IN (SELECT outbox_id FROM old) RETURNING outbox_id
)

SELECT count(*) FROM deleted;

-- name: delete_callbacks(before, rows_max)$
-- Forget callbacks that came before this; gives how many rows.
WITH old AS (
    SELECT callback_id FROM callbacks WHERE received_at < :before
    ORDER BY received_at LIMIT :rows_max
),

deleted AS (
    DELETE FROM callbacks WHERE callback_id IN (SELECT callback_id FROM old)
    RETURNING callback_id
)

SELECT count(*) FROM deleted;
