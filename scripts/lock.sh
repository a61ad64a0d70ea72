#!/bin/sh
# Resolve pyproject.toml into requirements.lock: hashes, every supported Python, no index address.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    tools=.run/lock
    uv=$tools/bin/uv
    if ! [ -x "$uv" ]; then
        echo "Installing uv in $tools/ ..."
        "${PYTHON:-python3}" -m venv "$tools"
        "$tools/bin/python" -m pip --disable-pip-version-check -q install uv
    fi
fi
echo "Resolving (versions already in requirements.lock are kept where they fit) ..."
"$uv" pip compile -q pyproject.toml --extra local --group dev \
    --universal --python-version 3.11 \
    --generate-hashes --no-header --no-emit-index-url \
    -o requirements.lock
if grep -nE '^ *(-i|--index-url|--extra-index-url|--find-links)|https?://' requirements.lock; then
    echo "requirements.lock names an index address (above): it must not be committed." >&2
    exit 1
fi
echo "requirements.lock holds $(grep -cE '^[A-Za-z0-9].*==' requirements.lock) packages."
