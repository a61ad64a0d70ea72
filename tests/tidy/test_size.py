"""Small is readable: the length of functions, files and lines is held."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
COLUMNS_MAX = 100
FILES = sorted(
    path for folder in ("service", "actors", "tests") for path in (ROOT / folder).rglob("*.py")
)
#: Put together, so that this file does not name what it looks for.
PROMISES = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
#: What a tool must be told stands on the line it is about, and does not count.
PRAGMA = re.compile(r"\s+# (noqa|type: ignore|fmt: skip).*")
WRITTEN = (".py", ".sql", ".md", ".ftl", ".yaml", ".sh", ".toml")


def name(path):
    """Give a file's name as an engineer would say it."""
    return str(path.relative_to(ROOT))


def functions(path):
    """Give every function of a file with its number of lines, decorators left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_functions_are_short():
    # Given every function of product and tests
    lengths = [(name(path), *function) for path in FILES for function in functions(path)]
    assert len(lengths) > 500, "the list of functions is not what it should be"

    # Then none is longer than a screen
    assert [found for found in lengths if found[2] > FUNCTION_LINES_MAX] == []


def width(lines):
    """Give the length of the longest line."""
    return max((len(PRAGMA.sub("", line)) for line in lines), default=0)


@pytest.mark.parametrize(
    ("limit", "measure"),
    [
        pytest.param(FILE_LINES_MAX, len, id="lines"),
        pytest.param(COLUMNS_MAX, width, id="columns"),
    ],
)
def test_files_stay_in_limits(limit, measure):
    # Given every file of product and tests
    sizes = {name(path): measure(path.read_text(encoding="utf-8").splitlines()) for path in FILES}

    # Then none is longer or wider than we can read
    assert {path: size for path, size in sizes.items() if size > limit} == {}


def test_every_module_says_what_it_is_in_one_sentence():
    # Given the product's modules and the first line of what each says of itself
    docs = {
        name(path): (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
        for path in FILES
        if not name(path).startswith("tests")
    }

    # Then that line is there, and is a whole sentence
    bad = [path for path, doc in docs.items() if not doc.split("\n")[0].endswith((".", "?"))]
    assert bad == []


def test_nothing_is_promised_in_comments():
    # Given everything people write here
    files = [
        path
        for folder in ("service", "actors", "tests", "queries", "migrations", "docs", "scripts")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in WRITTEN
    ] + [path for path in ROOT.iterdir() if path.suffix in WRITTEN]

    # Then work that is not done is an issue, not a comment
    promising = [
        name(path)
        for path in files
        if any(word in path.read_text(encoding="utf-8") for word in PROMISES)
    ]
    assert promising == []
