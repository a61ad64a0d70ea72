-- name: add_result(task_id, generation_id, ordinal, url, medium, now)$
-- Write down where KIE keeps a file. No row: it was written down before.
INSERT INTO results (task_id, generation_id, ordinal, url, medium, created_at)
VALUES (:task_id, :generation_id, :ordinal, :url, :medium, :now)
ON CONFLICT (task_id, ordinal) DO NOTHING
RETURNING result_id;

-- name: list_results(generation_id, task_id)
-- The files of a generation, or of one of its tasks, in order.
SELECT result_id, task_id, url, medium, media_key, media_type, size_bytes, width, height,
    photo_file_id, document_file_id, created_at
FROM results
WHERE generation_id = :generation_id AND (:task_id::bigint IS NULL OR task_id = :task_id)
ORDER BY task_id, ordinal;

-- name: keep_fetched(result_id, media_key, media_type, size_bytes, width, height, sha256, now)$
-- We have our own copy now.
UPDATE results SET
    media_key = :media_key, media_type = :media_type, size_bytes = :size_bytes,
    width = :width, height = :height, sha256 = :sha256, fetched_at = :now
WHERE result_id = :result_id
RETURNING result_id;

-- name: keep_file_ids(result_id, photo_file_id, document_file_id)$
-- Telegram keeps the file too: it can be sent again by these.
UPDATE results SET
    photo_file_id = coalesce(:photo_file_id, photo_file_id),
    document_file_id = coalesce(:document_file_id, document_file_id)
WHERE result_id = :result_id
RETURNING result_id;

-- name: forget_file_ids(result_id)$
-- Telegram knows the file no more under its ids, for instance because the bot is another one.
UPDATE results SET photo_file_id = NULL, document_file_id = NULL
WHERE result_id = :result_id
RETURNING result_id;

-- name: add_delivery(kind, generation_id, task_id, update_id, chat_id, expires_at, now)$
-- Something is to be brought to a user. No row: it was asked for before.
INSERT INTO deliveries (
    kind, generation_id, task_id, update_id, chat_id, due_at, rung_at, expires_at, created_at
) VALUES (
    :kind, :generation_id, :task_id, :update_id, :chat_id, :now, :now, :expires_at, :now
)
ON CONFLICT DO NOTHING
RETURNING delivery_id;

-- name: claim_delivery(delivery_id, now, lease_s)^
-- Take a delivery, counting the try. No row: it is not due, or has ended.
UPDATE deliveries SET
    attempts = attempts + 1,
    due_at = :now::timestamptz + make_interval(secs => :lease_s)
WHERE delivery_id = :delivery_id AND state = 'due' AND due_at <= :now
RETURNING delivery_id, kind, generation_id, task_id, chat_id, attempts, sent_ids, created_at,
    expires_at;

-- name: keep_claim(delivery_id, sent_ids, due_at)$
-- Note files that were sent just now, and keep the delivery for longer. No row: it has ended.
UPDATE deliveries SET sent_ids = sent_ids || :sent_ids::bigint [], due_at = :due_at
WHERE delivery_id = :delivery_id AND state = 'due'
RETURNING delivery_id;

-- name: retry_delivery(delivery_id, due_at, attempts, error)$
-- Bring it later. No row: it has ended.
UPDATE deliveries SET due_at = :due_at, attempts = :attempts, error = :error
WHERE delivery_id = :delivery_id AND state = 'due'
RETURNING delivery_id;

-- name: end_delivery(delivery_id, state, error, now)$
-- The delivery is over: sent, expired or parked. No row: it was before.
UPDATE deliveries SET state = :state, error = :error, ended_at = :now
WHERE delivery_id = :delivery_id AND state = 'due'
RETURNING delivery_id;

-- name: wake_deliveries(chat_id, now)
-- The user is back: what waited for them is due now. A try under way (it is counted) is left
-- alone, or the same pictures would be sent twice at once.
UPDATE deliveries SET due_at = :now, rung_at = :now, rings = 0
WHERE chat_id = :chat_id AND state = 'due' AND attempts = 0
RETURNING delivery_id;

-- name: was_delayed(generation_id)$
-- Tell whether a try to bring the results failed and they are still due.
SELECT EXISTS (
    SELECT FROM deliveries
    WHERE generation_id = :generation_id AND kind = 'results' AND state = 'due'
        AND error IS NOT NULL
);
