-- name: make_slots(kind, slots)$
-- Make the slots of a call budget; slots over the number stay unused.
WITH made AS (
    INSERT INTO call_slots (kind, slot)
    SELECT :kind, slot FROM generate_series(1, :slots::integer) AS slot
    ON CONFLICT DO NOTHING
    RETURNING slot
)

SELECT count(*) FROM made;

-- name: use_slot(kind, slots, window_s)$
-- Use the slot that has been free for longest. No row: the budget is used up for now.
-- The database's own clock: the budget holds for all processes.
UPDATE call_slots SET used_at = clock_timestamp()
WHERE (kind, slot) = (
    SELECT free.kind, free.slot FROM call_slots AS free
    WHERE free.kind = :kind AND free.slot <= :slots
        AND free.used_at <= clock_timestamp() - make_interval(secs => :window_s)
    ORDER BY free.used_at LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING slot;

-- name: end_call(kind, slot)$
-- A call has been answered. Its window starts anew: KIE may have counted it as late as now.
UPDATE call_slots SET used_at = clock_timestamp() WHERE kind = :kind AND slot = :slot
RETURNING slot;

-- name: get_wait_s(kind, slots, window_s)$
-- How long until the next slot is free, in seconds.
SELECT greatest(
    0, extract(EPOCH FROM min(used_at) - clock_timestamp()) + :window_s::double precision
)
FROM call_slots WHERE kind = :kind AND slot <= :slots;

-- name: note_failure(now, window_s, failures_max)$
-- Note a failed call; gives the time since when KIE counts as away, null while it does not.
UPDATE provider SET
    failures = ARRAY(
        SELECT at FROM unnest(failures || ARRAY[:now::timestamptz]) AS at
        WHERE at > :now::timestamptz - make_interval(secs => :window_s)
        ORDER BY at DESC LIMIT :failures_max
    ),
    away_since = CASE
        WHEN away_since IS NOT NULL THEN away_since
        WHEN (
            SELECT count(*) FROM unnest(failures) AS at
            WHERE at > :now::timestamptz - make_interval(secs => :window_s)
        ) + 1 >= :failures_max THEN :now
    END
WHERE provider_id = 'kie'
RETURNING away_since;

-- name: note_success()$
-- KIE answered. No row: nothing was amiss.
UPDATE provider SET failures = '{}', away_since = NULL, probe_at = NULL
WHERE provider_id = 'kie' AND (away_since IS NOT NULL OR failures <> '{}')
RETURNING provider_id;

-- name: claim_probe(now, stale_at, next_at)$
-- Take the next probe: KIE is away, or its credit was last read before `stale_at`.
-- No row: neither is so, or somebody asked just now.
UPDATE provider SET probe_at = :next_at
WHERE provider_id = 'kie'
    AND (away_since IS NOT NULL OR credits_at IS NULL OR credits_at <= :stale_at)
    AND (probe_at IS NULL OR probe_at <= :now)
RETURNING provider_id;

-- name: keep_credits(credits, now)$
-- Keep what KIE says is left.
UPDATE provider SET credits = :credits, credits_at = :now
WHERE provider_id = 'kie'
RETURNING provider_id;

-- name: get_provider()^
-- How KIE is doing, as far as we know.
SELECT away_since, probe_at, credits, credits_at FROM provider WHERE provider_id = 'kie';
