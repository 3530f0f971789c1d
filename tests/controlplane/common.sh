# What the scripts of the control plane share: where its state is, its ports, and how a step is done once.
# Sourced by up.sh, tacker.sh, cinder.sh and down.sh.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export STATE_FOLDER="${CONTROLPLANE_STATE:-/var/tmp/congresslite-controlplane}"
export CONFIG_FOLDER="$STATE_FOLDER/etc" LOG_FOLDER="$STATE_FOLDER/log" DATA_FOLDER="$STATE_FOLDER/var"
export ADDRESS=127.0.0.1 PASSWORD=secret

# The usual ports, all shifted by one number, so that a second control plane can run beside the first.
# Database and broker avoid their standard ports, which other services of the machine may have taken.
shift_by="${CONTROLPLANE_SHIFT:-0}"
export KEYSTONE_PORT=$((5000 + shift_by)) PLACEMENT_PORT=$((8778 + shift_by)) GLANCE_PORT=$((9292 + shift_by))
export NOVA_PORT=$((8774 + shift_by)) NEUTRON_PORT=$((9696 + shift_by))
export HEAT_PORT=$((8004 + shift_by)) TACKER_PORT=$((9890 + shift_by)) CINDER_PORT=$((8776 + shift_by))
export AMQP_PORT=$((5673 + shift_by)) ERLANG_PORT=$((25673 + shift_by)) SQL_PORT=$((3307 + shift_by))

# Fake hypervisors of two sizes, two at each point of presence.
export HOSTS="cmp-par-1:fake.FakeDriver cmp-par-2:fake.MediumFakeDriver
    cmp-lyo-1:fake.MediumFakeDriver cmp-lyo-2:fake.MediumFakeDriver
    cmp-nce-1:fake.MediumFakeDriver cmp-nce-2:fake.SmallFakeDriver"

# The checkout's own Python has the OpenStack SDK; Debian's has the modules of the OpenStack services.
client="${PYTHON:-$here/../../.venv/bin/python}"
debian=/usr/bin/python3

export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 OS_CLIENT_CONFIG_FILE="$CONFIG_FOLDER/clouds.yaml"
unset OS_CLOUD OS_AUTH_URL OS_USERNAME OS_PASSWORD OS_PROJECT_NAME

say() { echo "[${SECONDS}s] $*"; }

# services ACTION … — see services.py
services() { "$client" "$here/services.py" "$STATE_FOLDER" "$@"; }

# seed NAME … — run one of the modules in seeds/
seed() { (cd "$here/../.." && "$client" -m "tests.controlplane.seeds.$1" "${@:2}"); }

start() { services start "$@"; }

running() { services alive "$1" 2> /dev/null; }

# once NAME COMMAND… — run a command that must succeed once in the life of the state folder
once() {
    local stamp="$DATA_FOLDER/stamps/$1"
    shift
    [ -e "$stamp" ] && return 0
    say "$*"
    if ! "$@" >> "$LOG_FOLDER/once.out" 2>&1; then
        tail -25 "$LOG_FOLDER/once.out"
        return 1
    fi
    touch "$stamp"
}

# packages NAME… — install Debian packages that are missing, without starting the services that they bring
packages() {
    local each missing=() policy=/usr/sbin/policy-rc.d own=""
    for each in "$@"; do
        dpkg-query -W -f='${Status}' "$each" 2> /dev/null | grep -q 'install ok installed' || missing+=("$each")
    done
    ((${#missing[@]} == 0)) && return 0
    say "install ${missing[*]}"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod +x "$policy"
        own=1
    fi
    apt-get update > "$LOG_FOLDER/packages.out" 2>&1 || true
    local failed=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" \
        >> "$LOG_FOLDER/packages.out" 2>&1 || failed=1
    [ -n "$own" ] && rm -f "$policy"
    ((failed == 0)) || { tail -25 "$LOG_FOLDER/packages.out"; return 1; }
}

sql() { mariadb --no-defaults --socket="$STATE_FOLDER/run/mysql.sock" --user=root -e "$1"; }

database() { sql "CREATE DATABASE IF NOT EXISTS $1 CHARACTER SET utf8"; }
