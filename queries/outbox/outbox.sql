-- name: add_message(chat_id, kind, content, now)$
-- Something must be said, in the transaction that made it true.
INSERT INTO outbox (chat_id, kind, content, due_at, rung_at, created_at)
VALUES (:chat_id, :kind, :content, :now, :now, :now)
RETURNING outbox_id;

-- name: claim_next_message(chat_id, now, retry_s)^
-- Take the chat's oldest unsaid message, counting the try. No row: none, or it is not due.
UPDATE outbox SET
    attempts = attempts + 1,
    due_at = :now::timestamptz + make_interval(secs => :retry_s)
WHERE outbox_id = (
    SELECT oldest.outbox_id FROM outbox AS oldest
    WHERE oldest.chat_id = :chat_id AND oldest.state = 'due'
    ORDER BY oldest.outbox_id LIMIT 1
) AND due_at <= :now AND state = 'due'
RETURNING outbox_id, chat_id, kind, content, attempts;

-- name: end_message(outbox_id, state, message_id, error, now)$
-- The message is over: sent, parked, or its user unreachable. No row: it was before.
UPDATE outbox SET state = :state, message_id = :message_id, error = :error, ended_at = :now
WHERE outbox_id = :outbox_id AND state = 'due'
RETURNING outbox_id;

-- name: retry_message(outbox_id, due_at, attempts, error)$
-- Say it later; those behind it wait. No row: it is over.
UPDATE outbox SET due_at = :due_at, attempts = :attempts, error = :error
WHERE outbox_id = :outbox_id AND state = 'due'
RETURNING outbox_id;

-- name: drop_unreachable(chat_id, now)$
-- The user can't be reached: nothing waits for them here; the history keeps what counts.
WITH dropped AS (
    UPDATE outbox SET state = 'unreachable', ended_at = :now
    WHERE chat_id = :chat_id AND state = 'due'
    RETURNING outbox_id
)

SELECT count(*) FROM dropped;
