"""The environment is read in one place, so that a bad value is named before anything starts."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "service" / "settings.py"
READERS = frozenset({"environ", "environb", "getenv", "getenvb", "putenv"})
FILES = sorted(path for folder in ("service", "actors") for path in (ROOT / folder).rglob("*.py"))


def reads_environment(tree):
    """Tell whether a module reaches for the environment through `os`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os" | "posix"), attr=attribute):
                names = {attribute}
            case ast.ImportFrom(module="os" | "posix", names=imported):
                names = {item.name for item in imported}
            case _:
                names = set()
        if READERS & names:
            return True
    return False


def test_only_settings_reads_the_environment():
    # Given every module of the product
    readers = [
        path for path in FILES if reads_environment(ast.parse(path.read_text(encoding="utf-8")))
    ]

    # Then one of them reads the environment
    assert readers == [SETTINGS]
