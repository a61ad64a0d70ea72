-- name: list_open(now, rows_max)
-- For each kind of work: what is open, what of it is due, and since when the oldest has been due.
-- Partial indexes only; a figure stops at `rows_max`: a backlog must not slow its own report.
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
)

SELECT
    kind,
    count(*) AS open_count,
    count(*) FILTER (WHERE due_at <= :now) AS due_count,
    extract(
        EPOCH FROM :now::timestamptz - min(due_at) FILTER (WHERE due_at <= :now)
    )::double precision AS oldest_s
FROM open_rows GROUP BY kind;

-- name: list_parked(rows_max)
-- For each kind of work: how many rows were put aside.
SELECT kind, count(*) AS parked_count
FROM (
    (SELECT 'updates' AS kind FROM updates WHERE parked_at IS NOT NULL LIMIT :rows_max)
    UNION ALL
    (SELECT 'outbox' FROM outbox WHERE state = 'parked' LIMIT :rows_max)
    UNION ALL
    (SELECT 'tasks' FROM tasks WHERE parked_at IS NOT NULL LIMIT :rows_max)
    UNION ALL
    (SELECT 'deliveries' FROM deliveries WHERE state = 'parked' LIMIT :rows_max)
) AS parked
GROUP BY kind;

-- name: count_open_generations()^
-- How many generations are under way, by state.
SELECT
    count(*) FILTER (WHERE state = 'pending') AS pending,
    count(*) FILTER (WHERE state = 'processing') AS processing
FROM generations WHERE state IN ('pending', 'processing');

-- name: get_hold_oldest_s(now)$
-- Age of the oldest open hold in seconds; null: no money is held.
SELECT extract(EPOCH FROM :now::timestamptz - min(created_at))::double precision
FROM holds WHERE resolved_at IS NULL;
