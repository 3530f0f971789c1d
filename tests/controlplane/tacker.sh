#!/usr/bin/env bash
# Adds a real VNF manager to what up.sh started: Tacker 16 from PyPI, with Heat from Debian 12, and four VNF instances.
#
# Two instances are instantiated, so that their parts are servers of Nova. Run it as often as you like.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
mkdir -p "$DATA_FOLDER/heat" "$DATA_FOLDER"/tacker/{csar,store,lock,coordination,keys}

# ---- Heat, through which Tacker makes servers

packages heat-api heat-engine
export VENV="$STATE_FOLDER/venv-tacker"
"$client" "$here/configure.py"
database heat
once heat-database heat-manage --config-file "$CONFIG_FOLDER/heat.conf" db_sync
once heat-users seed heat
for name in heat-engine heat-api; do
    start "$name" "$name" --config-file "$CONFIG_FOLDER/heat.conf" --log-file "$LOG_FOLDER/$name.log"
done

# ---- Tacker

# A state folder that was moved or half made has no working Tacker: the stamp is the last thing that is written.
if [ ! -e "$DATA_FOLDER/stamps/tacker-packages" ]; then
    [ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
    once tacker-packages "$VENV/bin/pip" install --quiet --disable-pip-version-check "tacker==16.0.0" pymysql
fi
database tacker
once tacker-database "$VENV/bin/tacker-db-manage" --config-file "$CONFIG_FOLDER/tacker.conf" upgrade head
for name in tacker-conductor tacker-server; do
    start "$name" "$VENV/bin/$name" --config-file "$CONFIG_FOLDER/tacker.conf" --log-file "$LOG_FOLDER/$name.log"
done
services wait tacker-server "$TACKER_PORT" 120
services wait heat-api "$HEAT_PORT" 60

say "VNF instances"
seed vnf
say "the VNF manager is up: http://$ADDRESS:$TACKER_PORT"
