-- What the program's login may do; run by `kartina migrate` after the numbered files, whenever
-- DATABASE_URL and MIGRATE_DATABASE_URL name different logins. Safe to repeat.
DO $$
DECLARE
    login text := current_setting('kartina.login');
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', login);
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', login);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', login);
    -- Money: movements are only added, balances only follow from them, holds are resolved.
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON movements FROM %I', login);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON accounts FROM %I', login);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON movement_rules FROM %I', login);
    EXECUTE format('REVOKE DELETE, TRUNCATE ON holds, tasks, generations, quotes FROM %I', login);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM %I', login);
    EXECUTE format('REVOKE UPDATE, DELETE ON rates FROM %I', login);
END $$;
