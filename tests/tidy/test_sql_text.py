"""SQL lives in .sql files: Python neither holds statements nor puts any together."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATEMENT = re.compile(
    r"\b(SELECT\s+\S|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|"
    r"(CREATE|ALTER|DROP|TRUNCATE)\s+(TABLE|INDEX|TRIGGER|FUNCTION|ROLE|DATABASE)\b|"
    r"(GRANT|REVOKE)\s+\w+\s+ON\s|SET\s+LOCAL\s|LISTEN\s+\w|NOTIFY\s+\w)"
)
#: Runs before there is a schema to prepare queries against.
RUNNER = ROOT / "service" / "store" / "migrations.py"
#: A question that needs no table: does PostgreSQL answer?
PING = "SELECT 1"
#: Private servers are made by their own programs; nothing of ours is asked there.
SERVERS = ROOT / "service" / "local"
FILES = sorted(
    path
    for folder in ("service", "actors")
    for path in (ROOT / folder).rglob("*.py")
    if SERVERS not in path.parents
)
PUT_TOGETHER = (ast.JoinedStr, ast.BinOp)


def statements(tree):
    """Give every text in a module that reads like SQL; docstrings are prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose:
                if STATEMENT.search(text):
                    yield text


def test_statements_stand_in_sql_files():
    # Given the texts of the product's modules that read like SQL
    assert len(FILES) > 100, "the list of modules is not what it should be"
    found = {
        (str(path.relative_to(ROOT)), text)
        for path in FILES
        if path != RUNNER
        for text in statements(ast.parse(path.read_text(encoding="utf-8")))
    }

    # Then there is none but the question whether anybody is there
    assert {(path, text) for path, text in found if text != PING} == set()


def test_no_statement_is_put_together_from_parts():
    # Given every f-string, addition and formatting in the product
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            formats = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"
            if not isinstance(node, PUT_TOGETHER) and not formats:
                continue
            text = " ".join(
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            if STATEMENT.search(text):
                found.append((str(path.relative_to(ROOT)), node.lineno))

    # Then none of them makes SQL: values are bound, names are written out
    assert found == []
