"""The whole schema of a database as comparable lines, read from its catalogue."""

import asyncpg

#: Works on every server, with or without its pg_dump at hand. Definitions are the server's own.
DESCRIBE = """
SELECT 'column ' || attrelid::regclass || '.' || attname || ' ' || attnum || ' '
    || format_type(atttypid, atttypmod) || ' notnull ' || attnotnull || ' identity '
    || attidentity::text || ' default ' || coalesce(pg_get_expr(adbin, adrelid), '') AS line
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
    AND NOT attisdropped
UNION ALL
SELECT 'constraint ' || conrelid::regclass || '.' || conname || ' '
    || pg_get_constraintdef(oid) || ' valid ' || convalidated
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || pg_get_indexdef(indexrelid) || ' valid ' || indisvalid
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(pg_trigger.oid) || ' ' || tgenabled::text
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid) || coalesce(proacl::text, '')
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'rights ' || relkind::text || ' ' || relname || ' ' || coalesce(relacl::text, '')
FROM pg_class WHERE relnamespace = 'public'::regnamespace
ORDER BY line
"""


async def describe(connection: asyncpg.Connection) -> list[str]:
    """Give one line for each column, constraint, index, trigger, function and table's rights."""
    return [row["line"] for row in await connection.fetch(DESCRIBE)]
