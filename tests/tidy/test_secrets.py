"""Nothing that is or will be committed opens a door, or names the machine it was written on."""

import os
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: A bot's token, keys of well-known kinds, a login inside an address of another machine.
TOKENS = {
    "a bot's token": re.compile(r"\b[1-9]\d{7,11}:[A-Za-z0-9_-]{35}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of an API": re.compile(r"\b(sk-|ghp_|github_pat_|xox[abp]-|AKIA)[A-Za-z0-9_-]{16,}"),
    "a bearer's key": re.compile(r"Bearer [a-f0-9]{32}\b"),
}
#: Hashes of packages, and nothing else.
LOCK = "requirements.lock"


def written_files():
    """Give every file that is or will be tracked, with its text; no git is needed for it."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    found = {}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name != ".git" and not any(fnmatch(name, pattern) for pattern in ignored)
        ]
        for path in (Path(folder) / name for name in names if name != LOCK):
            found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8", errors="ignore")
    return found


FILES = written_files()


@pytest.mark.parametrize("kind", TOKENS)
def test_no_secret_is_committed(kind):
    # Given every file; what the stubs call a token is known to everybody and too short to be one
    assert len(FILES) > 100, "the list of files is not what it should be"

    # Then none holds anything that looks like this kind of secret
    assert [name for name, text in FILES.items() if TOKENS[kind].search(text)] == []


def test_no_file_names_the_machine_it_was_written_on():
    # Given where this checkout and its user's home lie; a short path may be anybody's
    deep = [place for place in {ROOT, Path.home()} if len(place.parts) > len(("/", "app"))]
    places = [re.escape(str(place)) for place in deep] or ["(?!)"]
    pattern = re.compile(rf"(?<![\w./-])({'|'.join(places)})(?![\w.-])")

    # Then nobody wrote that down
    assert [name for name, text in FILES.items() if pattern.search(text)] == []
