-- name: start_generation(quote_id, user_id, model_id, price_kopecks, status_message_id, deadline_at, now)$
-- Buy what a quote promises. No row: the quote was used before, a second press of the button.
INSERT INTO generations (
    quote_id, user_id, model_id, price_kopecks, status_message_id, deadline_at, created_at
) VALUES (
    :quote_id, :user_id, :model_id, :price_kopecks, :status_message_id, :deadline_at, :now
)
ON CONFLICT (quote_id) DO NOTHING
RETURNING generation_id;

-- name: get_generation(generation_id)^
-- A generation with what it was bought as, how its tasks stand, and what became of it.
SELECT
    generations.generation_id, generations.user_id, generations.model_id, generations.state,
    generations.reason, generations.price_kopecks, generations.status_message_id,
    generations.created_at, generations.finished_at,
    quotes.prompt, quotes.parameters, quotes.style, quotes.pictures,
    (SELECT count(*) FROM tasks WHERE tasks.generation_id = generations.generation_id) AS tasks,
    (
        SELECT count(*) FROM tasks
        WHERE tasks.generation_id = generations.generation_id AND tasks.settled_at IS NOT NULL
    ) AS tasks_settled,
    (
        SELECT coalesce(sum(pictures_made), 0)::integer FROM tasks
        WHERE tasks.generation_id = generations.generation_id AND tasks.state = 'succeeded'
    ) AS pictures_made,
    (
        SELECT deliveries.state FROM deliveries
        WHERE deliveries.generation_id = generations.generation_id
            AND deliveries.kind = 'results'
    ) AS delivery_state
FROM generations JOIN quotes USING (quote_id)
WHERE generations.generation_id = :generation_id;

-- name: list_history(user_id, before_id, page_size)
-- A page of the user's generations that ended with pictures, newest first.
SELECT generations.generation_id, generations.model_id, generations.created_at, quotes.prompt,
    count(results.result_id) AS pictures
FROM generations
JOIN quotes USING (quote_id)
JOIN results USING (generation_id)
WHERE generations.user_id = :user_id
    AND (:before_id::bigint IS NULL OR generations.generation_id < :before_id)
GROUP BY generations.generation_id, quotes.quote_id
ORDER BY generations.generation_id DESC
LIMIT :page_size;

-- name: mark_processing(generation_id)$
-- KIE has taken the first task. No row: it had before, or all has ended.
UPDATE generations SET state = 'processing'
WHERE generation_id = :generation_id AND state = 'pending'
RETURNING generation_id;

-- name: finish_generation(generation_id, now)^
-- End the generation once its last task is settled. No row: tasks run, or it has ended.
UPDATE generations SET
    state = CASE WHEN told.succeeded > 0 THEN 'completed' ELSE 'failed' END,
    reason = CASE WHEN told.succeeded > 0 THEN NULL ELSE told.failure END,
    finished_at = :now
FROM (
    SELECT
        count(*) FILTER (WHERE settled_at IS NULL) AS running,
        count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
        max(reason) AS failure
    FROM tasks WHERE generation_id = :generation_id
) AS told
WHERE generations.generation_id = :generation_id AND finished_at IS NULL
    AND told.running = 0
RETURNING generations.state, generations.reason;

-- name: keep_status_message(generation_id, message_id)$
-- Remember which message is edited through the states.
UPDATE generations SET status_message_id = :message_id
WHERE generation_id = :generation_id
RETURNING generation_id;

-- name: list_model_seconds(model_id, sample)
-- How long the last tasks of a model took, in seconds, the newest first.
SELECT extract(EPOCH FROM settled_at - submitted_at)::double precision AS seconds
FROM tasks
WHERE model_id = :model_id AND state = 'succeeded' AND submitted_at IS NOT NULL
ORDER BY settled_at DESC
LIMIT :sample;

-- name: list_switched_off()
-- Models that an administrator, or their own failures, took off sale.
SELECT model_id FROM model_switches WHERE switched_off;

-- name: count_running(user_id)$
-- How many generations of the user are under way.
SELECT count(*) FROM generations
WHERE user_id = :user_id AND state IN ('pending', 'processing');
