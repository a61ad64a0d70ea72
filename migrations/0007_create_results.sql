-- Results: one row a file. Deliveries: what must be brought to a user, with pictures.
CREATE TABLE IF NOT EXISTS results (
    result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks (task_id),
    generation_id bigint NOT NULL REFERENCES generations (generation_id),
    ordinal smallint NOT NULL,
    url text NOT NULL, -- at KIE, for hours or days
    medium text NOT NULL DEFAULT 'image',
    media_key text, -- our own copy
    media_type text,
    size_bytes bigint,
    width integer,
    height integer,
    sha256 bytea,
    photo_file_id text, -- Telegram's, once sent that way
    document_file_id text,
    fetched_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT results_one_per_ordinal UNIQUE (task_id, ordinal),
    CONSTRAINT results_medium_known CHECK (medium IN ('image', 'video')),
    CONSTRAINT results_fetched_whole CHECK (
        (fetched_at IS NULL) = (media_key IS NULL)
        AND (fetched_at IS NULL) = (size_bytes IS NULL)
        AND (fetched_at IS NULL) = (sha256 IS NULL)
    )
);

CREATE INDEX IF NOT EXISTS results_of_generation ON results (generation_id, task_id, ordinal);

CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    generation_id bigint NOT NULL REFERENCES generations (generation_id),
    task_id bigint REFERENCES tasks (task_id), -- of a late result
    update_id bigint, -- the button press that asked
    chat_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'due',
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    rung_at timestamptz NOT NULL,
    rings smallint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    error text,
    CONSTRAINT deliveries_kind_known CHECK (kind IN ('results', 'late', 'again', 'files')),
    CONSTRAINT deliveries_state_known CHECK (state IN ('due', 'sent', 'expired', 'parked')),
    CONSTRAINT deliveries_ended_have_time CHECK ((state = 'due') = (ended_at IS NULL)),
    CONSTRAINT deliveries_say_what_for CHECK (
        CASE kind
            WHEN 'results' THEN task_id IS NULL AND update_id IS NULL
            WHEN 'late' THEN task_id IS NOT NULL AND update_id IS NULL
            ELSE task_id IS NULL AND update_id IS NOT NULL
        END
    )
);

-- Results and a late result are brought once, whoever notices; each button press is one wish.
CREATE UNIQUE INDEX IF NOT EXISTS deliveries_results_once
ON deliveries (generation_id) WHERE kind = 'results';
CREATE UNIQUE INDEX IF NOT EXISTS deliveries_late_once
ON deliveries (task_id) WHERE kind = 'late';
CREATE UNIQUE INDEX IF NOT EXISTS deliveries_wish_once
ON deliveries (update_id, generation_id, kind) WHERE update_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE state = 'due';
CREATE INDEX IF NOT EXISTS deliveries_parked ON deliveries (ended_at) WHERE state = 'parked';
CREATE INDEX IF NOT EXISTS deliveries_of_chat ON deliveries (chat_id) WHERE state = 'due';
