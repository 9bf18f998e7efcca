#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml. No file names a package registry: that is the machine's own setting.
set -euo pipefail
cd "$(dirname "$0")/.."
uv="${UV:-.venv/bin/uv}"

compile() { # arguments: output file, then what to compile
    local output="$1"
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --custom-compile-command "make lock" "$@" -o "$output"
    if grep -nE 'https?://' "$output"; then
        echo "$output names a host (see the lines above); a lock file must not." >&2
        exit 1
    fi
}

compile requirements/bootstrap.txt requirements/bootstrap.in
compile requirements/dev.txt --all-extras pyproject.toml
compile requirements/run.txt pyproject.toml
