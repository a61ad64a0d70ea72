-- A hold keeps a task's money apart until it is known what was made; it is resolved once.
CREATE TABLE IF NOT EXISTS holds (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks (task_id),
    user_id bigint NOT NULL REFERENCES users (user_id),
    funding_id bigint NOT NULL,
    funding_kind text NOT NULL, -- the account the money came from, and goes back to
    amount_kopecks bigint NOT NULL,
    captured_kopecks bigint,
    released_kopecks bigint,
    created_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT holds_one_per_task_and_account UNIQUE (task_id, funding_kind),
    CONSTRAINT holds_funding_account
    FOREIGN KEY (funding_id, funding_kind) REFERENCES accounts (account_id, kind),
    CONSTRAINT holds_funding_kind CHECK (funding_kind IN ('available', 'bonus')),
    CONSTRAINT holds_amount_positive CHECK (amount_kopecks > 0),
    CONSTRAINT holds_resolved_whole CHECK (
        CASE WHEN resolved_at IS NULL
            THEN captured_kopecks IS NULL AND released_kopecks IS NULL
            ELSE captured_kopecks >= 0 AND released_kopecks >= 0
                AND captured_kopecks + released_kopecks = amount_kopecks
        END
    )
);

CREATE INDEX IF NOT EXISTS holds_open ON holds (user_id, created_at) WHERE resolved_at IS NULL;

CREATE OR REPLACE FUNCTION refuse_second_resolution() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- Whatever column is added later is covered too: only the resolution may change.
    IF OLD.resolved_at IS NOT NULL
        OR to_jsonb(NEW) - '{captured_kopecks, released_kopecks, resolved_at}'::text []
        <> to_jsonb(OLD) - '{captured_kopecks, released_kopecks, resolved_at}'::text []
    THEN
        RAISE EXCEPTION 'hold % is resolved once and never rewritten', OLD.hold_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER holds_resolve_once
BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION refuse_second_resolution();
CREATE OR REPLACE TRIGGER holds_are_kept
BEFORE DELETE ON holds FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER holds_are_kept_whole
BEFORE TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE holds ENABLE ALWAYS TRIGGER holds_resolve_once;
ALTER TABLE holds ENABLE ALWAYS TRIGGER holds_are_kept;
ALTER TABLE holds ENABLE ALWAYS TRIGGER holds_are_kept_whole;
