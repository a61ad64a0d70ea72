-- name: list_broken_accounts()
-- Accounts whose movements do not add up to the balance, or do not form one chain up to it.
-- Each leg leads from (version - 1, balance before) to (version, balance after). Summed up, the
-- hashes of "after" less those of "before" cancel out along an unbroken chain, and what remains
-- is its end less its start: one pass, no sorting, and any leg missing, doubled or altered shows.
WITH legs AS (
    SELECT
        leg.account_id, leg.signed,
        hashint8extended(leg.version, leg.after) AS reached,
        hashint8extended(leg.version - 1, leg.after - leg.signed) AS left_behind
    FROM movements CROSS JOIN LATERAL (VALUES
        (debit_id, -amount_kopecks, debit_version, debit_balance_kopecks),
        (credit_id, amount_kopecks, credit_version, credit_balance_kopecks)
    ) AS leg (account_id, signed, version, after)
), totals AS (
    SELECT account_id, sum(signed) AS moved, sum(reached) - sum(left_behind) AS path
    FROM legs GROUP BY account_id
)
SELECT
    CASE WHEN coalesce(moved, 0) <> balance_kopecks THEN 'balance_differs_from_movements'
        ELSE 'chain_broken' END AS what,
    account_id AS id, coalesce(moved, 0)::text AS expected, balance_kopecks::text AS found
FROM accounts LEFT JOIN totals USING (account_id)
WHERE coalesce(moved, 0) <> balance_kopecks OR coalesce(path, 0)
    <> hashint8extended(version, balance_kopecks)::numeric - hashint8extended(0, 0)
LIMIT 1000;

-- name: list_broken_links(account_id)
-- The movements where an account's chain breaks: walks debit and credit legs together.
WITH walked AS (
    SELECT
        movement_id, version, after, after - signed AS before,
        lag(version, 1, 0::bigint) OVER chain AS last_version,
        lag(after, 1, 0::bigint) OVER chain AS last_after
    FROM movements CROSS JOIN LATERAL (VALUES
        (debit_id, -amount_kopecks, debit_version, debit_balance_kopecks),
        (credit_id, amount_kopecks, credit_version, credit_balance_kopecks)
    ) AS leg (account_id, signed, version, after)
    WHERE leg.account_id = :account_id
    WINDOW chain AS (ORDER BY version, movement_id)
)
SELECT
    'chain_broken_at_movement' AS what, movement_id AS id,
    format('version %s from %s', last_version + 1, last_after) AS expected,
    format('version %s from %s', version, before) AS found
FROM walked WHERE version <> last_version + 1 OR before <> last_after
ORDER BY version LIMIT 20;

-- name: list_altered_movements()
-- Movements that differ from what was asked for when they were made.
-- The hash is spelled out: the function of the migration would be called for each row.
WITH hashed AS (
    SELECT movement_id, request_hash, sha256(convert_to(concat_ws(
        '|', kind, debit_id, credit_id, amount_kopecks, coalesce(hold_id, 0)
    ), 'UTF8')) AS asked_for
    FROM movements
)
SELECT
    'movement_altered' AS what, movement_id AS id,
    encode(asked_for, 'hex') AS expected, encode(request_hash, 'hex') AS found
FROM hashed WHERE asked_for <> request_hash
LIMIT 1000;

-- name: list_forbidden_movements()
-- Movements between accounts that their kind may not touch, or of two users, or of nothing.
SELECT
    CASE WHEN rule.kind IS NULL THEN 'movement_rule_unknown'
        WHEN debit.user_id <> credit.user_id THEN 'movement_of_two_users'
        WHEN movements.amount_kopecks <= 0 THEN 'movement_not_positive'
        ELSE 'movement_owner_differs' END AS what,
    movements.movement_id AS id,
    format('of user %s', coalesce(debit.user_id, credit.user_id)) AS expected,
    format(
        '%s of %s from %s to %s, user %s', movements.kind, movements.amount_kopecks,
        movements.debit_id, movements.credit_id, movements.user_id
    ) AS found
FROM movements
LEFT JOIN accounts AS debit ON debit.account_id = movements.debit_id
LEFT JOIN accounts AS credit ON credit.account_id = movements.credit_id
LEFT JOIN movement_rules AS rule ON rule.kind = movements.kind
    AND rule.debit_kind = debit.kind AND rule.credit_kind = credit.kind
WHERE rule.kind IS NULL OR debit.user_id <> credit.user_id OR movements.amount_kopecks <= 0
    OR movements.user_id IS DISTINCT FROM coalesce(debit.user_id, credit.user_id)
LIMIT 1000;

-- name: list_repeated_welcomes()
-- Users who were welcomed with money more than once.
SELECT
    'welcomed_twice' AS what, user_id AS id, '1' AS expected, count(*)::text AS found
FROM movements WHERE kind = 'welcome'
GROUP BY user_id HAVING count(*) > 1
LIMIT 1000;
