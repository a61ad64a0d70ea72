-- name: list_unmoved_holds()
-- Holds whose movements are not what the hold says: held, captured, released.
WITH moved AS (
    SELECT
        hold_id,
        sum(amount_kopecks) FILTER (WHERE kind = 'hold') AS held,
        sum(amount_kopecks) FILTER (WHERE kind = 'capture') AS captured,
        sum(amount_kopecks) FILTER (WHERE kind = 'release') AS released
    FROM movements WHERE hold_id IS NOT NULL GROUP BY hold_id
)
SELECT
    CASE WHEN moved.held IS DISTINCT FROM holds.amount_kopecks THEN 'hold_not_moved'
        ELSE 'hold_resolution_not_moved' END AS what,
    holds.hold_id AS id,
    format(
        'held %s, captured %s, released %s', holds.amount_kopecks,
        coalesce(holds.captured_kopecks, 0), coalesce(holds.released_kopecks, 0)
    ) AS expected,
    format(
        'held %s, captured %s, released %s', coalesce(moved.held, 0),
        coalesce(moved.captured, 0), coalesce(moved.released, 0)
    ) AS found
FROM holds LEFT JOIN moved USING (hold_id)
WHERE moved.held IS DISTINCT FROM holds.amount_kopecks
    OR coalesce(moved.captured, 0) <> coalesce(holds.captured_kopecks, 0)
    OR coalesce(moved.released, 0) <> coalesce(holds.released_kopecks, 0)
LIMIT 1000;

-- name: list_incomplete_resolutions()
-- Resolved holds of which a part went neither to us nor back.
SELECT
    'hold_resolved_in_part' AS what, hold_id AS id, amount_kopecks::text AS expected,
    format('captured %s, released %s', captured_kopecks, released_kopecks) AS found
FROM holds
WHERE CASE WHEN resolved_at IS NULL
    THEN coalesce(captured_kopecks, released_kopecks) IS NOT NULL
    ELSE coalesce(captured_kopecks, -1) + coalesce(released_kopecks, -1) <> amount_kopecks END
LIMIT 1000;

-- name: list_misplaced_holds()
-- Holds that do not stand as their task does, or hold another user's money.
SELECT
    CASE WHEN holds.user_id <> tasks.user_id OR funding.user_id <> tasks.user_id
            THEN 'hold_of_another_user'
        WHEN holds.resolved_at IS NULL THEN 'hold_open_after_task'
        WHEN tasks.settled_at IS NULL THEN 'hold_resolved_before_task'
        ELSE 'failed_task_charged' END AS what,
    holds.hold_id AS id,
    format('task %s of user %s is %s', task_id, tasks.user_id, tasks.state) AS expected,
    format(
        'user %s, account %s, captured %s', holds.user_id, holds.funding_id,
        coalesce(holds.captured_kopecks::text, 'nothing yet')
    ) AS found
FROM holds
JOIN tasks USING (task_id)
JOIN accounts AS funding ON funding.account_id = holds.funding_id
WHERE holds.user_id <> tasks.user_id OR funding.user_id <> tasks.user_id
    OR (holds.resolved_at IS NULL) <> (tasks.settled_at IS NULL)
    OR (tasks.state = 'failed' AND holds.captured_kopecks > 0)
LIMIT 1000;

-- name: list_mispriced_tasks()
-- Tasks whose holds are more or less than their price.
SELECT
    'task_price_differs_from_holds' AS what, tasks.task_id AS id,
    tasks.price_kopecks::text AS expected, coalesce(sum(holds.amount_kopecks), 0)::text AS found
FROM tasks LEFT JOIN holds USING (task_id)
GROUP BY tasks.task_id
HAVING tasks.price_kopecks <> coalesce(sum(holds.amount_kopecks), 0)
LIMIT 1000;

-- name: list_mispriced_generations()
-- Generations that cost more or less than their quote promised, or than their tasks.
SELECT
    'generation_price_differs' AS what, generations.generation_id AS id,
    generations.price_kopecks::text AS expected,
    format(
        'quote %s, tasks %s', quotes.price_kopecks, coalesce(sum(tasks.price_kopecks), 0)
    ) AS found
FROM generations
JOIN quotes USING (quote_id)
LEFT JOIN tasks USING (generation_id)
GROUP BY generations.generation_id, quotes.quote_id
HAVING generations.price_kopecks <> coalesce(sum(tasks.price_kopecks), 0)
    OR generations.price_kopecks <> quotes.price_kopecks
LIMIT 1000;
