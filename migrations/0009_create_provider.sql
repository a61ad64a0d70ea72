-- KIE seen from here: its callbacks (hints), our call budget, whether it answers.
CREATE TABLE IF NOT EXISTS callbacks (
    callback_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks (task_id), -- the token's
    provider_task_id text, -- what the body says
    body text NOT NULL,
    matches boolean NOT NULL, -- false: another task's id came with this token
    received_at timestamptz NOT NULL,
    handled_at timestamptz
);

CREATE INDEX IF NOT EXISTS callbacks_of_task ON callbacks (task_id) WHERE handled_at IS NULL;
CREATE INDEX IF NOT EXISTS callbacks_received ON callbacks (received_at);

-- A slot may be used again when its window has passed: the oldest free slot is the budget.
CREATE TABLE IF NOT EXISTS call_slots (
    kind text NOT NULL,
    slot integer NOT NULL,
    used_at timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT call_slots_pkey PRIMARY KEY (kind, slot),
    CONSTRAINT call_slots_kind_known CHECK (kind IN ('create', 'read'))
);

CREATE TABLE IF NOT EXISTS provider (
    provider_id text PRIMARY KEY,
    failures timestamptz [] NOT NULL DEFAULT '{}', -- since the last success, newest last
    away_since timestamptz,
    probe_at timestamptz, -- when it may be asked next while away
    credits numeric,
    credits_at timestamptz
);

INSERT INTO provider (provider_id) VALUES ('kie') ON CONFLICT DO NOTHING;
