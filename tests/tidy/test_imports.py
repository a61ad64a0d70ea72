"""What a process loads: the web process stays small, a command starts at once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 60
LOOK = """
import sys
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def loaded_by(module):
    """Give the top-level packages that are there once a fresh interpreter imported a module."""
    ended = subprocess.run(
        [sys.executable, "-c", LOOK.format(module=module)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=LIMIT_S,
    )  # fmt: skip
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    ("module", "too_big"),
    [
        pytest.param(
            "service.app", {"aiogram", "pydantic", "matplotlib", "textual", "actors"}, id="web"
        ),
        pytest.param(
            "service.cli",
            {"aiogram", "aiohttp", "asyncpg", "dramatiq", "litestar", "textual"},
            id="a command that is not run yet",
        ),
        pytest.param("actors.worker", {"matplotlib", "textual"}, id="worker"),
    ],
)
def test_a_process_loads_only_what_it_needs(module, too_big):
    # When a fresh interpreter imports what the process starts from
    loaded = loaded_by(module)

    # Then what costs memory or seconds and is not its business stayed outside
    assert "service" in loaded or "actors" in loaded
    assert loaded & too_big == set()
