-- name: keep_updates(update_ids, chat_ids, bodies, now)
-- Keep many updates at once; gives the chats of those that are new. A repeat gives no row.
INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at)
SELECT new.update_id, new.chat_id, new.body, :now, :now, :now
FROM unnest(:update_ids::bigint [], :chat_ids::bigint [], :bodies::text [])
    AS new (update_id, chat_id, body)
ON CONFLICT (update_id) DO NOTHING
RETURNING chat_id;

-- name: keep_handled_update(update_id, chat_id, body, now)$
-- Keep an update that was answered on the spot. No row: it was kept before.
INSERT INTO updates (update_id, chat_id, body, due_at, rung_at, received_at, handled_at)
VALUES (:update_id, :chat_id, :body, :now, :now, :now, :now)
ON CONFLICT (update_id) DO NOTHING
RETURNING update_id;

-- name: claim_next_update(chat_id, now, retry_s)^
-- Take the chat's lowest open update and count the try before it is made.
-- No row: nothing is open, or the lowest is not due yet and the others wait behind it.
UPDATE updates SET
    attempts = attempts + 1,
    due_at = :now::timestamptz + make_interval(secs => :retry_s)
WHERE update_id = (
    SELECT lowest.update_id FROM updates AS lowest
    WHERE lowest.chat_id = :chat_id AND lowest.handled_at IS NULL AND lowest.parked_at IS NULL
    ORDER BY lowest.update_id LIMIT 1
) AND due_at <= :now AND handled_at IS NULL AND parked_at IS NULL
RETURNING update_id, chat_id, body, attempts, received_at;

-- name: finish_update(update_id, now)$
-- The update took effect. No row: it had before.
UPDATE updates SET handled_at = :now, error = NULL
WHERE update_id = :update_id AND handled_at IS NULL AND parked_at IS NULL
RETURNING update_id;

-- name: retry_update(update_id, due_at, error)$
-- The try failed; the next is due later. No row: it ended meanwhile.
UPDATE updates SET due_at = :due_at, error = :error
WHERE update_id = :update_id AND handled_at IS NULL AND parked_at IS NULL
RETURNING update_id;

-- name: give_back_update(update_id, attempts, due_at, error)$
-- Undo a claim, so that this try does not count. No row: it ended, or was claimed again.
UPDATE updates SET attempts = attempts - 1, due_at = :due_at, error = :error
WHERE update_id = :update_id AND attempts = :attempts
    AND handled_at IS NULL AND parked_at IS NULL
RETURNING update_id;

-- name: park_update(update_id, now, error)$
-- Put the update aside with its error, so that the chat goes on. No row: it ended meanwhile.
UPDATE updates SET parked_at = :now, error = coalesce(:error, error, 'the process was killed')
WHERE update_id = :update_id AND handled_at IS NULL AND parked_at IS NULL
RETURNING update_id;

-- name: has_due_work(chat_id, now)$
-- Tell whether the chat has an update or a message that is due.
SELECT EXISTS (
    SELECT FROM (
        SELECT due_at FROM updates
        WHERE chat_id = :chat_id AND handled_at IS NULL AND parked_at IS NULL
        ORDER BY update_id LIMIT 1
    ) AS lowest
    WHERE lowest.due_at <= :now
) OR EXISTS (
    SELECT FROM (
        SELECT due_at FROM outbox
        WHERE chat_id = :chat_id AND state = 'due' ORDER BY outbox_id LIMIT 1
    ) AS oldest
    WHERE oldest.due_at <= :now
);
