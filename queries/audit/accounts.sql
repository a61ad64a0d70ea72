-- name: list_negative_balances()
-- Users who have less than nothing.
SELECT
    'balance_negative' AS what, account_id AS id, '0' AS expected,
    balance_kopecks::text AS found
FROM accounts WHERE user_id IS NOT NULL AND balance_kopecks < 0
LIMIT 1000;

-- name: list_unheld_balances()
-- Users whose held money is not the sum of their open holds.
SELECT
    'held_differs_from_holds' AS what, accounts.user_id AS id,
    coalesce(sum(holds.amount_kopecks), 0)::text AS expected,
    accounts.balance_kopecks::text AS found
FROM accounts
LEFT JOIN holds ON holds.user_id = accounts.user_id AND holds.resolved_at IS NULL
WHERE accounts.kind = 'held'
GROUP BY accounts.account_id
HAVING accounts.balance_kopecks <> coalesce(sum(holds.amount_kopecks), 0)
LIMIT 1000;

-- name: list_unbalanced_ledger()
-- All accounts together: what one has, another gave. One row, or none when that is so.
SELECT
    'ledger_unbalanced' AS what, NULL::bigint AS id, '0' AS expected,
    sum(balance_kopecks)::text AS found
FROM accounts HAVING sum(balance_kopecks) <> 0;

-- name: list_incomplete_owners()
-- Users without their three accounts.
SELECT
    'accounts_missing' AS what, users.user_id AS id, 'available, bonus, held' AS expected,
    coalesce(string_agg(accounts.kind, ', ' ORDER BY accounts.kind), 'none') AS found
FROM users LEFT JOIN accounts USING (user_id)
GROUP BY users.user_id HAVING count(accounts.kind) <> 3
LIMIT 1000;

-- name: list_disabled_guards()
-- Triggers that keep money and were switched off, and constraints nobody has checked.
SELECT
    'guard_switched_off' AS what, NULL::bigint AS id,
    tgrelid::regclass || '.' || tgname AS expected, 'disabled' AS found
FROM pg_trigger
WHERE tgenabled IN ('D', 'R')
    AND tgrelid IN ('accounts'::regclass, 'movements'::regclass, 'holds'::regclass,
        'tasks'::regclass, 'users'::regclass)
UNION ALL
SELECT 'guard_switched_off', NULL, conrelid::regclass || '.' || conname, 'not validated'
FROM pg_constraint
WHERE NOT convalidated
    AND conrelid IN ('accounts'::regclass, 'movements'::regclass, 'holds'::regclass,
        'tasks'::regclass, 'users'::regclass);

-- name: get_drift()$
-- Kopecks that are out of place at a glance: cheap enough for a gauge, 0 when all is well.
SELECT (
    (SELECT abs(sum(balance_kopecks)) FROM accounts)
    + (
        SELECT coalesce(sum(abs(accounts.balance_kopecks - coalesce(open.kopecks, 0))), 0)
        FROM accounts
        LEFT JOIN (
            SELECT user_id, sum(amount_kopecks) AS kopecks
            FROM holds WHERE resolved_at IS NULL GROUP BY user_id
        ) AS open USING (user_id)
        WHERE accounts.kind = 'held'
    )
)::bigint;
