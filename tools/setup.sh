#!/usr/bin/env bash
# Builds .venv from the locked, hashed requirements. Does nothing when it is already what the lock files say.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=".venv"
stamp="$venv/.esnbot-setup"
inputs=(requirements/bootstrap.txt requirements/dev.txt pyproject.toml tools/setup.sh)

fingerprint() { # the place counts too: a virtual environment that was moved does not work
    { pwd; cat "${inputs[@]}"; } | cksum
}

up_to_date() {
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(fingerprint)" = "$(cat "$stamp")" ]
}

die() {
    echo "setup: $*" >&2
    exit 1
}

if up_to_date; then
    exit 0
fi

python="${PYTHON:-python3}"
command -v "$python" >/dev/null 2>&1 ||
    die "Python was not found as '$python'. Install Python 3.11 or newer, or name one: PYTHON=/path/to/python3 make setup"
found="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ||
    die "'$python' does not run. Name a working Python 3.11 or newer: PYTHON=/path/to/python3 make setup"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "'$python' is Python $found; 3.11 or newer is needed. Name another: PYTHON=/path/to/python3 make setup"
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    die "'$python' ($found) cannot make virtual environments. On Debian or Ubuntu: apt-get install python$found-venv"

# Two calls at once (an editor and a terminal) must not build the same folder.
if command -v flock >/dev/null 2>&1; then
    exec 9>".setup.lock"
    flock 9
    if up_to_date; then
        exit 0
    fi
fi

echo "setup: building $venv with Python $found (once; about a minute)"
if ! { [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
    [ "$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$found" ] &&
    [ "$("$venv/bin/python" -c 'import sys; print(sys.prefix)')" = "$(pwd -P)/$venv" ]; }; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
rm -f "$stamp"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt

# uv does not read pip's settings: where packages come from, and whom to trust, is said once, for both.
pip_says() { "$venv/bin/python" -m pip config get "global.$1" 2>/dev/null || true; }
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index="${PIP_INDEX_URL:-$(pip_says index-url)}"
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi
if [ -z "${SSL_CERT_FILE:-}" ]; then
    certificates="${PIP_CERT:-$(pip_says cert)}"
    if [ -n "$certificates" ]; then
        export SSL_CERT_FILE="$certificates"
    elif [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ]; then
        export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
    fi
fi
export VIRTUAL_ENV="$PWD/$venv" UV_LINK_MODE="${UV_LINK_MODE:-copy}"
"$venv/bin/uv" pip sync --quiet --require-hashes requirements/dev.txt
"$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
fingerprint >"$stamp"
echo "setup: ready"
