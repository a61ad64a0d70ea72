"""Where the SQL lies: beside the packages in a checkout, inside `service` in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _folder(name: str) -> Path:
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


QUERIES = _folder("queries")
MIGRATIONS = _folder("migrations")
