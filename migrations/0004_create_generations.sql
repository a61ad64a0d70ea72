-- A quote is a promised price, a generation what was bought, a task one createTask of it.
CREATE TABLE IF NOT EXISTS quotes (
    quote_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (user_id),
    model_id text NOT NULL,
    prompt text NOT NULL,
    parameters jsonb NOT NULL,
    style text NOT NULL,
    pictures smallint NOT NULL,
    picture_kopecks bigint NOT NULL, -- price of one picture
    price_kopecks bigint NOT NULL, -- of all of them: what the card shows and what is held
    cost_usd_micros bigint NOT NULL, -- what KIE takes for all of them
    rates jsonb NOT NULL, -- the rates this price was made with
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT quotes_pictures_in_limits CHECK (pictures BETWEEN 1 AND 12),
    CONSTRAINT quotes_price_positive CHECK (picture_kopecks > 0),
    CONSTRAINT quotes_price_adds_up CHECK (price_kopecks = picture_kopecks * pictures),
    CONSTRAINT quotes_expire_later CHECK (expires_at > created_at)
);

CREATE INDEX IF NOT EXISTS quotes_of_user ON quotes (user_id, quote_id DESC);

CREATE TABLE IF NOT EXISTS generations (
    generation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quote_id bigint NOT NULL REFERENCES quotes (quote_id),
    user_id bigint NOT NULL REFERENCES users (user_id),
    model_id text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    reason text, -- why it failed, a key of the texts
    price_kopecks bigint NOT NULL,
    status_message_id bigint, -- the message that is edited through the states
    deadline_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT generations_one_per_quote UNIQUE (quote_id),
    CONSTRAINT generations_state_known
    CHECK (state IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT generations_failed_say_why CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CONSTRAINT generations_ended_have_time
    CHECK ((state IN ('completed', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT generations_price_positive CHECK (price_kopecks > 0)
);

CREATE INDEX IF NOT EXISTS generations_of_user ON generations (user_id, generation_id DESC);
CREATE INDEX IF NOT EXISTS generations_open
ON generations (created_at) WHERE state IN ('pending', 'processing');

CREATE TABLE IF NOT EXISTS tasks (
    task_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id bigint NOT NULL REFERENCES generations (generation_id),
    user_id bigint NOT NULL REFERENCES users (user_id),
    model_id text NOT NULL,
    ordinal smallint NOT NULL,
    input jsonb NOT NULL, -- exactly what createTask is sent
    pictures smallint NOT NULL, -- asked for, and held for
    price_kopecks bigint NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    reason text,
    callback_token text NOT NULL, -- unguessable: it binds a callback to this task
    provider_task_id text,
    pictures_made smallint,
    credits_consumed numeric,
    attempts smallint NOT NULL DEFAULT 0,
    polls integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    rung_at timestamptz NOT NULL,
    rings smallint NOT NULL DEFAULT 0,
    deadline_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    submitted_at timestamptz,
    settled_at timestamptz,
    watch_until timestamptz, -- failed, but its result may still come: it is read until then
    late_at timestamptz, -- such a result came, and was delivered free
    parked_at timestamptz,
    error text,
    CONSTRAINT tasks_one_per_ordinal UNIQUE (generation_id, ordinal),
    CONSTRAINT tasks_token_unique UNIQUE (callback_token),
    CONSTRAINT tasks_provider_task_unique UNIQUE (provider_task_id),
    CONSTRAINT tasks_state_known CHECK (
        state IN ('queued', 'submitting', 'unknown', 'processing', 'succeeded', 'failed')
    ),
    CONSTRAINT tasks_pictures_in_limits CHECK (pictures BETWEEN 1 AND 12),
    CONSTRAINT tasks_price_positive CHECK (price_kopecks > 0),
    CONSTRAINT tasks_running_are_known
    CHECK (state NOT IN ('processing', 'succeeded') OR provider_task_id IS NOT NULL),
    CONSTRAINT tasks_failed_say_why CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CONSTRAINT tasks_settled_have_time
    CHECK ((state IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
    CONSTRAINT tasks_watched_were_given_back CHECK (watch_until IS NULL OR state = 'failed'),
    CONSTRAINT tasks_late_were_given_back CHECK (late_at IS NULL OR state = 'failed')
);

CREATE INDEX IF NOT EXISTS tasks_queued
ON tasks (user_id, task_id) WHERE state = 'queued' AND parked_at IS NULL;
CREATE INDEX IF NOT EXISTS tasks_running
ON tasks (user_id) WHERE state IN ('submitting', 'unknown', 'processing');
CREATE INDEX IF NOT EXISTS tasks_due
ON tasks (due_at)
WHERE (settled_at IS NULL OR watch_until IS NOT NULL) AND parked_at IS NULL;
CREATE INDEX IF NOT EXISTS tasks_parked ON tasks (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_of_model
ON tasks (model_id, settled_at DESC) WHERE state = 'succeeded';

-- A settled task stays settled; only the lateness of its result may be noted.
CREATE OR REPLACE FUNCTION refuse_unsettling() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'task % is settled: % stays %', OLD.task_id, OLD.state, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE OR REPLACE TRIGGER tasks_settle_once
BEFORE UPDATE OF state, price_kopecks ON tasks FOR EACH ROW
WHEN (OLD.settled_at IS NOT NULL AND (NEW.state <> OLD.state
    OR NEW.price_kopecks <> OLD.price_kopecks))
EXECUTE FUNCTION refuse_unsettling();

ALTER TABLE tasks ENABLE ALWAYS TRIGGER tasks_settle_once;
