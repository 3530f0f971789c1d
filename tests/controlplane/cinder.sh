#!/usr/bin/env bash
# Adds block storage to what up.sh started: Cinder from Debian 12, with volumes that are files of a local folder.
#
# There is a plain type of volumes and an encrypted one. Run it as often as you like.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
mkdir -p "$DATA_FOLDER"/cinder/{mnt,conversion,coordination,lock}

packages cinder-api cinder-scheduler cinder-volume nfs-common
"$client" "$here/configure.py"
database cinder
export PYTHONPATH="$here/cinder_driver"
cinder=(--config-file "$CONFIG_FOLDER/cinder.conf")
once cinder-database cinder-manage "${cinder[@]}" db sync
once cinder-account seed cinder account
for name in cinder-scheduler cinder-volume cinder-api; do
    start "$name" "$name" "${cinder[@]}" --log-file "$LOG_FOLDER/$name.log"
done
services wait cinder-api "$CINDER_PORT" 120
seed cinder types
say "block storage is up: http://$ADDRESS:$CINDER_PORT"
