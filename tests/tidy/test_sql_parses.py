"""Every query and migration reads as SQL of PostgreSQL; no server is asked, for `make check`."""

import logging
import re
import string

import pytest
import sqlglot
from sqlglot import exp

from service.resources import MIGRATIONS, QUERIES

HEAD = re.compile(r"^-- name: (\w+)\(([^)]*)\)(\S*)$", re.MULTILINE)
#: A parameter of aiosql: a colon before a word, but not two (a cast), nor inside a comment.
PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")
COMMENT = re.compile(r"--.*$", re.MULTILINE)
LITERAL = re.compile(r"'[^']*'")
#: aiosql: none (many rows), one row, one value, number of rows changed, and the like.
OPERATIONS = frozenset({"", "^", "$", "!"})
FILES = sorted(MIGRATIONS.glob("[0-9]*.sql"))


def heads():
    """Give each query's place, name, parameters, operation and text."""
    for path in sorted(QUERIES.glob("*/*.sql")):
        parts = HEAD.split(path.read_text(encoding="utf-8"))
        for name, declared, operation, text in zip(
            *(parts[n::4] for n in range(1, 5)), strict=True
        ):
            yield pytest.param(declared, operation, text, id=f"{path.parent.name}.{name}")


ALL = list(heads())


@pytest.fixture(autouse=True)
def calm():
    """Keep what the parser leaves alone (triggers, functions) off the screen."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)


def test_the_list_of_queries_is_whole():
    # Then no head escaped the pattern
    texts = [path.read_text(encoding="utf-8") for path in QUERIES.glob("*/*.sql")]
    assert len(ALL) == sum(text.count("-- name:") for text in texts) > 50


@pytest.mark.parametrize(("declared", "operation", "text"), ALL)
def test_a_query_is_one_statement(declared, operation, text):
    # When the text is parsed
    parsed = [tree for tree in sqlglot.parse(text, read="postgres") if tree is not None]

    # Then it is one statement that the parser knows, of a kind that a program runs
    (tree,) = parsed
    assert isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete)
    assert operation in OPERATIONS


@pytest.mark.parametrize(("declared", "operation", "text"), ALL)
def test_a_query_declares_the_parameters_it_has(declared, operation, text):
    # Given the names after a colon, outside comments and literals
    used = set(PARAMETER.findall(LITERAL.sub("", COMMENT.sub("", text))))

    # Then these are the ones between the brackets, each once
    names = [name.strip() for name in declared.split(",") if name.strip()]
    assert sorted(names) == sorted(used)


@pytest.mark.parametrize(("declared", "operation", "text"), ALL)
def test_a_comment_holds_nothing_that_aiosql_takes_for_a_parameter(declared, operation, text):
    # Then no comment of a query has a colon right before a word
    assert [found for found in COMMENT.findall(text) if PARAMETER.search(found)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_migration_reads_as_sql_and_says_why(path):
    # Given a migration
    text = path.read_text(encoding="utf-8")

    # Then its first line is a sentence, and the parser finds its statements
    first = text.splitlines()[0]
    assert first.startswith("-- ")
    assert set(first) & set(string.ascii_letters)
    assert any(sqlglot.parse(text, read="postgres"))
