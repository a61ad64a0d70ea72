-- name: make_quote(user_id, model_id, prompt, parameters, style, pictures, picture_kopecks, price_kopecks, cost_usd_micros, rates, now, expires_at)$
-- Promise a price for 15 minutes; what is charged is this and nothing else.
INSERT INTO quotes (
    user_id, model_id, prompt, parameters, style, pictures, picture_kopecks, price_kopecks,
    cost_usd_micros, rates, created_at, expires_at
) VALUES (
    :user_id, :model_id, :prompt, :parameters, :style, :pictures, :picture_kopecks,
    :price_kopecks, :cost_usd_micros, :rates, :now, :expires_at
)
RETURNING quote_id;

-- name: get_quote(quote_id, user_id)^
-- No row: there is no such quote, or it is another user's.
SELECT quote_id, user_id, model_id, prompt, parameters, style, pictures, picture_kopecks,
    price_kopecks, expires_at,
    EXISTS (SELECT FROM generations WHERE generations.quote_id = quotes.quote_id) AS is_used
FROM quotes WHERE quote_id = :quote_id AND user_id = :user_id;
