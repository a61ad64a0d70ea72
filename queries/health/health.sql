-- name: list_work(now, rows_max)
-- For each kind of work: what is open, due and parked, and since when the oldest has been due.
-- Partial indexes only; a figure stops at `rows_max`, so that a backlog does not slow its own report.
WITH open_rows AS (
    (
        SELECT 'updates' AS kind, due_at FROM updates
        WHERE handled_at IS NULL AND parked_at IS NULL LIMIT :rows_max
    )
    UNION ALL
    (SELECT 'outbox', due_at FROM outbox WHERE state = 'due' LIMIT :rows_max)
    UNION ALL
    (
        SELECT 'tasks', due_at FROM tasks
        WHERE settled_at IS NULL AND parked_at IS NULL LIMIT :rows_max
    )
    UNION ALL
    (SELECT 'deliveries', due_at FROM deliveries WHERE state = 'due' LIMIT :rows_max)
),

parked_rows AS (
    (SELECT 'updates' AS kind FROM updates WHERE parked_at IS NOT NULL LIMIT :rows_max)
    UNION ALL
    (SELECT 'outbox' FROM outbox WHERE state = 'parked' LIMIT :rows_max)
    UNION ALL
    (SELECT 'tasks' FROM tasks WHERE parked_at IS NOT NULL LIMIT :rows_max)
    UNION ALL
    (SELECT 'deliveries' FROM deliveries WHERE state = 'parked' LIMIT :rows_max)
)

SELECT
    kinds.kind,
    (SELECT count(*) FROM open_rows WHERE open_rows.kind = kinds.kind) AS open_count,
    (
        SELECT count(*) FROM open_rows
        WHERE open_rows.kind = kinds.kind AND open_rows.due_at <= :now
    ) AS due_count,
    (
        SELECT greatest(0, extract(EPOCH FROM :now::timestamptz - min(open_rows.due_at)))
        FROM open_rows WHERE open_rows.kind = kinds.kind AND open_rows.due_at <= :now
    )::double precision AS oldest_s,
    (SELECT count(*) FROM parked_rows WHERE parked_rows.kind = kinds.kind) AS parked_count
FROM unnest(ARRAY['updates', 'outbox', 'tasks', 'deliveries']) AS kinds (kind);

-- name: get_hold_oldest_s(now)$
-- Age of the oldest open hold in seconds; null: no money is held.
SELECT extract(EPOCH FROM :now::timestamptz - min(created_at))::double precision
FROM holds WHERE resolved_at IS NULL;

-- name: get_drift()$
-- Sum of all balances in kopecks. Each movement takes as much as it gives: it must be 0.
SELECT coalesce(sum(balance_kopecks), 0)::bigint FROM accounts;
