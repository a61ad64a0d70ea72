-- The inbox: every update of Telegram, kept before it is acknowledged, handled once.
CREATE TABLE IF NOT EXISTS updates (
    update_id bigint PRIMARY KEY, -- a repeat is refused here, and that is all there is to it
    chat_id bigint NOT NULL, -- chat, else user, else 0
    body text, -- emptied 7 days after it was handled
    attempts smallint NOT NULL DEFAULT 0, -- counted at the claim, so that a killer is parked too
    due_at timestamptz NOT NULL,
    rung_at timestamptz NOT NULL,
    rings smallint NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL,
    handled_at timestamptz,
    parked_at timestamptz,
    error text,
    CONSTRAINT updates_ended_one_way CHECK (handled_at IS NULL OR parked_at IS NULL),
    CONSTRAINT updates_open_have_body CHECK (handled_at IS NOT NULL OR body IS NOT NULL)
);

CREATE INDEX IF NOT EXISTS updates_open
ON updates (chat_id, update_id) WHERE handled_at IS NULL AND parked_at IS NULL;

CREATE INDEX IF NOT EXISTS updates_parked ON updates (parked_at) WHERE parked_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS updates_handled
ON updates (handled_at) WHERE handled_at IS NOT NULL;
