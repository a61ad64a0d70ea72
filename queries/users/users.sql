-- name: meet_user(user_id, username, first_name, language, is_told, now)^
-- Keep who wrote, and give the person; `is_new` says that nobody knew them before, `is_back`
-- that they could not be reached (the inner query sees the row as it was).
-- Where Telegram told no language (`is_told`), the last one known stays.
INSERT INTO users AS known (user_id, username, first_name, language, created_at)
VALUES (:user_id, :username, :first_name, :language, :now)
ON CONFLICT (user_id) DO UPDATE SET
    username = excluded.username,
    first_name = excluded.first_name,
    language = CASE
        WHEN known.language_chosen OR NOT :is_told::boolean THEN known.language
        ELSE excluded.language
    END,
    unreachable_since = NULL
RETURNING user_id, first_name, language, language_chosen, start_payload, banned_at,
    (xmax = 0) AS is_new,
    EXISTS (
        SELECT FROM users AS before
        WHERE before.user_id = known.user_id AND before.unreachable_since IS NOT NULL
    ) AS is_back;

-- name: get_user(user_id)^
-- No row: this person never wrote to the bot.
SELECT user_id, first_name, language, language_chosen, start_payload, banned_at,
    false AS is_new
FROM users WHERE user_id = :user_id;

-- name: lock_user(user_id)$
-- Everything that moves a user's money takes this row first: money of one user, one at a time.
SELECT user_id FROM users WHERE user_id = :user_id FOR NO KEY UPDATE;

-- name: keep_start_payload(user_id, payload)$
-- Keep the payload of the first /start. No row: one is there already.
UPDATE users SET start_payload = :payload
WHERE user_id = :user_id AND start_payload IS NULL
RETURNING user_id;

-- name: choose_language(user_id, language)$
-- From now on the language is the user's choice, not Telegram's.
UPDATE users SET language = :language, language_chosen = true
WHERE user_id = :user_id
RETURNING user_id;

-- name: mark_unreachable(user_id, now)$
-- The user blocked the bot or is gone. No row: that was known.
UPDATE users SET unreachable_since = :now
WHERE user_id = :user_id AND unreachable_since IS NULL
RETURNING user_id;

-- name: mark_reachable(user_id)$
-- The user is back. No row: they were never away.
UPDATE users SET unreachable_since = NULL
WHERE user_id = :user_id AND unreachable_since IS NOT NULL
RETURNING user_id;

-- name: get_conversation(user_id)^
-- No row: nothing was said yet.
SELECT waiting_for, draft FROM conversations WHERE user_id = :user_id;

-- name: keep_conversation(user_id, waiting_for, draft, now)$
-- Keep where the conversation stands.
INSERT INTO conversations (user_id, waiting_for, draft, changed_at)
VALUES (:user_id, :waiting_for, :draft, :now)
ON CONFLICT (user_id) DO UPDATE SET
    waiting_for = excluded.waiting_for, draft = excluded.draft, changed_at = excluded.changed_at
RETURNING user_id;
