-- Movements: the only way money moves. One row is both legs, so nothing can be out of balance.
CREATE TABLE IF NOT EXISTS movement_rules (
    kind text NOT NULL,
    debit_kind text NOT NULL,
    credit_kind text NOT NULL,
    CONSTRAINT movement_rules_pkey PRIMARY KEY (kind, debit_kind, credit_kind)
);

INSERT INTO movement_rules (kind, debit_kind, credit_kind) VALUES
('welcome', 'promo', 'bonus'),
('top_up', 'stars', 'available'),
('hold', 'available', 'held'),
('hold', 'bonus', 'held'),
('capture', 'held', 'revenue'),
('release', 'held', 'available'),
('release', 'held', 'bonus'),
('adjustment', 'adjustments', 'available'),
('adjustment', 'available', 'adjustments')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS movements (
    movement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    user_id bigint REFERENCES users (user_id), -- filled in from the accounts
    debit_id bigint NOT NULL,
    debit_kind text NOT NULL,
    credit_id bigint NOT NULL,
    credit_kind text NOT NULL,
    amount_kopecks bigint NOT NULL,
    hold_id bigint REFERENCES holds (hold_id),
    idempotency_key text NOT NULL,
    request_hash bytea NOT NULL, -- of everything the caller asked for; filled in
    debit_balance_kopecks bigint NOT NULL, -- after this movement; filled in
    debit_version bigint NOT NULL,
    credit_balance_kopecks bigint NOT NULL,
    credit_version bigint NOT NULL,
    actor text NOT NULL DEFAULT 'system',
    note text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT movements_amount_positive CHECK (amount_kopecks > 0),
    CONSTRAINT movements_two_accounts CHECK (debit_id <> credit_id),
    CONSTRAINT movements_key_unique UNIQUE (idempotency_key),
    CONSTRAINT movements_rule FOREIGN KEY (kind, debit_kind, credit_kind)
    REFERENCES movement_rules (kind, debit_kind, credit_kind),
    CONSTRAINT movements_debit_account FOREIGN KEY (debit_id, debit_kind)
    REFERENCES accounts (account_id, kind),
    CONSTRAINT movements_credit_account FOREIGN KEY (credit_id, credit_kind)
    REFERENCES accounts (account_id, kind),
    CONSTRAINT movements_hold_kinds
    CHECK ((kind IN ('hold', 'capture', 'release')) = (hold_id IS NOT NULL)),
    CONSTRAINT movements_hold_once UNIQUE (hold_id, kind)
);

CREATE UNIQUE INDEX IF NOT EXISTS movements_debit_chain ON movements (debit_id, debit_version);
CREATE UNIQUE INDEX IF NOT EXISTS movements_credit_chain ON movements (credit_id, credit_version);
CREATE INDEX IF NOT EXISTS movements_of_user ON movements (user_id, movement_id DESC);

-- What makes two requests with one key the same request.
CREATE OR REPLACE FUNCTION movement_request_hash(movement movements) RETURNS bytea
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT sha256(convert_to(concat_ws(
        '|', movement.kind, movement.debit_id, movement.credit_id, movement.amount_kopecks,
        coalesce(movement.hold_id, 0)
    ), 'UTF8'))
$$;

-- A hold's movements must be what the hold says, to the kopeck and to the account.
CREATE OR REPLACE FUNCTION movement_matches_hold(movement movements) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM holds
        WHERE holds.hold_id = movement.hold_id
            AND holds.user_id = movement.user_id
            AND CASE movement.kind
                WHEN 'hold' THEN movement.debit_id = holds.funding_id
                    AND movement.amount_kopecks = holds.amount_kopecks
                WHEN 'capture' THEN movement.amount_kopecks = holds.captured_kopecks
                WHEN 'release' THEN movement.credit_id = holds.funding_id
                    AND movement.amount_kopecks = holds.released_kopecks
            END
    )
$$;

-- Locks both accounts in id order, answers a repeat with no row, writes down both balances.
-- SECURITY DEFINER: the program itself has no right to lock or touch an account.
CREATE OR REPLACE FUNCTION complete_movement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    debit accounts;
    credit accounts;
    earlier movements;
BEGIN
    PERFORM 1 FROM accounts WHERE account_id IN (NEW.debit_id, NEW.credit_id)
    ORDER BY account_id FOR NO KEY UPDATE;
    SELECT * INTO debit FROM accounts WHERE account_id = NEW.debit_id;
    SELECT * INTO credit FROM accounts WHERE account_id = NEW.credit_id;
    IF debit.user_id <> credit.user_id THEN
        RAISE EXCEPTION 'money does not move between two users'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'movements_one_user';
    END IF;
    NEW.user_id := coalesce(debit.user_id, credit.user_id);
    NEW.request_hash := movement_request_hash(NEW);

    SELECT * INTO earlier FROM movements WHERE idempotency_key = NEW.idempotency_key;
    IF FOUND AND earlier.request_hash = NEW.request_hash THEN
        RETURN NULL; -- the same request again: done already
    ELSIF FOUND THEN
        RAISE EXCEPTION 'key % was used for another movement', NEW.idempotency_key
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'movements_key_reused';
    END IF;
    IF NEW.hold_id IS NOT NULL AND NOT movement_matches_hold(NEW) THEN
        RAISE EXCEPTION 'a movement of kind % does not match hold %', NEW.kind, NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'movements_match_hold';
    END IF;

    NEW.debit_balance_kopecks := debit.balance_kopecks - NEW.amount_kopecks;
    NEW.debit_version := debit.version + 1;
    NEW.credit_balance_kopecks := credit.balance_kopecks + NEW.amount_kopecks;
    NEW.credit_version := credit.version + 1;
    RETURN NEW;
END $$;

-- Moves both balances once the row is there: a row that ON CONFLICT leaves out moves nothing.
CREATE OR REPLACE FUNCTION move_balances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moved integer;
BEGIN
    UPDATE accounts SET
        balance_kopecks = CASE account_id
            WHEN NEW.debit_id THEN NEW.debit_balance_kopecks ELSE NEW.credit_balance_kopecks
        END,
        version = version + 1
    WHERE (account_id = NEW.debit_id AND version = NEW.debit_version - 1)
        OR (account_id = NEW.credit_id AND version = NEW.credit_version - 1);
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> 2 THEN
        RAISE EXCEPTION 'one statement inserts one movement'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'movements_one_a_statement';
    END IF;
    RETURN NULL;
END $$;

-- Whoever may run these could hang them on a table of their own and move balances with it.
REVOKE EXECUTE ON FUNCTION complete_movement(), move_balances() FROM PUBLIC;

CREATE OR REPLACE TRIGGER movements_complete
BEFORE INSERT ON movements FOR EACH ROW EXECUTE FUNCTION complete_movement();
CREATE OR REPLACE TRIGGER movements_move_balances
AFTER INSERT ON movements FOR EACH ROW EXECUTE FUNCTION move_balances();
CREATE OR REPLACE TRIGGER movements_are_kept
BEFORE UPDATE OR DELETE ON movements FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER movements_are_kept_whole
BEFORE TRUNCATE ON movements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE movements ENABLE ALWAYS TRIGGER movements_complete;
ALTER TABLE movements ENABLE ALWAYS TRIGGER movements_move_balances;
ALTER TABLE movements ENABLE ALWAYS TRIGGER movements_are_kept;
ALTER TABLE movements ENABLE ALWAYS TRIGGER movements_are_kept_whole;

-- At commit a hold and its movements must agree: nothing is held or resolved on paper only.
CREATE OR REPLACE FUNCTION check_hold_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held holds;
    moved jsonb;
BEGIN
    SELECT * INTO held FROM holds WHERE hold_id = NEW.hold_id;
    SELECT coalesce(jsonb_object_agg(kind, amount_kopecks), '{}') INTO moved
    FROM movements WHERE hold_id = NEW.hold_id;
    IF coalesce((moved ->> 'hold')::bigint, 0) <> held.amount_kopecks
        OR coalesce((moved ->> 'capture')::bigint, 0) <> coalesce(held.captured_kopecks, 0)
        OR coalesce((moved ->> 'release')::bigint, 0) <> coalesce(held.released_kopecks, 0)
    THEN
        RAISE EXCEPTION 'hold % and its movements differ', NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_are_moved';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS holds_are_moved ON holds;
CREATE CONSTRAINT TRIGGER holds_are_moved AFTER INSERT OR UPDATE ON holds
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_hold_moved();
ALTER TABLE holds ENABLE ALWAYS TRIGGER holds_are_moved;

-- A settled task has no open hold, an unsettled one no resolved hold; their user is one.
CREATE OR REPLACE FUNCTION check_task_paid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    task tasks;
BEGIN
    SELECT * INTO task FROM tasks WHERE task_id = NEW.task_id;
    IF EXISTS (
        SELECT FROM holds WHERE task_id = task.task_id AND (
            user_id <> task.user_id OR (resolved_at IS NULL) <> (task.settled_at IS NULL)
        )
    ) OR task.price_kopecks
        <> (SELECT coalesce(sum(amount_kopecks), 0) FROM holds WHERE task_id = task.task_id)
    THEN
        RAISE EXCEPTION 'task % and its holds differ', task.task_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tasks_are_paid';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS tasks_are_paid ON tasks;
CREATE CONSTRAINT TRIGGER tasks_are_paid
AFTER INSERT OR UPDATE OF state, settled_at, price_kopecks ON tasks
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_task_paid();
ALTER TABLE tasks ENABLE ALWAYS TRIGGER tasks_are_paid;

-- The same seen from the hold: none is resolved early, none comes on top of the price.
DROP TRIGGER IF EXISTS holds_pay_a_task ON holds;
CREATE CONSTRAINT TRIGGER holds_pay_a_task AFTER INSERT OR UPDATE ON holds
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_task_paid();
ALTER TABLE holds ENABLE ALWAYS TRIGGER holds_pay_a_task;
