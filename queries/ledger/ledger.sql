-- name: get_balances(user_id)^
-- No row: the person is unknown.
SELECT
    max(balance_kopecks) FILTER (WHERE kind = 'available') AS available_kopecks,
    max(balance_kopecks) FILTER (WHERE kind = 'bonus') AS bonus_kopecks,
    max(balance_kopecks) FILTER (WHERE kind = 'held') AS held_kopecks
FROM accounts WHERE user_id = :user_id
HAVING count(*) > 0;

-- name: list_accounts(user_id)
-- The user's accounts by kind.
SELECT kind, account_id FROM accounts WHERE user_id = :user_id;

-- name: move(kind, debit_id, debit_kind, credit_id, credit_kind, amount_kopecks, hold_id, idempotency_key, actor, note)$
-- Move money once; gives the movement's id. No row: the same request was done before.
INSERT INTO movements (
    kind, debit_id, debit_kind, credit_id, credit_kind, amount_kopecks, hold_id,
    idempotency_key, actor, note
) VALUES (
    :kind, :debit_id, :debit_kind, :credit_id, :credit_kind, :amount_kopecks, :hold_id,
    :idempotency_key, :actor, :note
)
RETURNING movement_id;

-- name: open_hold(task_id, user_id, funding_id, funding_kind, amount_kopecks, now)$
-- Write down a hold; its movement follows in the same transaction.
INSERT INTO holds (task_id, user_id, funding_id, funding_kind, amount_kopecks, created_at)
VALUES (:task_id, :user_id, :funding_id, :funding_kind, :amount_kopecks, :now)
RETURNING hold_id;

-- name: list_open_holds(task_id)
-- The task's holds that are not resolved, bonus money first: it is spent first.
SELECT hold_id, user_id, funding_id, funding_kind, amount_kopecks
FROM holds WHERE task_id = :task_id AND resolved_at IS NULL
ORDER BY funding_kind DESC
FOR NO KEY UPDATE;

-- name: resolve_hold(hold_id, captured_kopecks, released_kopecks, now)$
-- Say what became of a hold, once. No row: it was resolved before.
UPDATE holds SET
    captured_kopecks = :captured_kopecks, released_kopecks = :released_kopecks,
    resolved_at = :now
WHERE hold_id = :hold_id AND resolved_at IS NULL
RETURNING hold_id;

-- name: list_movements(user_id, before_id, page_size)
-- A page of the user's movements, newest first; `before_id` null starts at the newest.
SELECT
    movements.movement_id, movements.kind, movements.debit_kind, movements.credit_kind,
    movements.amount_kopecks, movements.created_at, tasks.generation_id, tasks.model_id
FROM movements
LEFT JOIN holds USING (hold_id)
LEFT JOIN tasks USING (task_id)
WHERE movements.user_id = :user_id
    AND (:before_id::bigint IS NULL OR movements.movement_id < :before_id)
ORDER BY movements.movement_id DESC
LIMIT :page_size;

-- name: get_returned(generation_id)$
-- What came back to the user from this generation's holds: told from the ledger itself.
SELECT coalesce(sum(movements.amount_kopecks), 0)::bigint
FROM movements
JOIN holds USING (hold_id)
JOIN tasks USING (task_id)
WHERE tasks.generation_id = :generation_id AND movements.kind = 'release';

-- name: get_ledger_guard()$
-- Whether this login could change movements or balances if it tried.
SELECT has_table_privilege('movements', 'UPDATE, DELETE, TRUNCATE')
    OR has_table_privilege('accounts', 'INSERT, UPDATE, DELETE, TRUNCATE');
