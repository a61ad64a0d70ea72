#!/bin/sh
# Make or refresh .venv/ from requirements.lock. Does nothing when nothing has changed.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
stamp_file=.venv/installed

stop() {
    echo "$1" >&2
    exit 1
}

# Run apt-get as root or with a sudo that asks for no password; false when neither is there.
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
        as_root='sudo -n'
    fi
    echo "Installing $1 with apt-get (only this once) ..."
    output=$( ($as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$1") 2>&1) \
        || { echo "$output" | tail -n 5 >&2; return 1; }
}

command -v "$python" >/dev/null || stop "Python is missing: install python3 (3.11 or newer)."
about=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3], "in", sys.base_prefix)')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || stop "Python 3.11 or newer is needed, this one is $about: try make PYTHON=python3.12"

# The folder counts too: programs in .venv/bin name it, so a moved checkout needs new ones.
environment="$about $(pwd)"
content=$(cat requirements.lock pyproject.toml scripts/install.sh | cksum)
stamp="$environment
$content"
if [ -x .venv/bin/python ] && [ "$(cat "$stamp_file" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

if ! [ -x .venv/bin/python ] || [ "$(head -n 1 "$stamp_file" 2>/dev/null)" != "$environment" ]; then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install python3-venv && "$python" -c 'import ensurepip, venv' 2>/dev/null \
            || stop "Python cannot make environments: run \`apt-get install python3-venv\` as root."
    fi
    echo "Making .venv/ with Python $about ..."
    "$python" -m venv --clear .venv
fi
rm -f "$stamp_file"

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input -qq "$@"
}

echo "Installing the packages of requirements.lock (a minute or two, only when it changed) ..."
# Root's own environment is meant here, so the warning about root would only frighten.
export PIP_ROOT_USER_ACTION=ignore
pip install --progress-bar off --require-hashes -r requirements.lock
pip install --progress-bar off --no-deps --no-build-isolation -e .
printf '%s\n' "$stamp" > "$stamp_file"
echo "Installed in .venv/."
