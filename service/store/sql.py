"""The named queries, one namespace for each folder of `queries/`."""

from functools import cache
from typing import Any

import aiosql

from service.resources import QUERIES


@cache
def queries(namespace: str) -> Any:
    """Load the queries of one folder; a folder belongs to one store module."""
    return aiosql.from_path(QUERIES / namespace, "asyncpg")
