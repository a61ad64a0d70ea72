-- name: get_rates()^
-- The rates that count now. No row: none were ever set.
SELECT rub_per_usd, rub_per_star, usd_per_star, markup
FROM rates ORDER BY rates_id DESC LIMIT 1;

-- name: add_rates(rub_per_usd, rub_per_star, usd_per_star, markup, actor, now)$
-- From now on these rates count; quotes made before keep theirs.
INSERT INTO rates (rub_per_usd, rub_per_star, usd_per_star, markup, actor, created_at)
VALUES (:rub_per_usd, :rub_per_star, :usd_per_star, :markup, :actor, :now)
RETURNING rates_id;

-- name: add_first_rates(rub_per_usd, rub_per_star, usd_per_star, markup, now)$
-- The variables give the first value. No row: there are rates.
INSERT INTO rates (rub_per_usd, rub_per_star, usd_per_star, markup, actor, created_at)
SELECT :rub_per_usd, :rub_per_star, :usd_per_star, :markup, 'environment', :now
WHERE NOT EXISTS (SELECT FROM rates)
RETURNING rates_id;
