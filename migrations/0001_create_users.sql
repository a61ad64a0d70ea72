-- People, their conversations and the lease that keeps one chat's updates in order.
CREATE TABLE IF NOT EXISTS users (
    user_id bigint PRIMARY KEY, -- Telegram's id; up to 52 bits, positive
    username text,
    first_name text NOT NULL DEFAULT '',
    language text NOT NULL,
    language_chosen boolean NOT NULL DEFAULT false, -- false: follows Telegram's language_code
    start_payload text, -- of the first /start, kept for referrals
    unreachable_since timestamptz, -- blocked the bot, or deactivated
    banned_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT users_id_is_a_person CHECK (user_id > 0),
    CONSTRAINT users_language_known CHECK (language IN ('ru', 'en'))
);

CREATE TABLE IF NOT EXISTS conversations (
    user_id bigint PRIMARY KEY REFERENCES users (user_id),
    waiting_for text, -- what the next plain text answers; null: it is a prompt
    draft jsonb NOT NULL DEFAULT '{}', -- the picture being composed
    changed_at timestamptz NOT NULL
);

-- Whoever holds the lease is the only one who handles this chat's updates and speaks in it.
CREATE TABLE IF NOT EXISTS chats (
    chat_id bigint PRIMARY KEY,
    lease_token uuid,
    lease_until timestamptz,
    CONSTRAINT chats_lease_whole CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
