#!/usr/bin/env bash
# The Chromium that tests of the board open: Debian's package. Says where it is; installs it when run as root.
set -euo pipefail

found() { command -v chromium || command -v chromium-browser || command -v google-chrome-stable || command -v google-chrome; }

if found; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "chromium: there is none on this machine; install Debian's package 'chromium' as root (tools/chromium.sh)" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "chromium: there is none on this machine, and no apt-get to install it with" >&2
    exit 1
fi
echo "chromium: installing Debian's package" >&2
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation; } >&2; then
    echo "chromium: it could not be installed; the lines above say why" >&2
    exit 1
fi
found
