-- The outbox: what must be said, written in the transaction that made it true.
CREATE TABLE IF NOT EXISTS outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chat_id bigint NOT NULL,
    kind text NOT NULL, -- which view says it
    content jsonb NOT NULL,
    state text NOT NULL DEFAULT 'due',
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    rung_at timestamptz NOT NULL,
    rings smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    message_id bigint,
    error text,
    CONSTRAINT outbox_state_known CHECK (state IN ('due', 'sent', 'unreachable', 'parked')),
    CONSTRAINT outbox_ended_have_time CHECK ((state = 'due') = (ended_at IS NULL))
);

CREATE INDEX IF NOT EXISTS outbox_due ON outbox (chat_id, outbox_id) WHERE state = 'due';
CREATE INDEX IF NOT EXISTS outbox_parked ON outbox (ended_at) WHERE state = 'parked';
CREATE INDEX IF NOT EXISTS outbox_ended ON outbox (ended_at) WHERE ended_at IS NOT NULL;
