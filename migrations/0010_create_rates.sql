-- What administrators change at run time. The newest rates count; each change is kept.
CREATE TABLE IF NOT EXISTS rates (
    rates_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rub_per_usd numeric NOT NULL,
    rub_per_star numeric NOT NULL,
    usd_per_star numeric NOT NULL,
    markup numeric NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT rates_positive CHECK (
        rub_per_usd > 0 AND rub_per_star > 0 AND usd_per_star > 0 AND markup > 0
    )
);

CREATE TABLE IF NOT EXISTS model_switches (
    model_id text PRIMARY KEY,
    switched_off boolean NOT NULL,
    reason text,
    actor text NOT NULL,
    changed_at timestamptz NOT NULL
);
