#!/usr/bin/env bash
# Stops what up.sh, tacker.sh and cinder.sh started, and nothing else. WIPE=1 forgets all state too.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -d "$STATE_FOLDER/run" ] || exit 0
computes=()
for record in "$STATE_FOLDER"/run/nova-compute-*.pid; do
    [ -e "$record" ] && computes+=("$(basename "$record" .pid)")
done
# Whoever asks goes before whoever answers: or else each would wait for a broker that is gone.
services stop tacker-server tacker-conductor heat-api heat-engine cinder-api cinder-scheduler cinder-volume l2-agents ${computes[@]+"${computes[@]}"} \
    nova-scheduler nova-conductor nova-api neutron-server glance-api placement keystone
services stop rabbitmq
services stop epmd mariadb

if [ -n "${WIPE:-}" ]; then
    rm -rf "$STATE_FOLDER/var" "$STATE_FOLDER/run" "$STATE_FOLDER/log" "$STATE_FOLDER/etc"
    say "forgot all state"
fi
