"""Nothing is shipped that can't be loaded or was merged by half (D8)."""

import importlib
import re
import subprocess
from pathlib import Path

PACKAGES = ("service", "actors")
ROOT = Path(__file__).parents[2]
MARKER = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


def test_no_file_has_a_conflict_marker():
    # Given every file that is or will be tracked
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    assert len(files) > 50, "the list of files is not what it should be"

    # Then none was merged by half
    marked = [path.name for path in files if MARKER.search(path.read_text(errors="ignore"))]
    assert marked == []


def test_every_module_imports():
    # Given every module of the product
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    assert len(names) > 20, "the list of modules is not what it should be"

    # Then each can be imported
    for name in names:
        importlib.import_module(name)
