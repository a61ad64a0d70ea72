-- name: claim_lease(chat_id, token, lease_s)$
-- Take the chat for `lease_s` seconds. No row: somebody else has it, and will look once more.
-- The database's own clock: leases are compared between machines.
INSERT INTO chats AS chat (chat_id, lease_token, lease_until)
VALUES (:chat_id, :token, clock_timestamp() + make_interval(secs => :lease_s))
ON CONFLICT (chat_id) DO UPDATE SET
    lease_token = excluded.lease_token, lease_until = excluded.lease_until
WHERE chat.lease_token IS NULL OR chat.lease_until < clock_timestamp()
RETURNING chat_id;

-- name: keep_lease(chat_id, token, lease_s)$
-- Prolong the lease inside a transaction. No row: it was lost, and nothing may be changed.
UPDATE chats SET lease_until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE chat_id = :chat_id AND lease_token = :token
RETURNING chat_id;

-- name: release_lease(chat_id, token)$
-- Give the chat back. No row: it was lost already.
UPDATE chats SET lease_token = NULL, lease_until = NULL
WHERE chat_id = :chat_id AND lease_token = :token
RETURNING chat_id;
