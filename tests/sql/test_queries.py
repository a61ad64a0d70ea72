"""Every named query is accepted by a real server, and can be read."""

import re
from collections import Counter

import pytest

from service.resources import QUERIES
from service.store.sql import queries

MAX_LINES = 30
NAMESPACES = sorted(path.parent.name for path in QUERIES.glob("*/*.sql"))
NAME = re.compile(r"^-- name: (\w+)\(", re.MULTILINE)


def texts(namespace):
    """Give the text of each query of a folder by name, from its name line to the next."""
    found = []
    for path in sorted((QUERIES / namespace).glob("*.sql")):
        parts = NAME.split(path.read_text(encoding="utf-8"))
        assert not parts[0].strip(), f"{path.name} begins with something that has no name"
        found += zip(parts[1::2], parts[2::2], strict=True)
    return found


ALL = [
    pytest.param(namespace, name, text, id=f"{namespace}.{name}")
    for namespace in sorted(set(NAMESPACES))
    for name, text in texts(namespace)
]


@pytest.mark.parametrize("namespace", sorted(set(NAMESPACES)))
async def test_every_query_is_prepared_against_the_migrated_schema(pool, namespace):
    # Given the queries as aiosql reads them, and a connection of the program's login
    loaded = queries(namespace)
    names = [name for name, _ in texts(namespace)]

    # When each is prepared, then the server takes it
    async with pool.acquire() as connection:
        for name in names:
            await connection.prepare(getattr(loaded, name).sql)


@pytest.mark.parametrize("namespace", sorted(set(NAMESPACES)))
def test_no_name_is_used_twice_in_a_folder(namespace):
    # Then no query silently replaces another (a folder is one namespace, whatever its files)
    names = Counter(name for name, _ in texts(namespace))
    assert [name for name, uses in names.items() if uses > 1] == []


@pytest.mark.parametrize(("namespace", "name", "text"), ALL)
def test_a_query_says_what_it_does_and_is_short(namespace, name, text):
    # Given the lines of a query after its name
    lines = text.strip().splitlines()[1:]

    # Then the first is a sentence about it, and there are few
    assert lines[0].startswith("-- "), f"{namespace}.{name} has no comment"
    assert len(lines) < MAX_LINES, f"{namespace}.{name} has {len(lines) + 1} lines"
