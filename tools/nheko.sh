#!/usr/bin/env bash
# A graphical client, nheko, in a window that nobody sees, to try by hand how the bot looks in it (docs/clients.md).
# Needs Debian's packages: nheko xvfb openbox xdotool imagemagick dbus-x11 python3
#
#   NHEKO_PASSWORD=… tools/nheko.sh start http://127.0.0.1:8008 alex    log in and open the window
#   tools/nheko.sh click 560 780 · type 'aide' · key Return · shot picture.png · stop
set -euo pipefail
folder="${NHEKO_FOLDER:-${TMPDIR:-/tmp}/nheko-$(id -u)}"
export DISPLAY="${NHEKO_DISPLAY:-:77}"

stop() {
    for name in session screen; do
        [ -f "$folder/$name.pid" ] || continue
        kill -- "-$(cat "$folder/$name.pid")" 2>/dev/null || true
        rm -f "$folder/$name.pid"
    done
}

start() { # homeserver, name
    stop
    rm -rf "$folder"
    mkdir -p -m 700 "$folder" "$folder/runtime" "$folder/config/nheko"
    HOMESERVER="$1" NAME="$2" python3 - >"$folder/config/nheko/nheko.conf" <<'PY'
import json, os, urllib.request

url = os.environ["HOMESERVER"]
asked = {
    "type": "m.login.password",
    "identifier": {"type": "m.id.user", "user": os.environ["NAME"]},
    "password": os.environ["NHEKO_PASSWORD"],
    "initial_device_display_name": "nheko",
}
request = urllib.request.Request(
    f"{url}/_matrix/client/v3/login", json.dumps(asked).encode(), {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request) as answer:
    found = json.load(answer)
# A value that begins with @ is a type in this kind of file, hence @@.
print(f"""[General]
run_without_secure_secrets_service=true

[auth]
access_token={found["access_token"]}
device_id={found["device_id"]}
home_server={url}
user_id=@{found["user_id"]}

[user]
theme=light
group_view=false
font_size=10
desktop_notifications=false

[window]
width=1000
height=780
tray=false""")
PY
    setsid Xvfb "$DISPLAY" -screen 0 1000x800x24 -nolisten tcp >"$folder/screen.log" 2>&1 &
    echo $! >"$folder/screen.pid"
    until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.2; done
    XDG_CONFIG_HOME="$folder/config" XDG_DATA_HOME="$folder/data" XDG_CACHE_HOME="$folder/cache" \
        XDG_RUNTIME_DIR="$folder/runtime" QT_QUICK_BACKEND=software LANG=C.UTF-8 \
        setsid dbus-run-session -- bash -c 'openbox & exec nheko' >"$folder/nheko.log" 2>&1 &
    echo $! >"$folder/session.pid"
    until xdotool search --onlyvisible --name nheko >/dev/null 2>&1; do sleep 0.2; done
    echo "nheko is open; its log is $folder/nheko.log"
}

case "${1:-}" in
start) : "${NHEKO_PASSWORD:?the password of the account}" && start "${2:?the homeserver}" "${3:?the account}" ;;
click) xdotool mousemove "$2" "$3" sleep 0.2 click 1 ;;
type) xdotool type --delay 40 "$2" ;;
key) xdotool key "$2" ;;
shot) import -window root "$2" ;;
stop) stop ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 1
    ;;
esac
