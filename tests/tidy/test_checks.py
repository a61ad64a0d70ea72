"""What `make check` checks holds in the suite too: continuous integration runs only the suite."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
LIMIT_S = 300
CHECKS = ["ruff check .", "ruff format --check .", "mypy", "lint-imports"]


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("check", CHECKS)
def test_a_check_of_make_check_passes(check):
    # When the check runs as `make check` runs it
    program, *arguments = check.split()
    ended = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip

    # Then it has nothing to say
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]


def test_make_check_runs_these_checks():
    # Given the recipe of `make check`
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ncheck:")[2]
    commands = [
        line.removeprefix("\t@$(VENV)/")
        for line in recipe.partition("\n\n")[0].splitlines()[1:]
        if line.startswith("\t@$(VENV)/")
    ]

    # Then it runs all of these; whatever comes on top needs no server either
    assert [check for check in CHECKS if check not in commands] == []
