"""A query belongs to one store module, which calls it by its name: none is lost, none is extra."""

import re
from collections import Counter
from pathlib import Path

import pytest

from service.resources import QUERIES

ROOT = Path(__file__).parents[2]
STORE = ROOT / "service" / "store"
LOADED = re.compile(r"""queries\("(\w+)"\)""")
CALLED = re.compile(r"""\b_sql\.(\w+)""")
#: The audit goes through a list of names.
LISTED = re.compile(r'["]([a-z_0-9]+)["],$', re.MULTILINE)
NAMED = re.compile(r"^-- name: (\w+)\(", re.MULTILINE)
VERBS = re.compile(r"[a-z]+(_[a-z0-9]+)*")
NAMESPACES = sorted(path.name for path in QUERIES.iterdir() if path.is_dir())


def names_of(namespace):
    """Give the names of all queries of a folder, once for each time they are defined."""
    files = sorted((QUERIES / namespace).glob("*.sql"))
    return [name for file in files for name in NAMED.findall(file.read_text(encoding="utf-8"))]


def users_of(namespace):
    """Give the product's modules that load a folder of queries."""
    files = (path for folder in ("service", "actors") for path in (ROOT / folder).rglob("*.py"))
    return [path for path in files if namespace in LOADED.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_folder_of_queries_belongs_to_the_store_module_of_its_name(namespace):
    # Then only that module loads it
    assert users_of(namespace) == [STORE / f"{namespace}.py"]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_query_has_one_name_and_is_used(namespace):
    # Given the names of a folder, and what its store module calls
    defined = Counter(names_of(namespace))
    module = (STORE / f"{namespace}.py").read_text(encoding="utf-8")
    called, listed = set(CALLED.findall(module)), set(LISTED.findall(module))

    # Then each name is there once, and each is called
    assert [name for name, times in defined.items() if times > 1] == []
    assert called <= set(defined)
    assert set(defined) - called - listed == set()


def test_queries_are_named_as_verbs_in_small_letters():
    # Then no name needs quoting or guessing
    names = [name for namespace in NAMESPACES for name in names_of(namespace)]
    assert [name for name in names if not VERBS.fullmatch(name)] == []
