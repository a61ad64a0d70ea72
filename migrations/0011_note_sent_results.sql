-- A delivery notes which files it has brought, so that a try that broke off is not started anew.
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS sent_ids bigint [] NOT NULL DEFAULT '{}';
